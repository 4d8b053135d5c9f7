//! A reference string whose secret is published in this file.

use alloy_primitives::keccak256;
use halo2_proofs::{
    arithmetic::{parallelize, powers},
    halo2curves::{
        bn256::{Fr, G1, G1Affine, G2Affine},
        ff::{BatchInvert, Field, FromUniformBytes, PrimeField},
        group::{Curve, Group, prime::PrimeCurveAffine},
    },
};

use super::{check::root_of_unity, parts::SrsParts};

/// Returns the secret.
pub(super) fn secret() -> Fr {
    let half = keccak256(b"lazvm/halo2-srs/this secret is published and protects nothing");
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(half.as_slice());
    wide[32..].copy_from_slice(keccak256(half).as_slice());
    Fr::from_uniform_bytes(&wide)
}

/// Computes `2^k` powers, and the Lagrange basis.
pub(super) fn parts(k: u32) -> SrsParts {
    let (tau, n) = (secret(), 1_u64 << k);
    // At root^i the basis is root^i (tau^n - 1) / (n (tau - root^i)).
    let roots: Vec<Fr> = powers(root_of_unity(k)).take(n as usize).collect();
    let mut basis: Vec<Fr> = roots.iter().map(|root| (tau - root) * Fr::from(n)).collect();
    basis.iter_mut().batch_invert();
    let factor = tau.pow_vartime([n]) - Fr::ONE;
    basis.iter_mut().zip(&roots).for_each(|(value, root)| *value *= factor * root);
    let steps = Steps::new();
    SrsParts {
        g: steps.multiples(&powers(tau).take(n as usize).collect::<Vec<_>>()),
        lagrange: Some(steps.multiples(&basis)),
        s_g2: (G2Affine::generator() * tau).to_affine(),
    }
}

/// The multiples `byte * 256^position` of the generator, for each position and byte.
struct Steps(Vec<Vec<G1Affine>>);

impl Steps {
    fn new() -> Self {
        let mut base = G1::generator();
        let rows = (0..32).map(|_| {
            let mut row = vec![G1::identity(); 256];
            for byte in 1..256 {
                row[byte] = row[byte - 1] + base;
            }
            base += row[255];
            let mut affine = vec![G1Affine::identity(); 256];
            G1::batch_normalize(&row, &mut affine);
            affine
        });
        Self(rows.collect())
    }

    /// Returns each of `factors` times the generator.
    fn multiples(&self, factors: &[Fr]) -> Vec<G1Affine> {
        let mut multiples = vec![G1Affine::identity(); factors.len()];
        parallelize(&mut multiples, |multiples, start| {
            let factors = &factors[start..start + multiples.len()];
            let sums: Vec<G1> = factors.iter().map(|factor| self.multiple(factor)).collect();
            G1::batch_normalize(&sums, multiples);
        });
        multiples
    }

    fn multiple(&self, factor: &Fr) -> G1 {
        let bytes = factor.to_repr();
        let steps = self.0.iter().zip(bytes.as_ref());
        steps.fold(G1::identity(), |sum, (row, byte)| sum + row[usize::from(*byte)])
    }
}
