//! A key and a proof as bytes: what verified once must verify for ever, on every machine.

#![allow(clippy::unwrap_used)]

use core::cell::Cell;

use alloy_primitives::{B256, b256, keccak256};
use lazai_api_types::{
    Claim, InferenceStatement, ModelId, ProofSystemId, ProofVerifier, Work, codec::Reader, key_hash,
};
use lazai_halo2::{Halo2Verifier, VerifyingKey};

const KEY: &[u8] = include_bytes!("../testdata/perceptron_key.bin");
const STATEMENT: &[u8] = include_bytes!("../testdata/perceptron_statement.bin");
const PROOF: &[u8] = include_bytes!("../testdata/perceptron_proof.bin");

/// The name of the key: a changed value here is a change of consensus.
const KEY_HASH: B256 = b256!("c13a203a0351d0766cf4cc85808f3fadd0159e0d7217f88ecfdc55059f0c34b6");

/// Files that are written again must not pass unnoticed.
#[test]
fn the_files_are_those_that_were_published() {
    for (bytes, hash) in [
        (KEY, b256!("62632063e6de8f5fc56dee6332f841988c2c6b604bff254fb8df7c0c207a2ea3")),
        (STATEMENT, b256!("d48af8e5fa16fc9e9749bd18fd669a91c96057079aeefc67605c183f44fdbeb4")),
        (PROOF, b256!("0be0b18a9e51a99ae54a62722f0cca117403fae24b7726ab1b0499e63420b101")),
    ] {
        assert_eq!(keccak256(bytes), hash);
    }
}

fn statement() -> InferenceStatement {
    let mut reader = Reader::new(STATEMENT);
    let (model, input, output) =
        (reader.hash().unwrap(), reader.hash().unwrap(), reader.hash().unwrap());
    let work = Work { flops: reader.u64().unwrap(), peak_bytes: reader.u64().unwrap() };
    let context = reader.hash().unwrap();
    reader.finish().unwrap();
    InferenceStatement { model: ModelId(model), input, output, work, context }
}

#[test]
fn a_golden_proof_verifies_under_its_key() {
    let key = VerifyingKey::from_bytes(KEY).unwrap();
    assert_eq!((key.to_bytes().as_slice(), key.hash()), (KEY, KEY_HASH));
    assert_eq!(key_hash(ProofSystemId::HALO2, KEY), KEY_HASH);
    let verifier = Halo2Verifier::accepting_development_keys();
    assert_eq!(verifier.admit(KEY), Ok(()));
    let statement = statement();
    assert_eq!(verifier.verify(KEY, Claim::Statement(&statement), PROOF), Ok(true));
    let other = InferenceStatement { context: B256::ZERO, ..statement };
    assert_eq!(verifier.verify(KEY, Claim::Statement(&other), PROOF), Ok(false));
}

/// A word pair of zeros would be infinity, which the contract refuses; a proof of another length is
/// refused before anything is hashed.
#[test]
fn zeros_and_other_lengths_are_refused() {
    let verifier = Halo2Verifier::accepting_development_keys();
    let statement = statement();
    let claim = Claim::Statement(&statement);
    let key = VerifyingKey::from_bytes(KEY).unwrap();
    // The integers that are read have 2 bytes, those that are written 4.
    let start = 1 + 2 * key.public_inputs.inputs() + 4 * key.public_inputs.outputs();
    for at in (start..PROOF.len() - 63).step_by(64) {
        let mut altered = PROOF.to_vec();
        altered[at..at + 64].fill(0);
        assert_eq!(verifier.verify(KEY, claim, &altered), Ok(false), "byte {at}");
    }
    for length in [0, 1, start, PROOF.len() - 32, PROOF.len() - 1] {
        assert_eq!(verifier.verify(KEY, claim, &PROOF[..length]), Ok(false), "{length} bytes");
    }
    assert_eq!(verifier.verify(KEY, claim, &[PROOF, &[0; 32]].concat()), Ok(false));
}

/// A host may check from its own pool, whose tasks would begin within each other if one waited.
#[test]
fn a_check_on_a_worker_of_a_pool_begins_no_other_task() {
    thread_local!(static IS_INSIDE: Cell<bool> = const { Cell::new(false) });
    let host = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (verifier, statement) = (Halo2Verifier::accepting_development_keys(), statement());
    host.in_place_scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|_| {
                assert!(!IS_INSIDE.replace(true), "a task began within another");
                assert_eq!(verifier.admit(KEY), Ok(()));
                let claim = Claim::Statement(&statement);
                assert_eq!(verifier.verify(KEY, claim, PROOF), Ok(true));
                IS_INSIDE.set(false);
            });
        }
    });
}
