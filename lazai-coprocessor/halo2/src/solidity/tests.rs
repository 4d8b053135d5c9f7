use halo2_proofs::halo2curves::{
    bn256::{Fr, G1Affine, G2Affine},
    group::{Curve, GroupEncoding, prime::PrimeCurveAffine},
};

use super::rewrite::{UnknownLine, rewrite};
use crate::{SrsVerifier, VerifyingKey, shape::Shape};

/// A key with columns that nobody filled, but for the places in `zero`, which hold zeros.
fn key(shape: Shape, zero: &[usize]) -> VerifyingKey {
    let mut bytes = vec![2];
    bytes.extend([7; 32]);
    bytes.extend([1, 1, 0, 0, 0, 4, 16, 0, 0, 0, 2, 32, 10]);
    bytes.extend([0; 16]);
    let columns =
        [shape.gates, shape.lookups, shape.tables, shape.linear_combinations, shape.constants];
    bytes.push(shape.k as u8);
    bytes.extend(columns.map(|columns| columns as u8));
    let srs = SrsVerifier::new((G2Affine::generator() * Fr::from(5)).to_affine()).unwrap();
    bytes.extend(srs.to_bytes());
    for index in 0..shape.fixed() + shape.permuted() {
        let point = (G1Affine::generator() * Fr::from(index as u64 + 1)).to_affine();
        let point = if zero.contains(&index) { G1Affine::identity() } else { point };
        bytes.extend(point.to_bytes().as_ref());
    }
    VerifyingKey::from_bytes(&bytes).unwrap()
}

#[test]
fn proofs_are_as_large_as_their_columns_say() {
    for [gates, lookups, tables, linear_combinations, constants] in
        [[1, 1, 1, 0, 1], [1, 1, 1, 1, 1], [3, 2, 4, 2, 1], [14, 1, 3, 7, 2], [5, 5, 5, 5, 5]]
    {
        let shape = Shape { k: 12, gates, lookups, tables, linear_combinations, constants };
        let verifier = key(shape, &[]).solidity().unwrap();
        assert_eq!(verifier.proof_bytes, shape.proof_bytes(), "{shape:?}");
        let multiplications = verifier.source.matches("\n            multiple(").count();
        assert_eq!(multiplications, shape.multiplications(), "{shape:?}");
    }
}

#[test]
fn columns_of_zeros_are_points_at_infinity() {
    let shape =
        Shape { k: 10, gates: 2, lookups: 1, tables: 1, linear_combinations: 2, constants: 1 };
    let whole = key(shape, &[]).solidity().unwrap().source;
    let verifier = key(shape, &[3, 7]).solidity().unwrap().source;
    assert!(!whole.contains(", 0x0)"));
    // Equal points are multiplied once.
    assert_eq!(verifier.matches(", 0x0)").count(), 2);
    let all: Vec<_> = (0..shape.fixed() + shape.permuted()).collect();
    key(shape, &all).solidity().unwrap();
}

#[test]
fn a_name_that_warns_is_for_the_published_secret_alone() {
    let shape =
        Shape { k: 10, gates: 1, lookups: 1, tables: 1, linear_combinations: 1, constants: 1 };
    let verifier = key(shape, &[]).solidity().unwrap();
    assert_eq!(verifier.name, "Halo2Verifier");
    assert!(!verifier.source.contains("FORGE"));
    // The secret is 5.
    assert!(verifier.source.contains("of no ceremony that LazVM knows"));
}

#[test]
fn lines_of_another_form_are_refused() {
    let source = |line: &str| {
        format!("valid := and(valid, is_affine)\n}}\n}}\n{line}\n// Revert if anything fails")
    };
    let good = [
        ("mstore(0x80, mod(calldataload(0x20), f_q))", "scalar(0x80, 0x24)"),
        ("mstore(0x80, mod(calldataload(0x40), f_q))", "scalar(0x80, 0x84)"),
        (
            "{\nlet x := calldataload(0x40)\nmstore(0x80, x)\nlet y := calldataload(0x60)\nmstore(0xa0, y)\n\
             success := and(validate_ec_point(x, y), success)\n}",
            "point(0x80, 0x84)",
        ),
        (
            "success := and(eq(staticcall(gas(), 0x6, 0x9, 0x80, 0x9, 0x40), 1), success)",
            "sum(0x9)",
        ),
        ("mstore(0x1a0, keccak256(0x80, 288))", "mstore(0x1a0, keccak256(0x80, 288))"),
    ];
    for (line, expected) in good {
        assert_eq!(rewrite(&source(line)), Ok(vec![expected.to_owned()]));
    }
    for line in [
        "let z := calldataload(0x40)",
        "mstore(0x80, calldataload(0x20))",
        "success := 1",
        "success := and(eq(staticcall(gas(), 0x6, 0x9, 0x80, 0x8, 0x40), 1), success)",
        "success := and(eq(staticcall(gas(), 0x9, 0x9, 0x80, 0x9, 0x40), 1), success)",
        "success := and(eq(mload(0x9), 1), success)",
        "{\nlet x := calldataload(0x40)\nmstore(0x80, x)\nlet y := calldataload(0x80)\nmstore(0xa0, y)\n\
         success := and(validate_ec_point(x, y), success)\n}",
    ] {
        let refused = rewrite(&source(line)).unwrap_err();
        assert_ne!(refused, UnknownLine(String::new()), "{line}");
    }
    assert!(rewrite("").is_err());
}
