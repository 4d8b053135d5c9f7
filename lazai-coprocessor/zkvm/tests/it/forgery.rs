//! Keys under which anyone can forge: each forgery satisfies the equation of Groth16, and each key
//! is refused.

use alloy_primitives::B256;
use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, pairing::Pairing};
use ark_ff::{Field, One, Zero};
use lazai_api_types::{Claim, InvalidKey, ProofVerifier};
use lazai_zkvm::{KeyError, ProofError, ZkvmKey, groth16::Groth16Verifier};

use crate::simulator::Secrets;

/// Points of a forged proof, as multiples that a forger can compute: it knows no secret, only the
/// points of the key.
struct Forgery {
    part: &'static str,
    flaw: &'static str,
    secrets: Secrets,
    /// A, B, C by their secrets.
    proof: [Fr; 3],
}

fn forgeries() -> Vec<Forgery> {
    let inputs = [Fr::from(123), Fr::from(456)];
    let base = || Secrets::new(2);
    let sum = base().input_sum(&inputs);
    let mut list = Vec::new();
    for sign in [Fr::ONE, -Fr::ONE] {
        // C cancels the inputs.
        let mut secrets = base();
        secrets.gamma = Fr::from(99);
        secrets.delta = secrets.gamma * sign;
        let proof = [secrets.alpha, secrets.beta, -sum * sign];
        list.push(Forgery { part: "delta", flaw: "gamma", secrets, proof });
        // A takes the inputs in.
        let mut secrets = base();
        secrets.gamma = Fr::from(99);
        secrets.beta = secrets.gamma * sign;
        let proof = [secrets.alpha + sum * sign, secrets.beta, Fr::zero()];
        list.push(Forgery { part: "beta", flaw: "gamma", secrets, proof });
        // C cancels alpha and A is the inputs.
        let mut secrets = base();
        secrets.beta = secrets.delta * sign;
        let proof = [sum, secrets.gamma, -secrets.alpha * sign];
        list.push(Forgery { part: "beta", flaw: "delta", secrets, proof });
    }
    list
}

/// The equation itself, without a look at the key.
fn equation_holds(secrets: &Secrets, inputs: &[Fr], [a, b, c]: [Fr; 3]) -> bool {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let left = [g1 * -a, g1 * secrets.alpha, g1 * secrets.input_sum(inputs), g1 * c];
    let right = [g2 * b, g2 * secrets.beta, g2 * secrets.gamma, g2 * secrets.delta];
    Bn254::multi_pairing(left, right).0.is_one()
}

#[test]
fn keys_that_allow_forgeries_are_refused() {
    for forgery in forgeries() {
        let Forgery { part, flaw, secrets, proof } = forgery;
        assert!(equation_holds(&secrets, &[Fr::from(123), Fr::from(456)], proof), "{part}={flaw}");
        refused(&secrets, &KeyError::Degenerate { part, flaw });
    }
}

#[test]
fn keys_with_known_secrets_or_shared_points_are_refused() {
    for one in [Fr::one(), -Fr::one()] {
        let key = |change: fn(&mut Secrets, Fr)| {
            let mut secrets = Secrets::new(2);
            secrets.gamma = Fr::from(99);
            change(&mut secrets, one);
            secrets
        };
        let flaw = "the generator";
        let delta = key(|secrets, one| secrets.delta = one);
        refused(&delta, &KeyError::Degenerate { part: "delta", flaw });
        let beta = key(|secrets, one| secrets.beta = one);
        refused(&beta, &KeyError::Degenerate { part: "beta", flaw });
        let alpha = key(|secrets, one| secrets.alpha = one);
        refused(&alpha, &KeyError::Degenerate { part: "alpha", flaw });
        let shared = key(|secrets, one| secrets.inputs[2] = secrets.inputs[1] * one);
        let flaw = "the point of another input";
        refused(&shared, &KeyError::Degenerate { part: "an input point", flaw });
    }
}

/// A changed number here is a change of consensus.
#[test]
fn codes_of_refused_keys_are_golden() {
    let golden = [
        (KeyError::Version { expected: 1, got: 2 }, 1),
        (KeyError::ZkVm { got: 9 }, 2),
        (KeyError::Size { part: "a", expected: 1, got: 2 }, 3),
        (KeyError::System { zkvm: "a" }, 4),
        (KeyError::Parameter { part: "a", expected: 1, got: 2 }, 5),
        (KeyError::Commitments, 6),
        (KeyError::Lines, 7),
        (KeyError::Point { part: "a" }, 8),
        (KeyError::Scalar { part: "a" }, 9),
        (KeyError::Degenerate { part: "a", flaw: "b" }, 10),
    ];
    for (error, code) in golden {
        assert_eq!(error.code(), code, "{error}");
    }
}

/// Both encodings of the key are refused, by admission and by verification.
fn refused(secrets: &Secrets, expected: &KeyError) {
    let gnark = ZkvmKey::ziren(B256::repeat_byte(1), secrets.gnark_key());
    let mut five = secrets.clone();
    five.inputs.extend([Fr::from(1_001), Fr::from(1_002), Fr::from(1_003)]);
    let id = B256::ZERO;
    let uncompressed = ZkvmKey::risc_zero(id, id, id, five.uncompressed_key());
    for key in [gnark, uncompressed] {
        let key = key.encode();
        let refused = Groth16Verifier.admit(&key).unwrap_err();
        assert_eq!(refused, InvalidKey::new(expected.code(), expected));
        let verdict = Groth16Verifier.check(&key, Claim::Values(&[]), &[1; 261]);
        assert_eq!(verdict, Err(ProofError::Key(expected.clone())));
    }
}
