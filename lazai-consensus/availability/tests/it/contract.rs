//! Verification in Solidity, compared with the library on the same bytes.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use lazai_availability::{Opening, opening_calldata, verify_opening_proof};
use lazvm::revm::primitives::hardfork::SpecId;
use proptest::prelude::*;

use crate::{
    chain::{Chain, DATA_OPENING_VERIFIER, intrinsic, word},
    leaves::Leaves,
};

alloy_sol_types::sol! {
    #[allow(missing_docs)]
    interface DataOpeningVerifier {
        function verify(bytes32 root, bytes opening)
            external pure returns (uint8 status, uint32 stripe, uint16 shard, uint32 leaf);
    }
}

const MALFORMED: u64 = 0;
const VALID: u64 = 1;
const NO_SUCH_PLACE: u64 = 3;

#[test]
fn openings_are_what_they_show() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let mut gas = BTreeMap::new();
    for (bytes, n, stripe_bytes) in [(1, 1, 1), (30_000, 7, 9_000), (1_000_000, 31, 100_000)] {
        let dataset = Leaves::new(bytes, n, stripe_bytes);
        let commitment = dataset.commitment;
        let last = commitment.stripes() - 1;
        for (stripe, shard) in [(0, 0), (0, n - 1), (last, 0), (last, n - 1)] {
            for leaf in [0, commitment.leaves(stripe) - 1] {
                let opening = dataset.opening(stripe, shard, leaf);
                let data = opening_calldata(&commitment, &opening);
                let execution = chain.ask(DATA_OPENING_VERIFIER, data.clone());
                assert_eq!(word(&execution), VALID);
                let shown = execution.result.output().unwrap();
                let number = |at: usize| U256::from_be_slice(&shown[at..at + 32]);
                assert_eq!(number(32).to::<u32>(), stripe);
                assert_eq!(number(64).to::<u16>(), shard);
                assert_eq!(number(96).to::<u32>(), leaf);
                let run = execution.result.gas().total_gas_spent() - intrinsic(&data);
                assert!(run < 4_000 + 250 * opening.path.len() as u64, "{run}");
                let used = execution.gas_used();
                gas.insert(opening.path.len(), format!("{used} gas, execution {run}"));
            }
        }
    }
    for (siblings, gas) in gas {
        println!("{siblings} siblings: {gas}");
    }
}

#[test]
fn altered_openings_are_refused_as_by_the_library() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let dataset = Leaves::new(30_000, 7, 9_000);
    let commitment = dataset.commitment;
    let opening = dataset.opening(1, 5, 2);
    let proof = [commitment.encode().as_slice(), &opening.encode()].concat();
    let root = commitment.root();
    let call = DataOpeningVerifier::verifyCall { root, opening: proof.clone().into() };
    assert_eq!(opening_calldata(&commitment, &opening), call.abi_encode());
    let mut status = |proof: &[u8]| {
        let opening = Bytes::copy_from_slice(proof);
        let data = DataOpeningVerifier::verifyCall { root, opening }.abi_encode();
        let status = word(&chain.ask(DATA_OPENING_VERIFIER, data));
        assert_eq!(status == VALID, verify_opening_proof(root, proof).is_ok());
        status
    };
    assert_eq!(status(&proof), VALID);
    for at in 0..proof.len() {
        let mut wrong = proof.clone();
        wrong[at] ^= 1;
        assert_ne!(status(&wrong), VALID, "byte {at}");
    }
    for length in (0..proof.len()).step_by(7).chain([proof.len() - 32, proof.len() - 64]) {
        assert_ne!(status(&proof[..length]), VALID, "{length}");
    }
    for more in [1, 31, 32, 64, 2_048] {
        let mut long = proof.clone();
        long.resize(long.len() + more, 0);
        assert_ne!(status(&long), VALID, "{more}");
    }
}

/// In a tree of one leaf nothing depends on the place but its bounds.
#[test]
fn places_that_are_none_are_refused() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let dataset = Leaves::new(1, 1, 1);
    let (commitment, right) = (dataset.commitment, dataset.opening(0, 0, 0));
    let places = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (u32::MAX, u16::MAX, u32::MAX)];
    for (stripe, shard, leaf) in places {
        let opening = Opening { stripe, shard, leaf, ..right.clone() };
        let proof = [commitment.encode().as_slice(), &opening.encode()].concat();
        let is_right = (stripe, shard, leaf) == (0, 0, 0);
        assert_eq!(verify_opening_proof(commitment.root(), &proof).is_ok(), is_right);
        let status =
            word(&chain.ask(DATA_OPENING_VERIFIER, opening_calldata(&commitment, &opening)));
        assert_eq!(status, if is_right { VALID } else { NO_SUCH_PLACE });
    }
}

/// Commitments that are out of bounds are refused although they hash to the root, and cause no
/// division by zero.
#[test]
fn made_up_commitments_are_refused() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let dataset = Leaves::new(30_000, 7, 9_000);
    let opening = dataset.opening(0, 0, 0).encode();
    let right = dataset.commitment.encode();
    let changed = |at: usize, with: &[u8]| {
        let mut bytes = right;
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    for commitment in [
        changed(0, &[0; 8]),
        changed(0, &[255; 8]),
        changed(8, &[0; 2]),
        changed(8, &[0, 2]),
        changed(8, &[0; 4]),
        changed(8, &[255; 4]),
        changed(12, &[0; 4]),
        changed(12, &[255; 4]),
    ] {
        let root = keccak256([b"lazvm/dataset/1", commitment.as_slice()].concat());
        let proof = [commitment.as_slice(), &opening].concat();
        assert!(verify_opening_proof(root, &proof).is_err());
        let mut data = opening_calldata(&dataset.commitment, &dataset.opening(0, 0, 0));
        data[4..36].copy_from_slice(root.as_slice());
        data[100..148].copy_from_slice(&commitment);
        assert_eq!(word(&chain.ask(DATA_OPENING_VERIFIER, data)), MALFORMED);
    }
}

proptest! {
    #[test]
    fn hostile_openings_get_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
        right_root in any::<bool>(),
    ) {
        let dataset = Leaves::new(30_000, 7, 9_000);
        let root = if right_root && bytes.len() >= 48 {
            keccak256([b"lazvm/dataset/1", &bytes[..48]].concat())
        } else {
            dataset.commitment.root()
        };
        let call = DataOpeningVerifier::verifyCall { root, opening: bytes.clone().into() };
        let mut chain = Chain::new(SpecId::OSAKA);
        let execution = chain.ask(DATA_OPENING_VERIFIER, call.abi_encode());
        prop_assert!(execution.result.is_success(), "{:?}", execution.result);
        prop_assert_ne!(word(&execution), VALID);
        prop_assert!(verify_opening_proof(root, &bytes).is_err());
    }
}
