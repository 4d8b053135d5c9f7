//! Published proofs, as files that are not part of this repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex};
use lazai_zkvm::{ZkvmKey, plonk::without_lines};
use serde_json::Value;

/// A proof, with what it proves.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) key: ZkvmKey,
    pub(crate) values: Vec<u8>,
    /// The envelope of a claim of values.
    pub(crate) proof: Vec<u8>,
}

/// Reads a proof of Ziren 1.2.5. `circuit` is `groth16` or `plonk`.
pub(crate) fn ziren(circuit: &str) -> Option<Case> {
    let json = json(&format!("ziren_{}.json", short(circuit)))?;
    let key = circuit_key(circuit, &format!("ziren_{circuit}_vk.bin"))?;
    Some(Case {
        key: ZkvmKey::ziren(word(&json, "vkey_hash"), key),
        values: bytes(&json, "public_inputs"),
        proof: envelope(&bytes(&json, "proof")),
    })
}

/// Reads a proof of SP1 6.0. `circuit` is `groth16` or `plonk`.
pub(crate) fn sp1(circuit: &str) -> Option<Case> {
    let short = short(circuit);
    let json = json(&format!("sp1_{short}.json"))?;
    let key = circuit_key(circuit, &format!("sp1_{short}_vk.bin"))?;
    let proof = bytes(&json, "proof");
    // The file does not name the release; a proof carries the root behind prefix and exit code.
    let root = B256::from_slice(&proof[36..68]);
    Some(Case {
        key: ZkvmKey::sp1(word(&json, "vkey"), root, key),
        values: bytes(&json, "publicValues"),
        proof: envelope(&proof),
    })
}

/// Reads a proof of RISC Zero 3.0, which a folder of fixtures may lack.
pub(crate) fn risc_zero() -> Option<Case> {
    if !folder().join("risc0_g16.json").is_file() {
        println!("skipped: no zkvm/risc0_g16.json");
        return None;
    }
    let json = json("risc0_g16.json")?;
    let key = file("risc0_g16_vk.bin")?;
    let (root, id) = (word(&json, "control_root"), word(&json, "control_id"));
    Some(Case {
        key: ZkvmKey::risc_zero(word(&json, "image_id"), root, id, key),
        values: bytes(&json, "journal"),
        proof: envelope(&bytes(&json, "proof")),
    })
}

pub(crate) fn envelope(proof: &[u8]) -> Vec<u8> {
    [&[1], proof].concat()
}

fn circuit_key(circuit: &str, name: &str) -> Option<Vec<u8>> {
    let key = file(name)?;
    Some(if circuit == "plonk" { without_lines(&key).unwrap() } else { key })
}

fn short(circuit: &str) -> &str {
    if circuit == "groth16" { "g16" } else { circuit }
}

fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let beside = workspace.join("../shared/fixtures");
    env::var_os("LAZVM_FIXTURES").map_or(beside, PathBuf::from).join("zkvm")
}

/// Reads the file `name`; `None`, with a message, if it is absent. A folder that `LAZVM_FIXTURES`
/// names must hold it.
fn file(name: &str) -> Option<Vec<u8>> {
    let read = fs::read(folder().join(name)).ok();
    if read.is_none() {
        let required = env::var_os("LAZVM_FIXTURES").is_some();
        assert!(
            !required,
            "LAZVM_FIXTURES: expected {}, which is absent",
            folder().join(name).display()
        );
        println!("skipped: no zkvm/{name}; LAZVM_FIXTURES may name the folder that holds zkvm/");
    }
    read
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
