//! What a proof system over secp256k1 needs of the group.

use alloy_primitives::keccak256;
use k256::{
    AffinePoint, ProjectivePoint as Point, Scalar, U256,
    elliptic_curve::{PrimeField, group::GroupEncoding, ops::Reduce, point::DecompressPoint},
};

/// A point whose logarithm nobody knows: the first hash that is the x of one. `H` is the first.
pub(crate) fn generator(index: u32) -> Point {
    let hash = |attempt: u8| keccak256([&index.to_be_bytes(), &[attempt][..]].concat()).0;
    let point = |attempt| AffinePoint::decompress(&hash(attempt).into(), 0.into()).into();
    (0..=u8::MAX).find_map(point).unwrap_or(AffinePoint::IDENTITY).into()
}

/// Reads a compressed point that is not infinity.
pub(crate) fn point(bytes: &[u8]) -> Option<Point> {
    let bytes: [u8; 33] = bytes.try_into().ok()?;
    Option::from(Point::from_bytes(&bytes.into())).filter(|point| *point != Point::IDENTITY)
}

/// Reads a number below the order.
pub(crate) fn scalar(bytes: [u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(bytes.into()).into()
}

/// A small number, negative ones from above.
pub(crate) fn integer(value: i32) -> Scalar {
    let magnitude = Scalar::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// A number that depends on everything in `parts`, whose lengths the caller fixes.
pub(crate) fn hash(parts: &[&[u8]]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&keccak256(parts.concat()).0.into())
}
