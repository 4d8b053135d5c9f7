use std::sync::Arc;

use alloy_primitives::B256;
use k256::{ProjectivePoint, Scalar, elliptic_curve::group::GroupEncoding};
use lazai_api_types::{Claim, InferenceStatement, PortError, ProofSystem, ProofVerifier};

use crate::{
    chain::Chain,
    error::Error,
    group,
    hidden::Hidden,
    linear,
    open::Open,
    swap::{Proved, hidden, open},
};

const CONTEXT: B256 = B256::repeat_byte(7);
const INPUT: [u32; 3] = [5, 0, u32::MAX];

fn prover() -> Hidden {
    Hidden { weights: vec![-3, i32::MAX, 0], seed: B256::repeat_byte(1) }
}

fn verify(system: &dyn ProofVerifier, Proved { key, statement, proof }: &Proved) -> bool {
    system.verify(key, Claim::Statement(statement), proof).unwrap()
}

#[test]
fn both_systems_prove_the_same_answer() {
    let verifier = Hidden::default();
    let proved = hidden(&prover(), &INPUT, CONTEXT).unwrap();
    assert!(verify(&verifier, &proved));
    let expected = linear::statement(linear::model(&proved.key), &INPUT, -15, CONTEXT);
    assert_eq!(proved.statement, expected);
    let proved = open(&prover().weights, &INPUT, CONTEXT).unwrap();
    assert!(verify(&Open, &proved));
    assert!(!Open.verify(&proved.key, Claim::Values(b""), &proved.proof).unwrap());
}

#[test]
fn no_changed_byte_of_key_or_proof_holds() {
    let sweep = |system: &dyn ProofVerifier, right: &Proved| {
        for index in 0..right.proof.len() {
            for flip in [1, 0x80, 0xff] {
                let mut altered = right.clone();
                altered.proof[index] ^= flip;
                assert!(!verify(system, &altered), "byte {index} of the proof");
            }
        }
        for index in 0..right.key.len() {
            let mut altered = right.clone();
            altered.key[index] ^= 1;
            assert!(!verify(system, &altered), "byte {index} of the key");
        }
        for length in 0..right.proof.len() {
            let proof = right.proof[..length].to_vec();
            assert!(!verify(system, &Proved { proof, ..right.clone() }), "cut to {length}");
        }
        let proof = [&right.proof[..], &[0; 36]].concat();
        assert!(!verify(system, &Proved { proof, ..right.clone() }), "one feature more");
    };
    sweep(&Hidden::default(), &hidden(&prover(), &INPUT, CONTEXT).unwrap());
    sweep(&Open, &open(&prover().weights, &INPUT, CONTEXT).unwrap());
}

/// The prover has every secret, and still cannot prove another answer of the same model.
#[test]
fn a_false_answer_has_no_proof() {
    let prover = prover();
    let right = hidden(&prover, &INPUT, CONTEXT).unwrap();
    let model = linear::model(&right.key);
    let wrong = linear::statement(model, &INPUT, -14, CONTEXT);
    let refused = prover.prove(&right.key, &linear::job(model, &INPUT), &wrong);
    assert!(matches!(refused, Err(PortError::Rejected(_))));
    // Nor does a right proof say it, with or without the answer written over.
    let mut proof = right.proof.clone();
    assert!(!verify(&Hidden::default(), &Proved { statement: wrong, ..right.clone() }));
    proof[1..5].copy_from_slice(&(-14_i32).to_be_bytes());
    assert!(!verify(&Hidden::default(), &Proved { statement: wrong, proof, ..right }));
}

/// Another vector of weights under the same key would need the logarithm of one generator to the
/// base of another.
#[test]
fn other_weights_do_not_open_the_key() {
    let right = hidden(&prover(), &INPUT, CONTEXT).unwrap();
    let other = Hidden { weights: vec![-2, i32::MAX, 0], ..prover() };
    let model = linear::model(&right.key);
    let statement = linear::statement(model, &INPUT, -10, CONTEXT);
    let proof = other.prove(&right.key, &linear::job(model, &INPUT), &statement).unwrap();
    assert!(!verify(&Hidden::default(), &Proved { statement, proof, ..right }));
}

#[test]
fn masks_are_fresh_for_each_statement() {
    let prover = prover();
    let z = |context| hidden(&prover, &INPUT, context).unwrap().proof[73..].to_vec();
    let (one, other) = (z(CONTEXT), z(B256::repeat_byte(8)));
    for (one, other) in one.chunks(36).zip(other.chunks(36)) {
        assert_ne!(one[4..], other[4..]);
    }
    assert_eq!(z(CONTEXT), one, "the same proof for the same statement");
}

#[test]
fn generators_are_different_points_of_unknown_logarithm() {
    let points: Vec<_> = (0..=64).map(group::generator).collect();
    for (index, point) in points.iter().enumerate() {
        assert_ne!(*point, ProjectivePoint::IDENTITY);
        assert_ne!(*point, ProjectivePoint::GENERATOR);
        assert!(!points[..index].contains(point) && !points[..index].contains(&-*point));
    }
}

#[test]
fn degenerate_keys_are_not_admitted() {
    let hidden = Hidden::default();
    let point = ProjectivePoint::GENERATOR * Scalar::from(5_u32);
    assert_eq!(hidden.admit(&point.to_bytes()), Ok(()));
    for key in [&[][..], &[0; 33], &[2; 32], &[0xff; 33], &[2; 34]] {
        assert!(hidden.admit(key).is_err(), "{key:?}");
    }
    assert_eq!(Open.admit(&[0; 8]), Ok(()));
    for key in [&[][..], &[0; 5]] {
        assert!(Open.admit(key).is_err(), "{key:?}");
    }
}

#[test]
fn only_the_owner_s_system_counts() {
    let mut chain = Chain::start(vec![Arc::new(Open), Arc::new(Hidden::default())]).unwrap();
    let context = chain.context().unwrap();
    let open = open(&prover().weights, &INPUT, context).unwrap();
    let hidden = hidden(&prover(), &INPUT, context).unwrap();
    let submit = |chain: &mut Chain, Proved { statement, proof, .. }: &Proved| {
        chain.submit(statement, proof).map(|_| ())
    };
    // Before a system is chosen there is no key to prove anything under.
    assert!(matches!(submit(&mut chain, &open), Err(Error::Reverted(_))));
    chain.choose(Open.id(), &open.key).unwrap();
    submit(&mut chain, &open).unwrap();
    assert!(matches!(submit(&mut chain, &hidden), Err(Error::Reverted(_))));
    chain.choose(Hidden::default().id(), &hidden.key).unwrap();
    submit(&mut chain, &hidden).unwrap();
    assert!(matches!(submit(&mut chain, &open), Err(Error::Reverted(_))));
    // What was proved before stays.
    let InferenceStatement { input, output, .. } = open.statement;
    assert_eq!(chain.output(Open.id(), &open.key, input).unwrap(), output);
}
