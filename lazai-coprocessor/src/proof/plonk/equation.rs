//! The one place that knows `sp1-verifier`, which checks what gnark's PLONK prover makes.
//!
//! Its version is pinned: what it accepts is consensus, and its verdicts must not move with an update. It was written for
//! trusted keys and leaves checks out, so keys come from [`expand`](super::circuit::expand), and proofs are checked here
//! first. What is left in it that could panic, in 6.10.0 and in the arithmetic below it:
//! - indices and lengths: all behind comparisons with fixed sizes, which hold for 864 and 34,368 bytes;
//! - `expect` where a sum of points of G1 is made affine: sums that are infinite are caught before it;
//! - `expect` where an inverse is taken: of differences that were compared with 0 before, and of the Miller loop's result,
//!   which is not 0 for points of the two groups;
//! - `expect` where the folded evaluation times the ceremony's point is made affine: the evaluation is 0 with a probability
//!   of 2^-254, for it is a combination by hashes of the numbers in it;
//! - overflow: of sums of numbers that are not reduced, and of row numbers, both of which are refused before.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};

use crate::proof::foreign::{ProofError, Reader};

/// Whether `proof` holds for the public inputs under a key of the circuit that was expanded.
pub(super) fn check(key: &[u8], inputs: &[Fr], proof: &[u8]) -> Result<(), ProofError> {
    check_encoding(proof)?;
    let inputs: Vec<[u8; 32]> = inputs
        .iter()
        .map(|input| input.into_bigint().to_bytes_be().try_into())
        .collect::<Result<_, _>>()
        .map_err(|_| ProofError::Scalar { part: "a public input" })?;
    sp1_verifier::PlonkVerifier::verify_gnark_proof(proof, &inputs, key)
        .map_err(|_| ProofError::Equation)
}

/// Whether every point is finite, reduced and on the curve, and every number reduced.
fn check_encoding(proof: &[u8]) -> Result<(), ProofError> {
    let mut reader = Reader::new(proof);
    for part in [WIRE, WIRE, WIRE, QUOTIENT, QUOTIENT, QUOTIENT] {
        point(&mut reader, part)?;
    }
    for _ in 0..5 {
        number(&mut reader)?;
    }
    point(&mut reader, "the permutation's product")?;
    number(&mut reader)?;
    point(&mut reader, "the opening")?;
    point(&mut reader, "the shifted opening")?;
    number(&mut reader)?;
    point(&mut reader, "the circuit's commitment")
}

fn point(reader: &mut Reader<'_>, part: &'static str) -> Result<(), ProofError> {
    reader.g1().map(drop).ok_or(ProofError::Point { part })
}

fn number(reader: &mut Reader<'_>) -> Result<(), ProofError> {
    reader.scalar().map(drop).ok_or(ProofError::Scalar { part: "a claimed value" })
}

/// Bytes of a proof of the circuit: ten points and seven numbers.
pub(super) const PROOF_BYTES: usize = 10 * 64 + 7 * 32;

const WIRE: &str = "a wire";
const QUOTIENT: &str = "a part of the quotient";
