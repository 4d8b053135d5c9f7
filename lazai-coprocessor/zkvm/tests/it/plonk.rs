use alloy_primitives::{B256, b256, hex};
use lazai_api_types::{Claim, ProofSystemId, ProofVerifier, Work};
use lazai_zkvm::{
    KeyError, ProofError, ZkvmKey,
    plonk::{PlonkVerifier, without_lines},
};
use proptest::prelude::*;

use crate::{
    fixtures::{self, Case},
    golden::check_golden,
    plonk_simulator,
    sweep::{sweep, sweep_at},
};

const VERIFIER: PlonkVerifier = PlonkVerifier;

fn verify(key: &[u8], values: &[u8], proof: &[u8]) -> bool {
    VERIFIER.verify(key, Claim::Values(values), proof).unwrap()
}

/// Returns whether a number of the circuit's proof covers the byte: any 32 bytes below the order
/// are one, so only the equation refuses them.
fn is_number(index: usize) -> bool {
    (384..544).contains(&index) || (608..640).contains(&index) || (768..800).contains(&index)
}

/// Checks that a proof holds, and no longer after a change of one byte of proof or values.
fn check_case(name: &str, case: &Case) {
    let key = case.key.encode();
    assert_eq!(VERIFIER.admit(&key), Ok(()), "{name}");
    assert_eq!(VERIFIER.check(&key, Claim::Values(&case.values), &case.proof), Ok(()), "{name}");
    let proofs = sweep(&case.proof, |proof| verify(&key, &case.values, proof));
    let values = sweep(&case.values, |values| verify(&key, values, &case.proof));
    println!("{name}: {} changes of the proof, {} of the values", proofs.0, values.0);
    assert_eq!(proofs.1, [], "{name}: changes of the proof that were accepted");
    assert_eq!(values.1, [], "{name}: changes of the values that were accepted");
    for length in 0..case.proof.len() {
        assert!(!verify(&key, &case.values, &case.proof[..length]), "{name}: cut to {length}");
    }
    assert!(!verify(&key, &case.values, &[&case.proof[..], &[0]].concat()), "{name}: longer");
}

#[test]
fn ziren_proof_holds_and_no_changed_byte_does() {
    if let Some(case) = fixtures::ziren("plonk") {
        check_case("Ziren 1.2.5", &case);
    }
}

#[test]
fn sp1_proof_holds_and_no_changed_byte_does() {
    if let Some(case) = fixtures::sp1("plonk") {
        check_case("SP1 6.0", &case);
    }
}

#[test]
fn simulated_proof_holds_and_no_changed_byte_does() {
    check_case("simulated Ziren", &plonk_simulator::ziren(b"some public values"));
}

#[test]
fn golden_key_and_proof_are_what_the_simulator_makes() {
    let case = plonk_simulator::ziren(b"hello");
    let key = b256!("042f40e7ee2509e0ace35e53247004ffb5b66bf5185b108fb241042e292b4ed0");
    check_golden("ziren_plonk_key.bin", &case.key.encode(), key);
    let proof = b256!("c5c06a98baa9f9b7ebee425ed20a6693b8a138cc443117e7622e6762add7ed31");
    check_golden("ziren_plonk_proof.bin", &case.proof, proof);
}

/// `sp1-verifier` decides alike about the same bytes.
#[test]
fn verdicts_are_those_of_another_verifier() {
    check_verdicts(&plonk_simulator::ziren(b"some public values"));
    if let Some(case) = fixtures::ziren("plonk") {
        check_verdicts(&case);
    }
}

fn check_verdicts(case: &Case) {
    let key = case.key.encode();
    let (head, tail) = case.key.verifying_key().split_at(564);
    let full = [head, &vec![0; 33_792], tail].concat();
    let theirs = |values: &[u8], proof: &[u8]| {
        let inputs = [case.key.program().0, sp1_verifier::hash_public_inputs(values)];
        sp1_verifier::PlonkVerifier::verify_gnark_proof(&proof[5..], &inputs, &full).is_ok()
    };
    assert!(theirs(&case.values, &case.proof));
    assert!(!theirs(b"other values", &case.proof));
    assert!(!verify(&key, b"other values", &case.proof));
    // A byte of each number.
    let numbers = (5 + 31..case.proof.len()).step_by(32).filter(|at| is_number(at - 5));
    let changed = sweep_at(&case.proof, numbers, 1, |proof| {
        theirs(&case.values, proof) || verify(&key, &case.values, proof)
    });
    assert_eq!(changed.1, []);
}

#[test]
fn sp1_program_must_have_succeeded_in_the_registered_release() {
    let Some(case) = fixtures::sp1("plonk") else { return };
    let key = case.key.encode();
    let with = |at: usize, word: [u8; 32]| {
        let mut proof = case.proof.clone();
        proof[at..at + 32].copy_from_slice(&word);
        VERIFIER.check(&key, Claim::Values(&case.values), &proof)
    };
    assert_eq!(with(5, [1; 32]), Err(ProofError::ExitCode));
    assert_eq!(with(37, [1; 32]), Err(ProofError::Root));
    assert_eq!(with(69, ORDER), Err(ProofError::Scalar { part: "the nonce" }));
}

/// The same number must have one encoding alone.
#[test]
fn numbers_of_proofs_must_be_reduced() {
    let case = plonk_simulator::ziren(b"some public values");
    let key = case.key.encode();
    for at in (5 + 384..5 + 864).step_by(32).filter(|at| is_number(at - 5)) {
        let mut proof = case.proof.clone();
        let word: &mut [u8; 32] = proof[at..].first_chunk_mut().unwrap();
        let mut carry = 0_u16;
        for (byte, order) in word.iter_mut().zip(ORDER).rev() {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum.to_be_bytes()[1];
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        let error = VERIFIER.check(&key, Claim::Values(&case.values), &proof);
        assert_eq!(error, Err(ProofError::Scalar { part: "a claimed value" }), "{at}");
    }
}

#[test]
fn keys_that_were_changed_are_refused() {
    let published = [fixtures::ziren("plonk"), fixtures::sp1("plonk")];
    let simulated = plonk_simulator::ziren(b"some public values");
    for case in published.into_iter().flatten().chain([simulated]) {
        let key = case.key.encode();
        let circuit = key.len() - 576;
        // A key with another point may be admitted; the prefix of the proof tells them apart.
        let changed = sweep(&key[circuit..], |bytes| {
            verify(&[&key[..circuit], bytes].concat(), &case.values, &case.proof)
        });
        assert_eq!(changed.1, []);
        let with = |at: usize, bytes: &[u8]| {
            let mut key = key.clone();
            key[circuit + at..circuit + at + bytes.len()].copy_from_slice(bytes);
            match VERIFIER.check(&key, Claim::Values(&case.values), &case.proof) {
                Err(ProofError::Key(error)) => error,
                other => panic!("{at}: {other:?}"),
            }
        };
        let degenerate = |error| matches!(error, KeyError::Degenerate { .. });
        let parameter = |error| matches!(error, KeyError::Parameter { .. });
        // Rows, their inverse, the root of unity, inputs, the shift.
        for rows in [0, 1, 3, 1 << 29, u64::MAX] {
            assert!(parameter(with(0, &rows.to_be_bytes())) || rows == 1);
        }
        assert!(degenerate(with(0, &4_u64.to_be_bytes())));
        assert!(degenerate(with(8, &[1; 32])));
        assert!(degenerate(with(40, &[1; 32])));
        assert!(parameter(with(72, &9_u64.to_be_bytes())));
        assert!(degenerate(with(80, &[1; 32])));
        // Two wires that are one, the ceremony with secret 1, commitments, and the row of the
        // commitment.
        assert!(degenerate(with(144, &key[circuit + 112..][..32])));
        assert!(degenerate(with(500, &key[circuit + 436..][..64])));
        for count in [0, 2, u32::MAX] {
            assert_eq!(with(368, &count.to_be_bytes()), KeyError::Commitments);
            assert_eq!(with(564, &count.to_be_bytes()), KeyError::Commitments);
        }
        assert!(parameter(with(568, &u64::MAX.to_be_bytes())));
        assert!(parameter(with(568, &(1_u64 << 28).to_be_bytes())));
        for number in [8, 40, 80] {
            assert!(matches!(with(number, &ORDER), KeyError::Scalar { .. }));
        }
        let infinity = [&[0x40][..], &[0; 31]].concat();
        for point in [112, 144, 176, 208, 240, 272, 304, 336, 372, 404, 436, 500] {
            assert!(matches!(with(point, &infinity), KeyError::Point { .. }), "{point}");
        }
    }
}

#[test]
fn keys_of_other_systems_and_filled_tables_are_refused() {
    let risc_zero = ZkvmKey::risc_zero(B256::ZERO, B256::ZERO, B256::ZERO, vec![0; 544]);
    let error = VERIFIER.check(&risc_zero.encode(), Claim::Values(&[]), &[1; 869]);
    assert_eq!(error, Err(KeyError::System { zkvm: "RISC Zero" }.into()));
    let mut full = vec![0; 34_368];
    assert_eq!(without_lines(&full).unwrap().len(), 576);
    full[564] = 1;
    assert_eq!(without_lines(&full), Err(KeyError::Lines));
    assert!(matches!(without_lines(&full[1..]), Err(KeyError::Size { .. })));
}

#[test]
fn port_says_what_it_is_and_costs_more_for_more_bytes() {
    assert_eq!(VERIFIER.id(), ProofSystemId::PLONK);
    let key = ZkvmKey::sp1(B256::ZERO, B256::ZERO, vec![0; 576]).encode();
    assert_eq!(VERIFIER.limits().key_bytes, key.len() as u64);
    let mut last = Work::default();
    for bytes in [0, 1, 100, 1_000, u64::MAX / 2, u64::MAX] {
        let work = VERIFIER.work(bytes, bytes);
        assert!(work.flops > last.flops || work.flops == u64::MAX);
        assert!(work.peak_bytes > last.peak_bytes || work.peak_bytes == u64::MAX);
        last = work;
    }
    assert!(VERIFIER.admit(&[key, vec![0]].concat()).is_err());
}

proptest! {
    #[test]
    fn random_bytes_are_refused(
        key in any::<Vec<u8>>(),
        circuit in prop::collection::vec(any::<u8>(), 576),
        values in any::<Vec<u8>>(),
        proof in prop::collection::vec(any::<u8>(), 0..1_000),
    ) {
        prop_assert!(VERIFIER.admit(&key).is_err());
        prop_assert!(!verify(&key, &values, &proof));
        let key = ZkvmKey::ziren(B256::ZERO, circuit).encode();
        prop_assert!(VERIFIER.admit(&key).is_err());
        prop_assert!(!verify(&key, &values, &proof));
    }
}

const ORDER: [u8; 32] = hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
