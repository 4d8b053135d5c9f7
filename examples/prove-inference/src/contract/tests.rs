use alloy_primitives::{B256, U256, hex, keccak256};
use clap::Parser;
use lazai_coprocessor::trace::Input;
use lazai_halo2::{Halo2Verifier, ProvedOutput, ProvingKey, SolidityVerifier, Srs};

use super::*;
use crate::{chain::Verdict, network::Run, options::Options};

struct Case {
    key: ProvingKey,
    proof: Proof,
    verifier: SolidityVerifier,
}

fn case() -> Case {
    let options =
        Options::parse_from(["", "--insecure-development-srs", "--built-in", "perceptron"]);
    let run = Run::load(&options).unwrap();
    let mut srs = None;
    let string = |k| {
        let made = Srs::development_with_known_secret(k)?;
        srs = Some(made.clone());
        Ok(made)
    };
    let (quiet, input) = (&mut |_| (), Input::Tensor(&run.input));
    let key = ProvingKey::new(&run.network, ProvedOutput::Logits, input, string, quiet).unwrap();
    let srs = srs.unwrap();
    let proof = key.prove(&run.network, input, B256::repeat_byte(1), &srs, quiet).unwrap();
    let verifier = key.verifying().solidity().unwrap();
    Case { key, proof, verifier }
}

#[test]
fn the_contract_accepts_a_proof_and_refuses_all_that_differ() {
    let Case { key, proof, verifier } = case();
    let key = key.verifying();
    let accepting = Halo2Verifier::accepting_development_keys();
    let mut chain = Chain::start(&key.to_bytes(), accepting).unwrap();
    let code = match Solc::install() {
        Ok(solc) => solc.compile(&verifier.source, verifier.name).unwrap(),
        Err(error) => {
            println!("skipped: {error}");
            return;
        }
    };
    let (contract, deployment) = chain.deploy(&code.deployment).unwrap();
    let good = verifier.call(key, &proof.statement, &proof.bytes).unwrap();
    let Verdict { valid, gas } = chain.ask(contract, good.clone()).unwrap();
    assert!(valid);
    println!(
        "2^{} rows: {} bytes of proof, {} bytes of code deployed for {deployment} gas, {gas} gas for a check",
        key.k(),
        verifier.proof_bytes,
        code.runtime_bytes,
    );
    assert!(code.runtime_bytes <= EIP_170_BYTES);
    assert!(gas < 600_000);
    // What is told before anything is compiled.
    let about = |estimate: usize, exact: u64| (estimate as u64 * 100 / exact).abs_diff(100) <= 3;
    assert!(about(verifier.estimated_gas, gas), "{} of gas", verifier.estimated_gas);
    let estimate = verifier.estimated_bytes;
    assert!(about(estimate, code.runtime_bytes as u64), "{estimate} bytes");

    let mut tried = 0;
    let mut refused = |call: Vec<u8>, what: &str| {
        tried += 1;
        let malformed = call.len() != good.len() || call[0x44..0x84] != good[0x44..0x84];
        match chain.ask(contract, call) {
            Ok(verdict) => {
                assert!(!verdict.valid, "{what}");
                assert!(verdict.gas <= gas + 1_000, "{what} costs {} gas", verdict.gas);
            }
            // Solidity looks at the place and the length of the proof before the contract does.
            Err(error) => assert!(malformed, "{what}: {error}"),
        }
    };
    // Each word of the inputs and the proof: by its lowest bit, by its highest, and by the order of
    // the group, with which it is the same number written otherwise.
    for at in (4..good.len()).step_by(32) {
        let value = U256::from_be_slice(&good[at..at + 32]);
        let others = [1, 255].map(|bit| value ^ (U256::from(1) << bit));
        for other in others.into_iter().chain([value.wrapping_add(ORDER)]) {
            let mut call = good.clone();
            call[at..at + 32].copy_from_slice(&other.to_be_bytes::<32>());
            refused(call, &format!("{other:#x} at {at}"));
        }
    }
    for length in [good.len() - 32, good.len() - 1, good.len() + 1, good.len() + 32, 0x84] {
        let mut call = good.clone();
        call.resize(length, 0);
        refused(call, &format!("{length} bytes"));
    }
    let [digest, statement] = proof.instance;
    let halo2_proof = proof.without_envelope();
    for instance in [[statement, digest], [digest, digest], Default::default()] {
        refused(verifier.encode(instance, halo2_proof), &format!("{instance:?}"));
    }
    refused(verifier.encode(proof.instance, &vec![0; halo2_proof.len()]), "zeros");
    println!("tried {tried}, accepted 0");

    // With too little gas there is no verdict, rather than a wrong one.
    for gas in [gas - 5_000, gas / 4 * 3, gas / 2] {
        assert!(chain.ask_with(contract, good.clone(), gas).is_err(), "{gas} gas");
    }
}

#[test]
fn the_contract_says_what_it_checks() {
    let Case { key, proof, verifier } = case();
    assert_eq!(
        verifier.encode(proof.instance, &[])[..4],
        keccak256("verify(uint256[2],bytes)")[..4]
    );
    let source = &verifier.source;
    assert!(source.contains("contract InsecureDevelopmentHalo2Verifier {"));
    assert!(source.contains("ANYBODY CAN FORGE PROOFS"));
    assert!(source.contains(&key.verifying().srs().digest().to_string()));
    assert!(source.contains(&hex::encode(key.verifying().public_inputs.model.0)));
    assert!(!source.contains("{{"), "a place that is not filled");
    assert!(!source.contains("success"), "a line that is not rewritten");
}

/// The order of bn254's group.
const ORDER: U256 =
    U256::from_be_slice(&hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001"));
