//! Keys of every proof system with proofs under them, and keys of one's own that make a check dear.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{Address, B256, hex};
use lazai_api_types::{InferenceStatement, ProofSystemId, ProofVerifier};
use lazai_availability::DataOpeningVerifier;
use lazai_consensus::{
    Attestation, Candidate, Epoch, Fact, MAX_MEMBERS, QuorumCertificate, QuorumId, Roster, Signers,
    bls::{SecretKey, Signature},
    verifier::QuorumVerifier,
};
use lazai_halo2::{Halo2Verifier, hostile};
use lazai_zkvm::{
    ZkvmKey,
    groth16::Groth16Verifier,
    plonk::{PlonkVerifier, without_lines},
};
use serde_json::Value;

/// A key, with a proof under it and what it proves.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) system: ProofSystemId,
    pub(crate) key: Vec<u8>,
    /// Public values, or the fields of a statement one after the other.
    pub(crate) values: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    /// Whether all functions are measured, and not the check of the proof alone.
    pub(crate) whole: bool,
}

/// Returns verifiers that remember no key.
pub(crate) fn verifiers() -> Vec<Arc<dyn ProofVerifier>> {
    vec![
        Arc::new(QuorumVerifier::new()),
        Arc::new(Halo2Verifier::accepting_development_keys()),
        Arc::new(Groth16Verifier),
        Arc::new(PlonkVerifier),
        Arc::new(DataOpeningVerifier),
    ]
}

/// Returns the keys and proofs of all systems.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![quorum(1), quorum(4), quorum(MAX_MEMBERS), perceptron(), opening()];
    let most = (1..=64).rev().find(|columns| hostile::key([*columns; 5], 1).is_some()).unwrap();
    for columns in [1, 16, most] {
        cases.extend(halo2([columns; 5], 1, true));
        cases.extend(halo2([columns; 5], u32::MAX, true));
    }
    // The price is made of the length of the key; which columns fill it is the attacker's choice.
    for kind in 0..5 {
        let columns = [0, 1, 2, 3, 4].map(|index| if index == kind { 64 } else { 1 });
        cases.extend(halo2(columns, 1, false));
        let columns = [0, 1, 2, 3, 4].map(|index| if index == kind { 1 } else { 32 });
        cases.extend(halo2(columns, 1, false));
    }
    for (vm, circuit) in
        [("ziren", "groth16"), ("sp1", "groth16"), ("ziren", "plonk"), ("sp1", "plonk")]
    {
        let case = zkvm(vm, circuit);
        cases.push(case.unwrap_or_else(|| {
            panic!("no {circuit} proof of {vm}: LAZVM_FIXTURES names no folder with it")
        }));
    }
    cases
}

/// A halo2 proof of a run of a small network.
fn perceptron() -> Case {
    let read = |part| testdata("lazai-coprocessor/halo2", &format!("perceptron_{part}.bin"));
    Case {
        name: "halo2 of a perceptron".to_owned(),
        system: ProofSystemId::HALO2,
        key: read("key"),
        values: read("statement"),
        proof: read("proof"),
        whole: true,
    }
}

/// An opening of a dataset.
fn opening() -> Case {
    let read = |part| testdata("lazai-consensus/availability", &format!("opening_{part}.bin"));
    Case {
        name: "opening".to_owned(),
        system: ProofSystemId::DATA_OPENING,
        key: read("key"),
        values: read("values"),
        proof: read("proof"),
        whole: true,
    }
}

fn testdata(package: &str, file: &str) -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(workspace.join(package).join("testdata").join(file)).unwrap()
}

/// A committee of `members`, and a certificate of all of them.
fn quorum(members: usize) -> Case {
    let (quorum, epoch) = (QuorumId(B256::repeat_byte(0x51)), Epoch(3));
    let secrets: Vec<_> = (0..members)
        .map(|index| {
            let mut seed = [0x5e; 32];
            seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
            SecretKey::from_seed(&seed).unwrap()
        })
        .collect();
    let candidates = secrets.iter().enumerate().map(|(index, secret)| {
        let mut bytes = [0xa0; 20];
        bytes[..8].copy_from_slice(&(index as u64).to_be_bytes());
        let address = Address::new(bytes);
        let possession = secret.prove_possession(address);
        Candidate { address, weight: 10, key: secret.public_key(), possession }
    });
    let key = Roster { quorum, epoch, candidates: candidates.collect() }.encode();
    let fact = Fact::Checkpoint { height: 7, state_root: B256::repeat_byte(9) };
    let attestation = Attestation { quorum, epoch, fact };
    let hash = attestation.hash();
    let mut signers = Signers::none(members as u8).unwrap();
    (0..members).for_each(|index| assert!(signers.insert(index)));
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(hash.as_slice())).collect();
    let signature = Signature::aggregate(&signatures).unwrap();
    let certificate = QuorumCertificate { quorum, epoch, attestation: hash, signers, signature };
    Case {
        name: format!("quorum of {members}"),
        system: ProofSystemId::QUORUM,
        key,
        values: attestation.encode(),
        proof: [&[1], certificate.encode().as_slice()].concat(),
        whole: true,
    }
}

/// A hostile key with so many columns of each kind that reads and writes `integers` of 32 bits, or
/// as many as calldata holds, and a claim under it. `None` if the key or the proof is too long.
fn halo2(columns: [u8; 5], integers: u32, whole: bool) -> Option<Case> {
    let shortest = hostile::key(columns, 1)?;
    let most = (MAX_CALLDATA as usize).checked_sub(shortest.proof_bytes() + 1)? / 8;
    let integers = integers.min(most as u32);
    let key = hostile::key(columns, integers)?;
    let (statement, proof) = hostile::claim(&key, integers);
    let InferenceStatement { model, input, output, work, context } = statement;
    let (flops, peak_bytes) = (work.flops.to_be_bytes(), work.peak_bytes.to_be_bytes());
    let words = [model.0, input, output].concat();
    let values = [words.as_slice(), &flops, &peak_bytes, context.as_slice()].concat();
    Some(Case {
        name: format!("halo2 of {columns:?} columns, 2 x {integers} integers"),
        system: ProofSystemId::HALO2,
        key: key.to_bytes(),
        values,
        proof,
        whole,
    })
}

/// A published proof of a zkVM.
fn zkvm(vm: &str, circuit: &str) -> Option<Case> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = env::var_os("LAZVM_FIXTURES").map_or(workspace, PathBuf::from).join("zkvm");
    let short = if circuit == "groth16" { "g16" } else { circuit };
    let json: Value =
        serde_json::from_slice(&fs::read(folder.join(format!("{vm}_{short}.json"))).ok()?).ok()?;
    let bytes = |field: &str| hex::decode(json[field].as_str().unwrap()).unwrap();
    let word = |field: &str| B256::from_slice(&bytes(field));
    let name = if vm == "ziren" { circuit } else { short };
    let circuit_key = fs::read(folder.join(format!("{vm}_{name}_vk.bin"))).ok()?;
    let circuit_key =
        if circuit == "plonk" { without_lines(&circuit_key).unwrap() } else { circuit_key };
    let proof = bytes("proof");
    let (key, values) = if vm == "ziren" {
        (ZkvmKey::ziren(word("vkey_hash"), circuit_key), bytes("public_inputs"))
    } else {
        let root = B256::from_slice(&proof[36..68]);
        (ZkvmKey::sp1(word("vkey"), root, circuit_key), bytes("publicValues"))
    };
    Some(Case {
        name: format!("{circuit} of {vm}"),
        system: if circuit == "plonk" { ProofSystemId::PLONK } else { ProofSystemId::GROTH16 },
        key: key.encode(),
        values,
        proof: [&[1], proof.as_slice()].concat(),
        whole: true,
    })
}

/// Bytes of proof and values that 64 KiB of calldata hold.
pub(crate) const MAX_CALLDATA: u32 = 65_000;
