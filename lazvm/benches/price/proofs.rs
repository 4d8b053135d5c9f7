//! The functions that check proofs: keys of each system, right proofs where they are at hand, and
//! proofs that are wrong, garbage, too short or too long.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{Address, B256, hex};
use lazai_api_types::{ProofSystemId, ProofVerifier, key_hash};
use lazai_consensus::{
    Attestation, Candidate, Epoch, Fact, MAX_MEMBERS, QuorumCertificate, QuorumId, Roster, Signers,
    bls::{SecretKey, Signature},
    verifier::QuorumVerifier,
};
use lazai_halo2::{Halo2Verifier, VerifyingKey};
use lazai_precompiles::{
    CodeAccount, MemoryState, Precompile,
    abi::{self, ILazProofVerifier as sol, SolCall},
    key_address,
};
use lazai_zkvm::{
    ZkvmKey,
    groth16::Groth16Verifier,
    plonk::{PlonkVerifier, without_lines},
};
use serde_json::Value;

use crate::{
    measure::{Function, Input},
    search::Gene,
};

/// A key, with a proof under it and what it proves.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    name: String,
    system: ProofSystemId,
    key: Vec<u8>,
    values: Vec<u8>,
    proof: Vec<u8>,
}

/// Returns verifiers that remember no key.
pub(crate) fn verifiers() -> Vec<Arc<dyn ProofVerifier>> {
    vec![
        Arc::new(QuorumVerifier::new()),
        Arc::new(Halo2Verifier::accepting_development_keys()),
        Arc::new(Groth16Verifier),
        Arc::new(PlonkVerifier),
    ]
}

/// Returns the keys and proofs of all systems.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![quorum(1), quorum(4), quorum(MAX_MEMBERS), perceptron()];
    for columns in [1, 16, 32] {
        cases.push(halo2(columns, 1));
        cases.push(halo2(columns, 10_000));
    }
    for (vm, circuit) in
        [("ziren", "groth16"), ("sp1", "groth16"), ("ziren", "plonk"), ("sp1", "plonk")]
    {
        match zkvm(vm, circuit) {
            Some(case) => cases.push(case),
            None => println!("no {circuit} proof of {vm}: LAZVM_FIXTURES names no folder with it"),
        }
    }
    cases
}

/// Returns a state in which the keys are registered.
pub(crate) fn state(cases: &[Case]) -> MemoryState {
    let mut state = MemoryState::default();
    for Case { system, key, .. } in cases {
        let code = [&[0], key.as_slice()].concat().into();
        let address = key_address(key_hash(*system, key));
        state.accounts.insert(address, CodeAccount { nonce: 0, code });
    }
    state
}

/// Returns every function for a case.
pub(crate) fn of_case(case: &Case) -> Vec<Function> {
    let system = case.system.0;
    let hash = key_hash(case.system, &case.key);
    let function = |name: &str, listed: Vec<Vec<u32>>, genes, input| Function {
        name: format!("{name} {}", case.name),
        precompile: Precompile::ProofVerifier,
        listed,
        genes,
        input,
    };
    let most = MAX_CALLDATA;
    let genes = vec![
        Gene::below(3),
        Gene::new(0, most),
        Gene::new(0, most),
        Gene::below(most),
        Gene::below(256),
    ];
    let listed = vec![
        vec![0, 0, 0, 0, 0],
        vec![0, 0, 0, 1_000, 1],
        vec![0, 0, 0, 4, 1],
        vec![1, 0, 0, 0, 0],
        vec![1, 32, 0, 0, 0],
        vec![1, 32, most / 2, 0, 0],
        vec![1, most - 1_000, 0, 0, 0],
        vec![2, 32, 0, 0, 0],
        vec![2, 32, most / 2, 0, 0],
        vec![2, most - 1_000, 0, 0, 0],
    ];
    let [first, second, third] = [case.clone(), case.clone(), case.clone()];
    vec![
        function(
            "verifyValues",
            listed.clone(),
            genes.clone(),
            Box::new(move |genes| {
                let (name, values, proof) = first.altered(genes);
                let (values, proof) = (values.into(), proof.into());
                let call = sol::verifyValuesCall { system, keyHash: hash, values, proof };
                Input { name, data: call.abi_encode() }
            }),
        ),
        function(
            "verify",
            listed,
            genes,
            Box::new(move |genes| {
                let (name, _, proof) = second.altered(genes);
                let call = sol::verifyCall {
                    system,
                    keyHash: hash,
                    statement: statement(&second),
                    proof: proof.into(),
                };
                Input { name, data: call.abi_encode() }
            }),
        ),
        function(
            "register",
            vec![vec![0, 0], vec![0, 1], vec![100, 1], vec![1_000, 7]],
            vec![Gene::below(case.key.len() as u32 + 1), Gene::below(256)],
            Box::new(move |genes| {
                let mut key = third.key.clone();
                match key.get_mut(genes[0] as usize) {
                    Some(byte) => *byte ^= genes[1] as u8,
                    None => key.truncate(genes[0] as usize / 2),
                }
                let name = format!("byte {} changed by {}", genes[0], genes[1]);
                let call = sol::registerCall { system, verifyingKey: key.into() };
                Input { name, data: call.abi_encode() }
            }),
        ),
        function(
            "isRegistered",
            vec![vec![]],
            vec![],
            Box::new(move |_| Input {
                name: "a key".to_owned(),
                data: sol::isRegisteredCall { system, keyHash: hash }.abi_encode(),
            }),
        ),
        function(
            "key",
            vec![vec![]],
            vec![],
            Box::new(move |_| Input {
                name: "a key".to_owned(),
                data: sol::keyCall { system, keyHash: hash }.abi_encode(),
            }),
        ),
        function(
            "quote",
            vec![vec![]],
            vec![],
            Box::new(move |_| Input {
                name: "a proof".to_owned(),
                data: sol::quoteCall {
                    system,
                    keyBytes: 1_000,
                    valuesBytes: 100,
                    proofBytes: 1_000,
                }
                .abi_encode(),
            }),
        ),
        function(
            "quoteRegister",
            vec![vec![]],
            vec![],
            Box::new(move |_| Input {
                name: "a key".to_owned(),
                data: sol::quoteRegisterCall { system, keyBytes: 1_000 }.abi_encode(),
            }),
        ),
    ]
}

impl Case {
    /// The proof with a byte changed; garbage that decodes to points and numbers; or zeros.
    fn altered(&self, genes: &[u32]) -> (String, Vec<u8>, Vec<u8>) {
        let [kind, length, values, at, change] = *genes.as_array().unwrap();
        let values = match values {
            0 => self.values.clone(),
            length => vec![1; length as usize],
        };
        let room = (MAX_CALLDATA as usize).saturating_sub(values.len());
        let (kind, proof) = match kind {
            0 => {
                let mut proof = self.proof.clone();
                if let Some(byte) = proof.get_mut(at as usize) {
                    *byte ^= change as u8;
                }
                (format!("byte {at} changed by {change}"), proof)
            }
            // The number 1 is also the abscissa of the generator of bn254.
            1 => {
                let one: Vec<u8> = (0..32).map(|index| u8::from(index == 0)).collect();
                let head = 1 + self.proof.len() % 32;
                let mut proof = self.proof[..head.min(self.proof.len())].to_vec();
                while proof.len() < length as usize {
                    proof.extend_from_slice(&one);
                }
                proof.truncate(length as usize);
                ("ones".to_owned(), proof)
            }
            _ => {
                let mut proof = vec![0; length as usize];
                if let Some(version) = proof.first_mut() {
                    *version = 1;
                }
                ("zeros".to_owned(), proof)
            }
        };
        let mut proof = proof;
        proof.truncate(room);
        let name = format!("{kind}, proof of {}, values of {}", proof.len(), values.len());
        (name, values, proof)
    }
}

/// The statement that the values of the case are, if they are one.
fn statement(case: &Case) -> abi::Statement {
    let mut bytes = case.values.clone();
    bytes.resize(STATEMENT_BYTES, 0);
    let word = |at: usize| B256::from_slice(&bytes[at..at + 32]);
    let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
    abi::Statement {
        model: word(0),
        input: word(32),
        output: word(64),
        flops: number(96),
        peakBytes: number(104),
        context: word(112),
    }
}

/// A halo2 proof of a run of a small network.
fn perceptron() -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lazai-coprocessor/halo2/testdata");
    let read = |part: &str| fs::read(folder.join(format!("perceptron_{part}.bin"))).unwrap();
    Case {
        name: "halo2 of a perceptron".to_owned(),
        system: ProofSystemId::HALO2,
        key: read("key"),
        values: read("statement"),
        proof: read("proof"),
    }
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
    }
}

/// A key whose commitments are all the generator, with `columns` of each kind and `integers` read
/// and written; its proof is garbage that is read to the end.
fn halo2(columns: u8, integers: u32) -> Case {
    let mut key = vec![2];
    key.extend([7; 32]);
    // A tensor is read, and an embedding is written.
    key.extend([1, 0]);
    for _ in 0..2 {
        key.extend(integers.to_be_bytes());
        key.push(16);
    }
    key.extend([0; 17]);
    key.push(22);
    key.extend([columns; 5]);
    key.extend(DEVELOPMENT);
    let one: Vec<u8> = (0..32).map(|index| u8::from(index == 0)).collect();
    // The number of commitments follows from the columns.
    let found = (0..MAX_COMMITMENTS).any(|_| {
        key.extend_from_slice(&one);
        VerifyingKey::from_bytes(&key).is_ok()
    });
    assert!(found, "no number of commitments makes a key of {columns} columns");
    let proof = [vec![1; 1 + 6 * integers as usize], one.repeat(64 * usize::from(columns))];
    let mut proof = proof.concat();
    proof.truncate(MAX_CALLDATA as usize);
    Case {
        name: format!("halo2 of {columns} columns, {integers} integers"),
        system: ProofSystemId::HALO2,
        key,
        values: Vec::new(),
        proof,
    }
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
    })
}

/// The published secret times the generator of G2.
const DEVELOPMENT: [u8; 128] = hex!(
    "16d5f409b5cefbf93a61b02d0403d173d0c012be8b286d4a056f638d479dffe1"
    "2fdc3e39101c84a1c2d2419daa7be82834a535d4080cbab49f49ffc6bee25898"
    "16a68dce1278c7ec6f6eb71b60fb580e822c3f8a8d25be8b7dbd1fd9f0d27cb5"
    "11318f261d644f804197708d4770695595b06df6f3d3dfe2ac7223cbafca8ae2"
);

/// Bytes of a statement: four words and two numbers.
const STATEMENT_BYTES: usize = 144;

/// Commitments of the longest halo2 key, of 16 KiB.
const MAX_COMMITMENTS: usize = 512;

/// Bytes of proof and values that 64 KiB of calldata hold.
const MAX_CALLDATA: u32 = 65_000;
