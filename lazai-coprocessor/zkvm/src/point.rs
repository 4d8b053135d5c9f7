use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField};

/// Reads parts of known size off the front of bytes. Points and numbers come out only if they are canonical: every
/// coordinate below the field's modulus, the point finite, on its curve and in the group of prime order.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) const fn rest(&self) -> &'b [u8] {
        self.bytes
    }

    pub(crate) const fn take<const N: usize>(&mut self) -> Option<&'b [u8; N]> {
        match self.bytes.split_first_chunk() {
            Some((first, rest)) => {
                self.bytes = rest;
                Some(first)
            }
            None => None,
        }
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(|bytes| u32::from_be_bytes(*bytes))
    }

    #[cfg(feature = "plonk")]
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// A number below the order of the groups.
    #[cfg(feature = "plonk")]
    pub(crate) fn scalar(&mut self) -> Option<ark_bn254::Fr> {
        number(self.take()?)
    }

    /// A point of G1 as EIP-196 has it: x, y.
    pub(crate) fn g1(&mut self) -> Option<G1Affine> {
        finite_g1(G1Affine::new_unchecked(number(self.take()?)?, number(self.take()?)?))
    }

    /// A point of G2 as EIP-197 has it: the imaginary part of each coordinate comes first.
    #[cfg(feature = "groth16")]
    pub(crate) fn g2(&mut self) -> Option<G2Affine> {
        let x = self.extension()?;
        let y = self.extension()?;
        finite_g2(G2Affine::new_unchecked(x, y))
    }

    /// A point of G1 as gnark compresses it: x, with the choice of y in the two highest bits.
    pub(crate) fn compressed_g1(&mut self) -> Option<G1Affine> {
        let (larger, x) = compressed_coordinate(self.take()?)?;
        let (small, large) = G1Affine::get_ys_from_x_unchecked(x)?;
        finite_g1(G1Affine::new_unchecked(x, if larger { large } else { small }))
    }

    /// A point of G2 as gnark compresses it; what is larger among the two y is decided by the imaginary parts first.
    pub(crate) fn compressed_g2(&mut self) -> Option<G2Affine> {
        let (larger, imaginary) = compressed_coordinate(self.take()?)?;
        let x = Fq2::new(number(self.take()?)?, imaginary);
        let (small, large) = G2Affine::get_ys_from_x_unchecked(x)?;
        finite_g2(G2Affine::new_unchecked(x, if larger { large } else { small }))
    }

    #[cfg(feature = "groth16")]
    fn extension(&mut self) -> Option<Fq2> {
        let imaginary = number(self.take()?)?;
        Some(Fq2::new(number(self.take()?)?, imaginary))
    }
}

/// A big-endian number, if it is below the modulus.
pub(crate) fn number<F: PrimeField<BigInt = BigInt<4>>>(bytes: &[u8; 32]) -> Option<F> {
    let mut limbs = [0_u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    F::from_bigint(BigInt::new(limbs))
}

/// The x of a compressed point, and whether its y is the larger one. The point at infinity and uncompressed points have
/// other flags.
fn compressed_coordinate(bytes: &[u8; 32]) -> Option<(bool, Fq)> {
    let mut bytes = *bytes;
    let larger = match bytes[0] & FLAGS {
        SMALLER_Y => false,
        LARGER_Y => true,
        _ => return None,
    };
    bytes[0] &= !FLAGS;
    Some((larger, number(&bytes)?))
}

/// arkworks reads (0, 0) as infinity and calls it a point of the curve. G1 has prime order, so there is no subgroup to check.
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
