//! Published proofs of zkVMs, checked by the precompile for the contract of this example.
//!
//! The proofs are files that are not part of this repository; without them the tests say so and
//! pass.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{B256, hex};
use lazai_api_types::{InferenceStatement, ProofVerifier};
use lazai_zkvm::{
    ZkvmKey,
    groth16::Groth16Verifier,
    plonk::{PlonkVerifier, without_lines},
};
use serde_json::Value;

use crate::{chain::Chain, error::Error, hidden::Hidden, swap::hidden};

struct Case {
    key: ZkvmKey,
    values: Vec<u8>,
    proof: Vec<u8>,
}

#[test]
fn ziren_groth16_is_checked_by_the_precompile() {
    ziren("g16", "groth16", &Groth16Verifier);
}

#[test]
fn sp1_groth16_is_checked_by_the_precompile() {
    sp1("g16", &Groth16Verifier);
}

#[test]
fn ziren_plonk_is_checked_by_the_precompile() {
    ziren("plonk", "plonk", &PlonkVerifier);
}

#[test]
fn sp1_plonk_is_checked_by_the_precompile() {
    sp1("plonk", &PlonkVerifier);
}

fn ziren(short: &str, long: &str, verifier: &(impl ProofVerifier + Copy + 'static)) {
    let (Some(json), Some(key)) =
        (json(&format!("ziren_{short}.json")), circuit(&format!("ziren_{long}_vk.bin")))
    else {
        return;
    };
    check(
        verifier,
        &Case {
            key: ZkvmKey::ziren(word(&json, "vkey_hash"), key),
            values: bytes(&json, "public_inputs"),
            proof: bytes(&json, "proof"),
        },
    );
}

fn sp1(short: &str, verifier: &(impl ProofVerifier + Copy + 'static)) {
    let (Some(json), Some(key)) =
        (json(&format!("sp1_{short}.json")), circuit(&format!("sp1_{short}_vk.bin")))
    else {
        return;
    };
    let proof = bytes(&json, "proof");
    // The file does not name the release; a proof carries the root behind prefix and exit code.
    let root = B256::from_slice(&proof[36..68]);
    check(
        verifier,
        &Case {
            key: ZkvmKey::sp1(word(&json, "vkey"), root, key),
            values: bytes(&json, "publicValues"),
            proof,
        },
    );
}

/// The contract takes the proof, refuses it with any byte changed, and then swaps to another
/// system.
fn check(verifier: &(impl ProofVerifier + Copy + 'static), case: &Case) {
    let mut chain = Chain::start(vec![Arc::new(*verifier), Arc::new(Hidden::default())]).unwrap();
    let key = case.key.encode();
    chain.choose(verifier.id(), &key).unwrap();
    let proof = [&[1], &*case.proof].concat();
    let done = chain.submit_values(&case.values, &proof).unwrap();
    assert_eq!(done.result.logs().len(), 1);
    let quoted = chain.price(case.values.len() as u64, proof.len() as u64).unwrap();
    assert_eq!(done.gas_ai() + done.gas_inference() + 2_600, quoted);
    println!("{:?}: {quoted} gas for the check, {} in all", verifier.id(), done.gas_used());

    let mut refused = |values: &[u8], proof: &[u8], index: usize| {
        let submitted = chain.submit_values(values, proof);
        assert!(matches!(submitted, Err(Error::Reverted(_))), "byte {index}: {submitted:?}");
    };
    for index in 0..proof.len() {
        let mut altered = proof.clone();
        altered[index] ^= 1;
        refused(&case.values, &altered, index);
    }
    for index in 0..case.values.len() {
        let mut altered = case.values.clone();
        altered[index] ^= 1;
        refused(&altered, &proof, index);
    }
    refused(&case.values, &proof[..proof.len() - 1], proof.len());
    refused(&case.values, &[], 0);

    let prover = Hidden { weights: vec![1, -2], seed: B256::ZERO };
    let context = chain.context().unwrap();
    let own = hidden(&prover, &[3, 4], context).unwrap();
    // The program of a key without an offset shows no statements.
    let InferenceStatement { input, .. } = own.statement;
    assert!(matches!(chain.submit(&own.statement, &proof), Err(Error::Reverted(_))));
    chain.choose(prover.id(), &own.key).unwrap();
    chain.submit(&own.statement, &own.proof).unwrap();
    let kept = chain.output(prover.id(), &own.key, input).unwrap();
    assert_eq!(kept, own.statement.output);
}

/// Reads `zkvm/name`; `None`, with a message, if it is absent. A folder that `LAZVM_FIXTURES` names
/// must hold it.
fn file(name: &str) -> Option<Vec<u8>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    let named = env::var_os("LAZVM_FIXTURES").map(PathBuf::from);
    let required = named.is_some();
    let folder = named.unwrap_or_else(|| workspace.join("../shared/fixtures")).join("zkvm");
    let read = fs::read(folder.join(name)).ok();
    if read.is_none() {
        assert!(!required, "LAZVM_FIXTURES: expected {}/{name}, which is absent", folder.display());
        println!("skipped: no zkvm/{name}; LAZVM_FIXTURES may name the folder that holds zkvm/");
    }
    read
}

/// The key of a circuit, as it is registered.
fn circuit(name: &str) -> Option<Vec<u8>> {
    let key = file(name)?;
    Some(if name.contains("plonk") { without_lines(&key).unwrap() } else { key })
}

fn json(name: &str) -> Option<Value> {
    Some(serde_json::from_slice(&file(name)?).unwrap())
}

fn bytes(json: &Value, field: &str) -> Vec<u8> {
    hex::decode(json[field].as_str().unwrap()).unwrap()
}

fn word(json: &Value, field: &str) -> B256 {
    B256::from_slice(&bytes(json, field))
}
