//! Groth16 proofs made with the secrets of a key, so that every layout has proofs without a prover.

use alloy_primitives::B256;
use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField};
use sha2::{Digest, Sha256};

/// The secrets of a key.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    pub(crate) alpha: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) delta: Fr,
    pub(crate) inputs: Vec<Fr>,
}

impl Secrets {
    /// Draws secrets for so many public inputs; gamma stays 1, as in most ceremonies.
    pub(crate) fn new(inputs: u64) -> Self {
        Self {
            alpha: secret(1),
            beta: secret(2),
            gamma: Fr::ONE,
            delta: secret(3),
            inputs: (0..=inputs).map(|index| secret(10 + index)).collect(),
        }
    }

    /// Returns the key in the encoding of EIP-197.
    pub(crate) fn uncompressed_key(&self) -> Vec<u8> {
        let mut bytes = g1(self.alpha);
        for secret in [self.beta, self.gamma, self.delta] {
            bytes.extend(g2(secret));
        }
        bytes.extend(self.inputs.iter().flat_map(|secret| g1(*secret)));
        bytes
    }

    /// Returns the key as gnark writes it.
    pub(crate) fn gnark_key(&self) -> Vec<u8> {
        let mut bytes = compressed_g1(self.alpha);
        bytes.extend(compressed_g1(self.beta));
        bytes.extend(compressed_g2(self.beta));
        bytes.extend(compressed_g2(self.gamma));
        bytes.extend(compressed_g1(self.delta));
        bytes.extend(compressed_g2(self.delta));
        bytes.extend(u32::try_from(self.inputs.len()).unwrap().to_be_bytes());
        bytes.extend(self.inputs.iter().flat_map(|secret| compressed_g1(*secret)));
        bytes.extend([0; 8]);
        bytes
    }

    /// Returns a proof for any inputs: with `A` and `B` arbitrary, `C` solves the equation.
    pub(crate) fn proof(&self, inputs: &[Fr]) -> Vec<u8> {
        let (a, b) = (secret(4), secret(5));
        let sum = self.input_sum(inputs);
        let c = (a * b - self.alpha * self.beta - sum * self.gamma) / self.delta;
        [g1(a), g2(b), g1(c)].concat()
    }

    pub(crate) fn input_sum(&self, inputs: &[Fr]) -> Fr {
        assert_eq!(inputs.len() + 1, self.inputs.len());
        self.inputs[0] + inputs.iter().zip(&self.inputs[1..]).map(|(i, s)| *i * s).sum::<Fr>()
    }
}

/// Converts a word to a scalar as circuits do.
pub(crate) fn scalar(word: B256) -> Fr {
    Fr::from_be_bytes_mod_order(word.as_slice())
}

/// Returns the public input that stands for public values.
pub(crate) fn values_input(values: &[u8]) -> Fr {
    let mut digest = B256::from_slice(&Sha256::digest(values));
    digest[0] &= 0x1f;
    scalar(digest)
}

/// Draws a number that is the same in every run.
pub(crate) fn secret(seed: u64) -> Fr {
    Fr::from_be_bytes_mod_order(alloy_primitives::keccak256(seed.to_be_bytes()).as_slice())
}

/// Returns `secret` times the generator of G1, uncompressed.
pub(crate) fn g1(secret: Fr) -> Vec<u8> {
    let point = g1_point(secret);
    [coordinate(point.x), coordinate(point.y)].concat()
}

/// Returns `secret` times the generator of G2, uncompressed.
pub(crate) fn g2(secret: Fr) -> Vec<u8> {
    let point = g2_point(secret);
    [extension(point.x), extension(point.y)].concat()
}

/// Returns `secret` times the generator of G1, as gnark writes points.
pub(crate) fn compressed_g1(secret: Fr) -> Vec<u8> {
    let point = g1_point(secret);
    let mut bytes = coordinate(point.x);
    bytes[0] |= if point.y > -point.y { 0xc0 } else { 0x80 };
    bytes
}

/// Returns `secret` times the generator of G2, as gnark writes points.
pub(crate) fn compressed_g2(secret: Fr) -> Vec<u8> {
    let point = g2_point(secret);
    let mut bytes = extension(point.x);
    let negative = -point.y;
    let larger = (point.y.c1, point.y.c0) > (negative.c1, negative.c0);
    bytes[0] |= if larger { 0xc0 } else { 0x80 };
    bytes
}

fn g1_point(secret: Fr) -> G1Affine {
    (G1Affine::generator() * secret).into_affine()
}

fn g2_point(secret: Fr) -> G2Affine {
    (G2Affine::generator() * secret).into_affine()
}

fn extension(number: Fq2) -> Vec<u8> {
    [coordinate(number.c1), coordinate(number.c0)].concat()
}

fn coordinate(number: Fq) -> Vec<u8> {
    number.into_bigint().to_bytes_be()
}
