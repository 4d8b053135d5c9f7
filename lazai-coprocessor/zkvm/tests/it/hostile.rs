//! Bytes that nobody meant to be keys or proofs.

use alloy_primitives::{B256, hex};
use ark_bn254::{Fq, Fq2, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use lazai_api_types::{Claim, ProofVerifier};
use lazai_zkvm::{KeyError, ProofError, ZkvmKey, groth16::Groth16Verifier};
use proptest::prelude::*;

use crate::{groth16::simulated_risc_zero, simulator::Secrets};

const MODULUS: [u8; 32] = hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
const ORDER: [u8; 32] = hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");

proptest! {
    #[test]
    fn random_bytes_are_refused(key in any::<Vec<u8>>(), values in any::<Vec<u8>>(), proof in any::<Vec<u8>>()) {
        prop_assert!(Groth16Verifier.admit(&key).is_err());
        prop_assert_eq!(Groth16Verifier.verify(&key, Claim::Values(&values), &proof), Ok(false));
    }

    #[test]
    fn random_proofs_under_a_good_key_are_refused(
        values in any::<Vec<u8>>(),
        prefix in prop::bool::ANY,
        proof in prop::collection::vec(any::<u8>(), 200..400),
        exact in prop::array::uniform32(any::<u8>()),
    ) {
        let case = simulated_risc_zero(b"values");
        let key = case.key.encode();
        prop_assert_eq!(Groth16Verifier.verify(&key, Claim::Values(&values), &proof), Ok(false));
        let mut long = case.proof;
        long[5..37].copy_from_slice(&exact);
        if !prefix {
            long[1..5].copy_from_slice(&exact[..4]);
        }
        prop_assert_eq!(Groth16Verifier.verify(&key, Claim::Values(b"values"), &long), Ok(false));
    }

    #[test]
    fn keys_come_back_from_their_bytes(
        kind in 0..3,
        words in prop::array::uniform3(prop::array::uniform32(any::<u8>())),
        offset in any::<u32>(),
        circuit in any::<Vec<u8>>(),
    ) {
        let [program, root, id] = words.map(B256::from);
        let key = match kind {
            0 => ZkvmKey::ziren(program, circuit),
            1 => ZkvmKey::sp1(program, root, circuit),
            _ => ZkvmKey::risc_zero(program, root, id, circuit),
        }
        .with_statement_at(offset);
        let bytes = key.encode();
        prop_assert_eq!(ZkvmKey::parse(&bytes), Ok(key));
        // Canonical: what parses is what would be written.
        if let Ok(cut) = ZkvmKey::parse(&bytes[..bytes.len() / 2]) {
            prop_assert_eq!(cut.encode(), &bytes[..bytes.len() / 2]);
        }
    }
}

#[test]
fn headers_are_read_to_the_end_and_no_further() {
    let key = ZkvmKey::risc_zero(B256::ZERO, B256::ZERO, B256::ZERO, Vec::new()).encode();
    assert_eq!(key.len(), 102);
    for length in 0..key.len() {
        assert!(matches!(ZkvmKey::parse(&key[..length]), Err(KeyError::Size { .. })));
    }
    let error = ZkvmKey::parse(&[&[2], &key[1..]].concat());
    assert_eq!(error, Err(KeyError::Version { expected: 1, got: 2 }));
    for got in [0, 4, 255] {
        let error = ZkvmKey::parse(&[&[1, got], &key[2..]].concat());
        assert_eq!(error, Err(KeyError::ZkVm { got }));
    }
}

#[test]
fn numbers_of_keys_must_be_reduced() {
    let (gnark2, gnark5) = (Secrets::new(2).gnark_key(), Secrets::new(5).gnark_key());
    let order = B256::from(ORDER);
    let mut reversed = order;
    reversed.reverse();
    let keys = [
        ZkvmKey::ziren(order, gnark2),
        ZkvmKey::sp1(order, B256::ZERO, gnark5.clone()),
        ZkvmKey::sp1(B256::ZERO, order, gnark5),
        ZkvmKey::risc_zero(order, order, reversed, Secrets::new(5).uncompressed_key()),
    ];
    for key in keys {
        let error = Groth16Verifier.check(&key.encode(), Claim::Values(&[]), &[1; 357]);
        assert!(matches!(error, Err(ProofError::Key(KeyError::Scalar { .. }))), "{error:?}");
    }
}

#[test]
fn commitments_and_other_input_counts_are_refused() {
    let mut key = Secrets::new(2).gnark_key();
    for index in 388..396 {
        key[index] = 1;
        assert_eq!(ziren(&key), Err(KeyError::Commitments.into()));
        key[index] = 0;
    }
    key[291] = 2;
    assert!(matches!(ziren(&key), Err(ProofError::Key(KeyError::Parameter { .. }))));
    for inputs in [0, 1, 3] {
        let error = ziren(&Secrets::new(inputs).gnark_key());
        assert!(matches!(error, Err(ProofError::Key(KeyError::Size { .. }))));
    }
}

#[test]
fn points_of_keys_must_be_canonical() {
    let good = Secrets::new(2).gnark_key();
    // Offsets of the points, and whether they lie in G2.
    let points = [(0, "alpha"), (32, "beta in G1"), (192, "delta in G1"), (292, "an input point")]
        .map(|(at, part)| (at, part, 32))
        .into_iter()
        .chain([(64, "beta"), (128, "gamma"), (224, "delta")].map(|(at, part)| (at, part, 64)));
    for (at, part, length) in points {
        let expected = Err(ProofError::Key(KeyError::Point { part }));
        let with = |bytes: &[u8]| {
            let mut key = good.clone();
            key[at..at + bytes.len()].copy_from_slice(bytes);
            ziren(&key)
        };
        // Infinity, an uncompressed point, and a coordinate that is the modulus.
        assert_eq!(with(&[&[0x40], &vec![0; length - 1][..]].concat()), expected, "{part}");
        assert_eq!(with(&[good[at] & 0x3f]), expected, "{part}");
        let mut modulus = MODULUS;
        modulus[0] |= 0x80;
        assert_eq!(with(&modulus), expected, "{part}");
    }
}

#[test]
fn points_of_proofs_must_be_finite_reduced_and_in_their_group() {
    let case = simulated_risc_zero(b"values");
    let key = case.key.encode();
    let check = |at: usize, bytes: &[u8]| {
        let mut proof = case.proof.clone();
        proof[5 + at..5 + at + bytes.len()].copy_from_slice(bytes);
        Groth16Verifier.check(&key, Claim::Values(&case.values), &proof)
    };
    for (part, at, length) in [("A", 0, 64), ("B", 64, 128), ("C", 192, 64)] {
        let expected = Err(ProofError::Point { part });
        assert_eq!(check(at, &vec![0; length]), expected);
        // The same point with the modulus added to a coordinate.
        for coordinate in (at..at + length).step_by(32) {
            let number = Fq::from_be_bytes_mod_order(&case.proof[5 + coordinate..][..32]);
            let mut larger = number.into_bigint();
            assert!(!larger.add_with_carry(&Fq::MODULUS));
            assert_eq!(check(coordinate, &larger.to_bytes_be()), expected);
        }
    }
    assert_eq!(check(64, &outside_the_group()), Err(ProofError::Point { part: "B" }));
}

/// A point of the twist that is not in its group of prime order.
fn outside_the_group() -> Vec<u8> {
    let point = (1_u8..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), false))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    assert!(point.is_on_curve() && !point.is_zero());
    [point.x.c1, point.x.c0, point.y.c1, point.y.c0]
        .into_iter()
        .flat_map(|number| number.into_bigint().to_bytes_be())
        .collect()
}

fn ziren(circuit: &[u8]) -> Result<(), ProofError> {
    let key = ZkvmKey::ziren(B256::repeat_byte(1), circuit.to_vec());
    Groth16Verifier.check(&key.encode(), Claim::Values(&[]), &[1; 261])
}
