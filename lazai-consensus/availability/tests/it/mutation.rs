use lazai_availability::{InconsistencyProof, Shard};
use proptest::prelude::*;

use crate::{coding, data, publish};

#[test]
fn shards_decode_from_their_own_bytes_alone() {
    let (manifest, shards) = publish(&data(12_345, 5), coding(7, 5_000));
    let commitment = manifest.commitment();
    for shard in shards.values() {
        let encoded = shard.encode();
        let decoded = Shard::decode(&encoded, commitment).unwrap();
        assert_eq!(decoded, *shard);
        assert_eq!(decoded.verify(&manifest).unwrap().shard(), shard);
        for length in 0..encoded.len() {
            assert!(Shard::decode(&encoded[..length], commitment).is_err(), "{length}");
        }
        let longer = [encoded.as_slice(), &[0]].concat();
        assert!(Shard::decode(&longer, commitment).is_err());
    }
}

#[test]
fn no_bit_of_a_shard_can_change() {
    let (manifest, shards) = publish(&data(4_000, 5), coding(7, 5_000));
    for shard in shards.values() {
        let encoded = shard.encode();
        for bit in 0..encoded.len() * 8 {
            let mut changed = encoded.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let verified = Shard::decode(&changed, manifest.commitment())
                .and_then(|shard| shard.verify(&manifest));
            assert!(verified.is_err(), "bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_are_no_shard(mut bytes in prop::collection::vec(any::<u8>(), 0..4_000), place: bool) {
        let (manifest, _) = publish(&data(4_000, 5), coding(7, 5_000));
        if place && bytes.len() > 6 {
            bytes[..6].copy_from_slice(&[0, 0, 0, 0, 0, 3]);
        }
        let verified = Shard::decode(&bytes, manifest.commitment())
            .and_then(|shard| shard.verify(&manifest));
        prop_assert!(verified.is_err());
    }

    #[test]
    fn random_bytes_are_no_proof(mut bytes in prop::collection::vec(any::<u8>(), 0..6_000), form in 0..3_u8) {
        let (manifest, _) = publish(&data(4_000, 5), coding(7, 5_000));
        if let Some(first) = bytes.first_mut() {
            *first = form;
        }
        let verified = InconsistencyProof::decode(&bytes, manifest.commitment())
            .and_then(|proof| proof.verify(manifest.commitment()));
        prop_assert!(verified.is_err());
    }
}
