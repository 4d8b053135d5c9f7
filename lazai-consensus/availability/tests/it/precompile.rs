//! Openings through the precompile that verifies proofs.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use lazai_api_types::{
    Claim, InferenceStatement, ModelId, ProofSystemId, ProofVerifier, Work, key_hash,
};
use lazai_availability::{
    Coding, DataOpeningVerifier, DatasetCommitment, LEAF_BYTES, Opening, OpeningKey, OpeningProof,
    OpeningValues,
};
use lazai_consensus::Roster;
use lazai_precompiles::{abi::ILazProofVerifier as sol, abi::SolCall, address::PROOF_VERIFIER};
use lazvm::{Execution, revm::primitives::hardfork::SpecId};
use proptest::prelude::*;

use crate::{
    chain::Chain,
    leaves::Leaves,
    support::{EPOCH, QUORUM, candidate},
};

const fn run() -> InferenceStatement {
    InferenceStatement {
        model: ModelId(B256::repeat_byte(1)),
        input: B256::repeat_byte(2),
        output: B256::repeat_byte(3),
        work: Work { flops: 4, peak_bytes: 5 },
        context: B256::repeat_byte(6),
    }
}

fn register(system: ProofSystemId, key: &[u8]) -> Vec<u8> {
    let verifying_key = Bytes::copy_from_slice(key);
    sol::registerCall { system: system.0, verifyingKey: verifying_key }.abi_encode()
}

fn verify_values(system: ProofSystemId, key: &[u8], values: &[u8], proof: &[u8]) -> Vec<u8> {
    sol::verifyValuesCall {
        system: system.0,
        keyHash: key_hash(system, key),
        values: Bytes::copy_from_slice(values),
        proof: Bytes::copy_from_slice(proof),
    }
    .abi_encode()
}

#[track_caller]
fn is_valid(execution: &Execution) -> bool {
    assert!(execution.result.is_success(), "{:?}", execution.result);
    sol::verifyCall::abi_decode_returns(execution.result.output().unwrap()).unwrap()
}

#[test]
fn openings_are_proofs_of_values() {
    let mut chain = Chain::with_verifier(SpecId::OSAKA, Arc::new(DataOpeningVerifier));
    let dataset = Leaves::new(30_000, 7, 9_000);
    let commitment = dataset.commitment;
    let key = OpeningKey { coding: commitment.coding() }.encode();
    let system = ProofSystemId::DATA_OPENING;
    let registered = chain.send(PROOF_VERIFIER, register(system, &key));
    assert!(registered.result.is_success());
    for (stripe, shard, leaf) in [(0, 0, 0), (1, 6, 1), (3, 3, 0)] {
        let opening = dataset.opening(stripe, shard, leaf);
        let (values, proof) = parts(&commitment, &opening);
        let execution = chain.ask(PROOF_VERIFIER, verify_values(system, &key, &values, &proof));
        assert!(is_valid(&execution));
        println!("{} siblings: {} gas", opening.path.len(), execution.gas_used());
        assert!(!is_valid(&chain.ask(PROOF_VERIFIER, verify_values(system, &key, &values, &[]))));
        let claim = Claim::Statement(&run());
        assert_eq!(DataOpeningVerifier.verify(&key, claim, &proof), Ok(false), "data is no run");
    }
    // One key is for one coding.
    let other = OpeningKey { coding: Coding::new(7).unwrap() }.encode();
    let (values, proof) = parts(&commitment, &dataset.opening(0, 0, 0));
    assert_eq!(DataOpeningVerifier.verify(&other, Claim::Values(&values), &proof), Ok(false));
}

/// Keys, values and proofs have one encoding. `LAZVM_WRITE_TESTDATA=1` writes the files again.
#[test]
fn a_golden_opening_verifies_under_its_key() {
    let dataset = Leaves::new(30_000, 7, 9_000);
    let commitment = dataset.commitment;
    let key = OpeningKey { coding: commitment.coding() }.encode().to_vec();
    let (values, proof) = parts(&commitment, &dataset.opening(1, 6, 1));
    let golden = [
        ("opening_key.bin", &key, include_bytes!("../../testdata/opening_key.bin").as_slice()),
        ("opening_values.bin", &values, include_bytes!("../../testdata/opening_values.bin")),
        ("opening_proof.bin", &proof, include_bytes!("../../testdata/opening_proof.bin")),
    ];
    for (name, bytes, expected) in golden {
        if std::env::var_os("LAZVM_WRITE_TESTDATA").is_some() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
            std::fs::write(folder.join(name), bytes).unwrap();
            continue;
        }
        assert_eq!(bytes, expected, "{name}");
    }
    assert_eq!(DataOpeningVerifier.verify(&key, Claim::Values(&values), &proof), Ok(true));
}

fn parts(commitment: &DatasetCommitment, opening: &Opening) -> (Vec<u8>, Vec<u8>) {
    let values = OpeningValues::new(commitment, opening).encode();
    (values, OpeningProof::new(commitment, opening).encode())
}

#[test]
fn every_altered_byte_of_an_opening_is_refused() {
    let dataset = Leaves::new(30_000, 7, 9_000);
    let commitment = dataset.commitment;
    let key = OpeningKey { coding: commitment.coding() }.encode();
    let (values, proof) = parts(&commitment, &dataset.opening(1, 5, 2));
    let parts = [key.to_vec(), values, proof];
    let asks = |[key, values, proof]: &[Vec<u8>; 3]| {
        DataOpeningVerifier.verify(key, Claim::Values(values), proof).unwrap()
    };
    assert!(asks(&parts));
    for part in 0..3 {
        for at in 0..parts[part].len() {
            for bit in 0..8 {
                let mut wrong = parts.clone();
                wrong[part][at] ^= 1 << bit;
                assert!(!asks(&wrong), "bit {bit} of byte {at} of part {part}");
            }
            let mut short = parts.clone();
            short[part].truncate(at);
            assert!(!asks(&short), "part {part} cut at {at}");
        }
        for more in [1, 32] {
            let mut long = parts.clone();
            let length = long[part].len() + more;
            long[part].resize(length, 0);
            assert!(!asks(&long), "{more} behind part {part}");
        }
    }
}

#[test]
fn keys_of_openings_are_canonical() {
    let admits = |key: &[u8]| DataOpeningVerifier.admit(key);
    let key = OpeningKey { coding: Coding::new(7).unwrap() };
    assert_eq!(key.encode(), [1, 0, 3, 0, 7, 1, 0, 0, 0]);
    assert_eq!(OpeningKey::decode(&key.encode()), Ok(key));
    assert_eq!(admits(&key.encode()), Ok(()));
    for wrong in [
        &[][..],
        &[1, 0, 3, 0, 7, 1, 0, 0],
        &[1, 0, 3, 0, 7, 1, 0, 0, 0, 0],
        &[2, 0, 3, 0, 7, 1, 0, 0, 0],
        &[1, 0, 2, 0, 7, 1, 0, 0, 0],
        &[1, 0, 0, 0, 0, 1, 0, 0, 0],
        &[1, 0, 3, 0, 7, 0, 0, 0, 0],
        &[1, 0, 3, 0, 7, 255, 0, 0, 0],
    ] {
        assert!(admits(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn work_grows_with_what_is_checked() {
    let verifier = DataOpeningVerifier;
    let limits = verifier.limits();
    let mut last = verifier.work(0, 0);
    for step in 1..=100 {
        let (key, proof) = (limits.key_bytes * step / 100, limits.proof_bytes * step / 100);
        for work in [verifier.work(key, 0), verifier.work(0, proof)] {
            assert!(work.flops <= verifier.work(key, proof).flops);
            assert!(work.peak_bytes <= verifier.work(key, proof).peak_bytes);
        }
        let work = verifier.work(key, proof);
        assert!(work.flops >= last.flops && work.peak_bytes >= last.peak_bytes);
        last = work;
    }
    assert!(verifier.work(u64::MAX, u64::MAX).flops == u64::MAX);
}

proptest! {
    #[test]
    fn random_bytes_prove_nothing(
        key in prop::collection::vec(any::<u8>(), 0..300),
        values in prop::collection::vec(any::<u8>(), 0..1_200),
        proof in prop::collection::vec(any::<u8>(), 0..400),
        versions in any::<bool>(),
    ) {
        let (mut key, mut values, mut proof) = (key, values, proof);
        if versions {
            for bytes in [&mut key, &mut values, &mut proof] {
                if let Some(first) = bytes.first_mut() {
                    *first = 1;
                }
            }
        }
        let roster = Roster { quorum: QUORUM, epoch: EPOCH, candidates: vec![candidate(0, 10)] }.encode();
        let opening = OpeningKey { coding: Coding::new(4).unwrap() }.encode();
        for claim in [Claim::Values(&values), Claim::Statement(&run())] {
            for key in [&key, &roster, opening.as_slice()] {
                prop_assert_eq!(DataOpeningVerifier.verify(key, claim, &proof), Ok(false));
            }
        }
    }

    #[test]
    fn values_and_proofs_of_openings_have_one_form(
        root: [u8; 32],
        stripe: u32,
        shard: u16,
        leaf: u32,
        byte: u8,
        data_bytes: u64,
        path in prop::collection::vec(any::<[u8; 32]>(), 0..=50),
    ) {
        let root = B256::new(root);
        let values =
            OpeningValues { root, stripe, shard, leaf, bytes: Box::new([byte; LEAF_BYTES]) };
        let bytes = values.encode();
        prop_assert_eq!(OpeningValues::decode(&bytes), Ok(values));
        for length in (0..bytes.len()).step_by(5) {
            prop_assert!(OpeningValues::decode(&bytes[..length]).is_err());
        }
        prop_assert!(OpeningValues::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        let path = path.into_iter().map(B256::new).collect();
        let proof = OpeningProof { data_bytes, stripes_root: root, path };
        let bytes = proof.encode();
        prop_assert_eq!(OpeningProof::decode(&bytes), Ok(proof));
        for length in 0..bytes.len() {
            let shorter = OpeningProof::decode(&bytes[..length]);
            prop_assert_eq!(shorter.is_ok(), length >= 41 && (length - 41) % 32 == 0);
        }
        prop_assert!(OpeningProof::decode(&[0; 41 + 51 * 32]).is_err());
    }
}
