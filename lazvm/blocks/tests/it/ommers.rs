//! Each rule of ommers, broken alone.

use alloy_primitives::{B64, B256};
use lazvm::alloy_consensus::Header;
use lazvm_blocks::{
    Ancestor, ChainSpec, HeaderError, OmmerError, alloy_hardforks::EthereumHardfork as Fork,
    check_ommers,
};

use crate::support::{ancestor, child, genesis, spec};

/// The headers of a chain, from the genesis block on.
fn chain(spec: &ChainSpec, blocks: usize) -> Vec<Header> {
    let mut chain = vec![genesis(spec)];
    for _ in 1..blocks {
        let next = child(spec, &chain[chain.len() - 1]);
        chain.push(next);
    }
    chain
}

/// From the last one down.
fn ancestors(chain: &[Header]) -> Vec<Ancestor> {
    chain.iter().rev().map(ancestor).collect()
}

/// A block that came beside that above `parent`.
fn beside(spec: &ChainSpec, parent: &Header, mark: u8) -> Header {
    Header { nonce: B64::repeat_byte(mark), ..child(spec, parent) }
}

#[test]
fn children_of_the_last_generations_are_ommers() {
    let spec = spec(Fork::Homestead);
    let chain = chain(&spec, 12);
    let block = child(&spec, &chain[11]);
    let ancestors = ancestors(&chain);
    for (generations, header) in chain.iter().rev().enumerate() {
        let ommer = beside(&spec, header, 1);
        let result = check_ommers(&spec, &block, core::slice::from_ref(&ommer), &ancestors);
        // A child of the parent is a sibling of the block, and one eight back came too late.
        let expected = if (1..7).contains(&generations) {
            Ok(())
        } else {
            Err(OmmerError::Relation { hash: ommer.hash_slow() })
        };
        assert_eq!(result, expected, "{generations}");
    }
    let unknown = Header { parent_hash: B256::ZERO, ..beside(&spec, &chain[9], 1) };
    let hash = unknown.hash_slow();
    let result = check_ommers(&spec, &block, &[unknown], &ancestors);
    assert_eq!(result, Err(OmmerError::Relation { hash }));
}

#[test]
fn ommers_are_new_and_few() {
    let spec = spec(Fork::Homestead);
    let chain = chain(&spec, 6);
    let block = child(&spec, &chain[5]);
    let [one, two, three] = [1, 2, 3].map(|mark| beside(&spec, &chain[3], mark));
    let mut ancestors = ancestors(&chain);
    let check =
        |ommers: &[Header], ancestors: &[Ancestor]| check_ommers(&spec, &block, ommers, ancestors);
    assert_eq!(check(&[one.clone(), two.clone()], &ancestors), Ok(()));
    let many = [one.clone(), two.clone(), three];
    assert_eq!(check(&many, &ancestors), Err(OmmerError::Count { max: 2, got: 3 }));
    let hash = one.hash_slow();
    assert_eq!(check(&[one.clone(), one], &ancestors), Err(OmmerError::Known { hash }));
    let hash = chain[4].hash_slow();
    assert_eq!(check(&chain[4..5], &ancestors), Err(OmmerError::Known { hash }));
    let hash = two.hash_slow();
    ancestors[2].ommers.push(hash);
    assert_eq!(check(&[two], &ancestors), Err(OmmerError::Known { hash }));
}

#[test]
fn ommers_follow_the_rules_of_headers() {
    let spec = spec(Fork::Homestead);
    let chain = chain(&spec, 6);
    let block = child(&spec, &chain[5]);
    let mut ommer = beside(&spec, &chain[3], 1);
    ommer.gas_used = ommer.gas_limit + 1;
    let hash = ommer.hash_slow();
    let error = check_ommers(&spec, &block, &[ommer], &ancestors(&chain)).unwrap_err();
    let OmmerError::Header { hash: got, error } = error else { panic!("{error}") };
    assert!(got == hash && matches!(*error, HeaderError::GasUsed { .. }));
}

#[test]
fn blocks_without_work_have_none() {
    let spec = spec(Fork::Paris);
    let chain = chain(&spec, 6);
    let block = child(&spec, &chain[5]);
    let ommer = beside(&spec, &chain[3], 1);
    let result = check_ommers(&spec, &block, &[ommer], &ancestors(&chain));
    assert_eq!(result, Err(OmmerError::Count { max: 0, got: 1 }));
}
