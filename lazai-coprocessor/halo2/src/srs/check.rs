//! Checks that points are the powers of one secret.

use alloy_primitives::Keccak256;
use halo2_proofs::{
    arithmetic::{best_multiexp, powers},
    halo2curves::{
        bn256::{Fr, G1Affine, G2Affine, pairing},
        ff::{BatchInvert, Field, FromUniformBytes, PrimeField},
        group::{Curve, prime::PrimeCurveAffine},
        serde::SerdeObject,
    },
};

use super::SrsError;

/// Checks that `g[i] = tau^i G` and `s_g2 = tau G2` for one `tau`, and that `lagrange` is the basis
/// for values at the `2^k` roots of unity.
///
/// With `r` drawn after the points, `sum r^i g[i+1]` and `sum r^i g[i]` pair alike with `G2` and
/// `tau G2`; other points pass for at most `2^k` of the values of `r`.
pub(super) fn check(
    k: u32,
    g: &[G1Affine],
    lagrange: &[G1Affine],
    s_g2: G2Affine,
) -> Result<(), SrsError> {
    if g.first() != Some(&G1Affine::generator()) {
        return Err(SrsError::Generator { group: "G1" });
    }
    if lagrange.iter().any(|point| bool::from(point.is_identity())) {
        // If the secret is a root of unity, all but one point of the basis are infinite.
        return Err(SrsError::Trivial);
    }
    let random = draw(g, lagrange, s_g2);
    let factors: Vec<Fr> = powers(random).take(g.len()).collect();
    let most = g.len() - 1;
    let low = best_multiexp(&factors[..most], &g[..most]).to_affine();
    let high = best_multiexp(&factors[..most], &g[1..]).to_affine();
    if pairing(&high, &G2Affine::generator()) != pairing(&low, &s_g2) {
        return Err(SrsError::NotPowers);
    }
    if best_multiexp(&factors, lagrange) != best_multiexp(&interpolate(k, random), g) {
        return Err(SrsError::Lagrange);
    }
    Ok(())
}

/// Returns the coefficients of the polynomial that is `random^i` at `root^i`:
/// `(random^n - 1) / (n (random root^-j - 1))`.
fn interpolate(k: u32, random: Fr) -> Vec<Fr> {
    let n = 1_u64 << k;
    let inverse_root = root_of_unity(k).invert().unwrap_or(Fr::ONE);
    let mut below: Vec<Fr> = powers(inverse_root)
        .take(n as usize)
        .map(|power| (random * power - Fr::ONE) * Fr::from(n))
        .collect();
    below.iter_mut().batch_invert();
    let above = random.pow_vartime([n]) - Fr::ONE;
    below.iter_mut().for_each(|value| *value *= above);
    below
}

/// Returns a root of unity of order `2^k`.
pub(super) fn root_of_unity(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

fn draw(g: &[G1Affine], lagrange: &[G1Affine], s_g2: G2Affine) -> Fr {
    let mut hash = Keccak256::new();
    hash.update(b"lazvm/halo2-srs/check");
    for point in g.iter().chain(lagrange) {
        hash.update(point.to_raw_bytes());
    }
    hash.update(s_g2.to_raw_bytes());
    let half = hash.finalize();
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(half.as_slice());
    wide[32..].copy_from_slice(alloy_primitives::keccak256(half).as_slice());
    Fr::from_uniform_bytes(&wide)
}
