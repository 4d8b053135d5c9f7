use ark_bn254::{Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::AdditiveGroup;
use lazai_api_types::codec::Reader;

use crate::{ProofError, ReadPoints};

/// A proof as gnark writes it for Solidity, all of it canonical.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// Commitments to the left, right and output wires.
    pub(super) wires: [G1Affine; 3],
    /// Commitments to the three parts of the quotient.
    pub(super) quotient: [G1Affine; 3],
    /// Values of the wires at zeta, then those of the first two polynomials of the permutation.
    pub(super) values: [Fr; 5],
    /// Commitment to the running product of the permutation.
    pub(super) product: G1Affine,
    /// Value of that product at the row after zeta.
    pub(super) shifted_product: Fr,
    /// Proof of the opening at zeta.
    pub(super) opening: G1Affine,
    /// Proof of the opening at the row after zeta.
    pub(super) shifted_opening: G1Affine,
    /// Value of the commitment's selector at zeta.
    pub(super) commitment_selector: Fr,
    /// Commitment to the group of wires whose hash enters the circuit.
    pub(super) commitment: G1Affine,
}

impl Proof {
    /// Reads a proof of [`PROOF_BYTES`] bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut reader = Reader::new(bytes);
        let wires = points(&mut reader, "a wire")?;
        let quotient = points(&mut reader, "a part of the quotient")?;
        let mut values = [Fr::ZERO; 5];
        for value in &mut values {
            *value = number(&mut reader)?;
        }
        let [product] = points(&mut reader, "the product of the permutation")?;
        let shifted_product = number(&mut reader)?;
        let [opening, shifted_opening] = points(&mut reader, "an opening")?;
        let commitment_selector = number(&mut reader)?;
        let [commitment] = points(&mut reader, "the commitment")?;
        Ok(Self {
            wires,
            quotient,
            values,
            product,
            shifted_product,
            opening,
            shifted_opening,
            commitment_selector,
            commitment,
        })
    }
}

fn points<const N: usize>(
    reader: &mut Reader<'_>,
    part: &'static str,
) -> Result<[G1Affine; N], ProofError> {
    let mut points = [G1Affine::zero(); N];
    for point in &mut points {
        *point = reader.g1().ok_or(ProofError::Point { part })?;
    }
    Ok(points)
}

fn number(reader: &mut Reader<'_>) -> Result<Fr, ProofError> {
    reader.scalar().ok_or(ProofError::Scalar { part: "a claimed value" })
}

/// Size of a proof of the circuit: ten points and seven numbers.
pub(super) const PROOF_BYTES: usize = 10 * 64 + 7 * 32;
