use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField};
use lazai_api_types::codec::Reader;

/// Reads points and numbers of bn254, and only canonical ones: every coordinate below the field's
/// modulus, the point finite, on its curve and in the group of prime order.
pub(crate) trait ReadPoints {
    /// Reads a number below the order of the groups.
    #[cfg(feature = "plonk")]
    fn scalar(&mut self) -> Option<ark_bn254::Fr>;

    /// Reads a point of G1 in the encoding of EIP-196: x, y.
    fn g1(&mut self) -> Option<G1Affine>;

    /// Reads a point of G2 in the encoding of EIP-197: the imaginary part of each coordinate comes
    /// first.
    #[cfg(feature = "groth16")]
    fn g2(&mut self) -> Option<G2Affine>;

    /// Reads a point of G1 in gnark's compressed encoding: x, with the choice of y in the two
    /// highest bits.
    fn compressed_g1(&mut self) -> Option<G1Affine>;

    /// Reads a point of G2 in gnark's compressed encoding, in which the imaginary parts decide
    /// first which y is the larger.
    fn compressed_g2(&mut self) -> Option<G2Affine>;
}

impl ReadPoints for Reader<'_> {
    #[cfg(feature = "plonk")]
    fn scalar(&mut self) -> Option<ark_bn254::Fr> {
        field(self)
    }

    fn g1(&mut self) -> Option<G1Affine> {
        finite_g1(G1Affine::new_unchecked(field(self)?, field(self)?))
    }

    #[cfg(feature = "groth16")]
    fn g2(&mut self) -> Option<G2Affine> {
        let x = extension(self)?;
        let y = extension(self)?;
        finite_g2(G2Affine::new_unchecked(x, y))
    }

    fn compressed_g1(&mut self) -> Option<G1Affine> {
        let (larger, x) = compressed_coordinate(self)?;
        let (small, large) = G1Affine::get_ys_from_x_unchecked(x)?;
        finite_g1(G1Affine::new_unchecked(x, if larger { large } else { small }))
    }

    fn compressed_g2(&mut self) -> Option<G2Affine> {
        let (larger, imaginary) = compressed_coordinate(self)?;
        let x = Fq2::new(field(self)?, imaginary);
        let (small, large) = G2Affine::get_ys_from_x_unchecked(x)?;
        finite_g2(G2Affine::new_unchecked(x, if larger { large } else { small }))
    }
}

/// Converts a big-endian number, if it is below the modulus.
pub(crate) fn number<F: PrimeField<BigInt = BigInt<4>>>(bytes: &[u8; 32]) -> Option<F> {
    let mut limbs = [0_u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    F::from_bigint(BigInt::new(limbs))
}

fn field<F: PrimeField<BigInt = BigInt<4>>>(reader: &mut Reader<'_>) -> Option<F> {
    number(&reader.array().ok()?)
}

#[cfg(feature = "groth16")]
fn extension(reader: &mut Reader<'_>) -> Option<Fq2> {
    let imaginary = field(reader)?;
    Some(Fq2::new(field(reader)?, imaginary))
}

/// Reads the x of a compressed point, and whether its y is the larger one.
///
/// The point at infinity and uncompressed points have other flags.
fn compressed_coordinate(reader: &mut Reader<'_>) -> Option<(bool, Fq)> {
    let mut bytes = reader.array::<32>().ok()?;
    let larger = match bytes[0] & FLAGS {
        SMALLER_Y => false,
        LARGER_Y => true,
        _ => return None,
    };
    bytes[0] &= !FLAGS;
    Some((larger, number(&bytes)?))
}

/// Refuses infinity and points off the curve.
///
/// arkworks reads (0, 0) as infinity and calls it a point of the curve. G1 has prime order, so
/// there is no subgroup to check.
fn finite_g1(point: G1Affine) -> Option<G1Affine> {
    (!point.is_zero() && point.is_on_curve()).then_some(point)
}

fn finite_g2(point: G2Affine) -> Option<G2Affine> {
    let good =
        !point.is_zero() && point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve();
    good.then_some(point)
}

const FLAGS: u8 = 0b11 << 6;
const SMALLER_Y: u8 = 0b10 << 6;
const LARGER_Y: u8 = 0b11 << 6;
