use alloy_primitives::{B256, b256, hex};
use ark_bn254::Fr;
use lazai_api_types::{Claim, InferenceStatement, ModelId, ProofSystemId, ProofVerifier, Work};
use lazai_zkvm::{ProofError, ZkvmKey, groth16::Groth16Verifier};
use sha2::{Digest, Sha256};

use crate::{
    fixtures::{self, Case, envelope},
    golden::check_golden,
    simulator::{Secrets, scalar, values_input},
    sweep::sweep,
};

const VERIFIER: Groth16Verifier = Groth16Verifier;

fn accepts(case: &Case) -> Result<(), ProofError> {
    VERIFIER.check(&case.key.encode(), Claim::Values(&case.values), &case.proof)
}

/// Checks that a proof holds, and no longer after a change of one byte of proof, values or key.
fn check_case(name: &str, case: &Case) {
    assert_eq!(VERIFIER.admit(&case.key.encode()), Ok(()), "{name}");
    assert_eq!(accepts(case), Ok(()), "{name}");
    let key = case.key.encode();
    let verify = |key: &[u8], values: &[u8], proof: &[u8]| {
        VERIFIER.verify(key, Claim::Values(values), proof).unwrap()
    };
    let proofs = sweep(&case.proof, |proof| verify(&key, &case.values, proof));
    let values = sweep(&case.values, |values| verify(&key, values, &case.proof));
    // The offset of the statement, bytes 34 to 38, says nothing about values.
    let keys = sweep(&key, |key| verify(key, &case.values, &case.proof));
    println!(
        "{name}: {} changes of the proof, {} of the values, {} of the key",
        proofs.0, values.0, keys.0
    );
    assert_eq!(proofs.1, [], "{name}: changes of the proof that were accepted");
    assert_eq!(values.1, [], "{name}: changes of the values that were accepted");
    assert!(keys.1.iter().all(|(index, _)| (34..38).contains(index)), "{name}: {:?}", keys.1);
    for length in 0..case.proof.len() {
        assert!(!verify(&key, &case.values, &case.proof[..length]), "{name}: cut to {length}");
    }
    assert!(!verify(&key, &case.values, &[&case.proof[..], &[0]].concat()), "{name}: longer");
    assert!(!verify(&key, &[&case.values[..], &[0]].concat(), &case.proof), "{name}: values");
}

#[test]
fn ziren_proof_holds_and_no_changed_byte_does() {
    if let Some(case) = fixtures::ziren("groth16") {
        check_case("Ziren 1.2.5", &case);
    }
}

#[test]
fn sp1_proof_holds_and_no_changed_byte_does() {
    if let Some(case) = fixtures::sp1("groth16") {
        check_case("SP1 6.0", &case);
    }
}

#[test]
fn risc_zero_proof_holds_and_no_changed_byte_does() {
    if let Some(case) = fixtures::risc_zero() {
        check_case("RISC Zero 3.0", &case);
    }
}

#[test]
fn simulated_proofs_hold_and_no_changed_byte_does() {
    check_case("simulated Ziren", &simulated_ziren(b"some public values"));
    check_case("simulated SP1", &simulated_sp1(b"some public values", B256::ZERO));
    check_case("simulated RISC Zero", &simulated_risc_zero(b"some public values"));
}

#[test]
fn example_of_the_readme_is_what_the_simulator_makes() {
    let case = simulated_ziren(b"hello");
    let key = b256!("27d930a1b3c983d476e2ebde7e01b4c69fbe77b2b079749052dc5dc294e7cc9c");
    check_golden("ziren_groth16_key.bin", &case.key.encode(), key);
    let proof = b256!("4f19bfb2697a4379c56cbe67d093bbcf73485540bc3cf655955de32419ddc10e");
    check_golden("ziren_groth16_proof.bin", &case.proof, proof);
}

#[test]
fn statement_must_stand_at_the_offset_of_the_key() {
    let statement = statement(7);
    let values = [&[9; 5][..], statement.hash().as_slice(), b"more"].concat();
    for case in
        [simulated_ziren(&values), simulated_sp1(&values, B256::ZERO), simulated_risc_zero(&values)]
    {
        let proof = [&[1], &values[..], &case.proof[1..]].concat();
        let check = |key: &ZkvmKey, statement: &InferenceStatement, proof: &[u8]| {
            VERIFIER.check(&key.encode(), Claim::Statement(statement), proof)
        };
        let key = case.key.clone().with_statement_at(5);
        assert_eq!(check(&key, &statement, &proof), Ok(()));
        assert_eq!(check(&case.key, &statement, &proof), Err(ProofError::NoStatements));
        let other = check(&key, &self::statement(8), &proof);
        assert_eq!(other, Err(ProofError::Statement { offset: 5 }));
        for offset in [0, 4, 6, 38, u32::MAX - 1] {
            let moved = case.key.clone().with_statement_at(offset);
            assert_eq!(check(&moved, &statement, &proof), Err(ProofError::Statement { offset }));
        }
        // The envelope of one kind of claim is none of the other.
        assert!(check(&key, &statement, &case.proof).is_err());
        assert!(VERIFIER.check(&key.encode(), Claim::Values(&values), &proof).is_err());
        let changed = sweep(&proof, |proof| check(&key, &statement, proof).is_ok());
        assert_eq!(changed.1, []);
    }
}

#[test]
fn sp1_program_must_have_succeeded_in_the_registered_release() {
    let case = simulated_sp1(b"values", B256::ZERO);
    let with = |range: core::ops::Range<usize>, word: &[u8]| {
        let mut case = case.clone();
        case.proof[range].copy_from_slice(word);
        accepts(&case)
    };
    assert_eq!(with(5..37, &[1; 32]), Err(ProofError::ExitCode));
    assert_eq!(with(37..69, &[1; 32]), Err(ProofError::Root));
    let order = hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
    assert_eq!(with(69..101, &order), Err(ProofError::Scalar { part: "the nonce" }));
    assert!(matches!(with(1..5, &[0; 4]), Err(ProofError::Prefix { .. })));
    // A proof that is valid for a failed run is refused all the same.
    let mut failed = [0; 32];
    failed[31] = 1;
    assert_eq!(accepts(&simulated_sp1(b"values", B256::from(failed))), Err(ProofError::ExitCode));
}

#[test]
fn selector_of_risc_zero_names_the_release() {
    let mut case = simulated_risc_zero(b"values");
    case.key = ZkvmKey::risc_zero(
        case.key.program(),
        B256::repeat_byte(0x12),
        B256::ZERO,
        case.key.verifying_key().to_vec(),
    );
    assert!(matches!(accepts(&case), Err(ProofError::Prefix { .. })));
}

#[test]
fn port_says_what_it_is_and_costs_more_for_more_bytes() {
    assert_eq!(VERIFIER.id(), ProofSystemId::GROTH16);
    let limits = VERIFIER.limits();
    let mut last = Work::default();
    for bytes in [0, 1, 100, 1_000, u64::MAX / 2, u64::MAX] {
        let work = VERIFIER.work(bytes, bytes);
        assert!(work.flops > last.flops || work.flops == u64::MAX);
        assert!(work.peak_bytes > last.peak_bytes || work.peak_bytes == u64::MAX);
        last = work;
    }
    let case = simulated_risc_zero(b"");
    assert!(case.key.encode().len() as u64 == limits.key_bytes);
    let too_long = vec![1; usize::try_from(limits.proof_bytes).unwrap() + 1];
    let key = case.key.with_statement_at(0).encode();
    let refused = VERIFIER.check(&key, Claim::Statement(&statement(1)), &too_long);
    assert!(matches!(refused, Err(ProofError::Size { .. })));
    let refused = VERIFIER.check(&key, Claim::Values(&too_long), &case.proof);
    assert!(matches!(refused, Err(ProofError::Values { .. })));
    assert!(VERIFIER.admit(&[key, vec![0]].concat()).is_err());
}

const fn statement(input: u8) -> InferenceStatement {
    InferenceStatement {
        model: ModelId(B256::repeat_byte(1)),
        input: B256::repeat_byte(input),
        output: B256::repeat_byte(3),
        work: Work { flops: 4, peak_bytes: 5 },
        context: B256::repeat_byte(6),
    }
}

fn simulated_ziren(values: &[u8]) -> Case {
    let (secrets, program) = (Secrets::new(2), B256::repeat_byte(0x11));
    let key = secrets.gnark_key();
    let proof = secrets.proof(&[scalar(program), values_input(values)]);
    Case {
        values: values.to_vec(),
        proof: envelope(&[&Sha256::digest(&key)[..4], &proof].concat()),
        key: ZkvmKey::ziren(program, key),
    }
}

fn simulated_sp1(values: &[u8], exit_code: B256) -> Case {
    let (secrets, program) = (Secrets::new(5), B256::repeat_byte(0x11));
    let (root, nonce) = (B256::repeat_byte(0x22), B256::repeat_byte(0x2f));
    let key = secrets.gnark_key();
    let proof = secrets.proof(&[
        scalar(program),
        values_input(values),
        scalar(exit_code),
        scalar(root),
        scalar(nonce),
    ]);
    let header = [exit_code, root, nonce].concat();
    Case {
        values: values.to_vec(),
        proof: envelope(&[&Sha256::digest(&key)[..4], &header, &proof].concat()),
        key: ZkvmKey::sp1(program, root, key),
    }
}

pub(crate) fn simulated_risc_zero(values: &[u8]) -> Case {
    let secrets = Secrets::new(5);
    let (image, root) = (B256::repeat_byte(0x44), B256::repeat_byte(0x55));
    // Reversed this is a small number, so it fits the field.
    let mut id = B256::ZERO;
    id[0] = 77;
    let key = secrets.uncompressed_key();
    let [root_low, root_high] = halves(root);
    let [claim_low, claim_high] = halves(receipt_claim(image, values));
    let proof = secrets.proof(&[root_low, root_high, claim_low, claim_high, Fr::from(77)]);
    Case {
        values: values.to_vec(),
        proof: envelope(&[&risc_zero_selector(root, id, &key)[..], &proof].concat()),
        key: ZkvmKey::risc_zero(image, root, id, key),
    }
}

/// Computes RISC Zero's `ReceiptClaim`, written a second time from its Solidity library, to compare
/// with.
fn receipt_claim(image: B256, journal: &[u8]) -> B256 {
    // The digest of the state "halted, memory gone", which the library has as a constant.
    let post = hex!("a3acc27117418996340b84e5a90f3ef4c49d22c79e44aad822ec9c313e1eb8e2");
    let tag = |name: &str| Sha256::digest(name).to_vec();
    let journal = Sha256::digest(journal).to_vec();
    let output = [&tag("risc0.Output")[..], &journal, &[0; 32], &[2, 0]].concat();
    let output = Sha256::digest(output).to_vec();
    let claim = [
        &tag("risc0.ReceiptClaim")[..],
        &[0; 32],
        image.as_slice(),
        &post,
        &output,
        &[0; 8],
        &[4, 0],
    ]
    .concat();
    B256::from_slice(&Sha256::digest(claim))
}

fn risc_zero_selector(root: B256, id: B256, key: &[u8]) -> [u8; 4] {
    let sha = |bytes: &[u8]| Sha256::digest(bytes).to_vec();
    let mut list = vec![0; 32];
    for point in key[448..].chunks(64).rev() {
        let tag = sha(b"risc0_groth16.VerifyingKey.IC");
        list = sha(&[tag, sha(point), list, vec![2, 0]].concat());
    }
    let mut parts = sha(b"risc0_groth16.VerifyingKey");
    parts.extend(sha(&key[..64]));
    for point in key[64..448].chunks(128) {
        parts.extend(sha(point));
    }
    parts.extend(list);
    parts.extend([5, 0]);
    let tag = sha(b"risc0.Groth16ReceiptVerifierParameters");
    let all = [tag, root.to_vec(), id.to_vec(), sha(&parts), vec![3, 0]].concat();
    sha(&all)[..4].try_into().unwrap()
}

/// Both halves of a digest after its bytes were reversed, the lower first, as the Solidity verifier
/// splits it.
fn halves(digest: B256) -> [Fr; 2] {
    let mut reversed = digest;
    reversed.reverse();
    let half = |bytes: &[u8]| Fr::from(u128::from_be_bytes(bytes.try_into().unwrap()));
    [half(&reversed[16..]), half(&reversed[..16])]
}
