//! Bytes from the network.

use alloy_primitives::Address;
use alloy_rlp::Encodable;
use lazvm_blocks::{
    BlockError, MAX_BLOCK_BYTES, alloy_hardforks::EthereumHardfork as Fork, decode_block,
};
use proptest::prelude::*;

use crate::support::{child, genesis, sealed, spec, transaction};

fn encoded() -> Vec<u8> {
    let spec = spec(Fork::Osaka);
    let header = child(&spec, &genesis(&spec));
    let block = sealed(header, vec![transaction(0, Address::ZERO, 1, 1)]);
    let mut bytes = Vec::new();
    block.inner().encode(&mut bytes);
    bytes
}

#[test]
fn a_block_comes_back() {
    let bytes = encoded();
    let block = decode_block(&bytes).unwrap();
    assert_eq!(block.hash(), block.header.hash_slow());
    let mut again = Vec::new();
    block.inner().encode(&mut again);
    assert_eq!(again, bytes);
}

#[test]
fn bytes_behind_a_block_and_large_blocks_are_refused() {
    let mut bytes = encoded();
    bytes.push(0);
    assert!(matches!(decode_block(&bytes), Err(BlockError::Decoding(_))));
    let large = vec![0; MAX_BLOCK_BYTES + 1];
    let Err(BlockError::Size { max, got }) = decode_block(&large) else { panic!() };
    assert_eq!((max, got), (MAX_BLOCK_BYTES, MAX_BLOCK_BYTES + 1));
}

/// A claim of 2^56 bytes is not believed.
#[test]
fn claims_of_lengths_are_not_believed() {
    assert!(decode_block(&[0xff; 9]).is_err());
    assert!(decode_block(&[0xf8]).is_err());
    assert!(decode_block(&[]).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode_block(&bytes);
    }

    #[test]
    fn no_change_panics(place in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = encoded();
        let place = place.index(bytes.len());
        bytes[place] = value;
        let _ = decode_block(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(decode_block(&bytes).is_err());
    }
}
