use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::One;
use lazai_api_types::codec::Reader;
use sha2::{Digest, Sha256};

use crate::{
    KeyError, MAX_HEADER_BYTES, ProofError, ReadPoints, ZkVm, ZkvmKey, selector,
    verifier::{CircuitKey, check_size},
};

/// The verifying key of a circuit, free of every flaw that shows in it.
#[derive(Clone, Debug)]
pub(super) struct Groth16Key {
    alpha: G1Affine,
    beta: G2Affine,
    gamma: G2Affine,
    delta: G2Affine,
    /// One point for "1", then one for each public input.
    inputs: Vec<G1Affine>,
    /// What every proof under the key starts with.
    prefix: [u8; 4],
}

impl Groth16Key {
    /// Reads a key as gnark writes it: points compressed,
    /// `alpha ‖ beta₁ ‖ beta ‖ gamma ‖ delta₁ ‖ delta ‖ count ‖ inputs`, then the counts of two
    /// lists about commitments.
    fn from_gnark(bytes: &[u8], inputs: usize, prefix: [u8; 4]) -> Result<Self, KeyError> {
        check_size(bytes, 288 + 4 + 32 * (inputs + 1) + 8)?;
        let mut reader = Reader::new(bytes);
        let alpha = reader.compressed_g1().ok_or(KeyError::Point { part: "alpha" })?;
        // Only provers use beta and delta in G1.
        let _ = reader.compressed_g1().ok_or(KeyError::Point { part: "beta in G1" })?;
        let beta = reader.compressed_g2().ok_or(KeyError::Point { part: "beta" })?;
        let gamma = reader.compressed_g2().ok_or(KeyError::Point { part: "gamma" })?;
        let _ = reader.compressed_g1().ok_or(KeyError::Point { part: "delta in G1" })?;
        let delta = reader.compressed_g2().ok_or(KeyError::Point { part: "delta" })?;
        let count = reader.u32().unwrap_or_default();
        if usize::try_from(count) != Ok(inputs + 1) {
            return Err(KeyError::Parameter {
                part: "the number of input points",
                expected: inputs as u64 + 1,
                got: count.into(),
            });
        }
        let inputs = (0..=inputs)
            .map(|_| reader.compressed_g1().ok_or(KeyError::Point { part: INPUT }))
            .collect::<Result<_, _>>()?;
        if reader.rest() != [0; 8] {
            return Err(KeyError::Commitments);
        }
        Self { alpha, beta, gamma, delta, inputs, prefix }.checked()
    }

    /// Reads a key in the encoding of EIP-197: `alpha ‖ beta ‖ gamma ‖ delta ‖ inputs`.
    fn from_uncompressed(bytes: &[u8], inputs: usize, prefix: [u8; 4]) -> Result<Self, KeyError> {
        check_size(bytes, 64 + 3 * 128 + 64 * (inputs + 1))?;
        let mut reader = Reader::new(bytes);
        let alpha = reader.g1().ok_or(KeyError::Point { part: "alpha" })?;
        let mut g2 = |part| reader.g2().ok_or(KeyError::Point { part });
        let (beta, gamma, delta) = (g2("beta")?, g2("gamma")?, g2("delta")?);
        let inputs = (0..=inputs)
            .map(|_| reader.g1().ok_or(KeyError::Point { part: INPUT }))
            .collect::<Result<_, _>>()?;
        Self { alpha, beta, gamma, delta, inputs, prefix }.checked()
    }

    /// Refuses keys under which anyone can forge.
    ///
    /// Signs do not matter, because a forger can negate any point of a proof, so points are
    /// compared by x. The readers have refused infinity.
    fn checked(self) -> Result<Self, KeyError> {
        let degenerate = |part, flaw| Err(KeyError::Degenerate { part, flaw });
        // Some ceremonies leave gamma at the generator, which is sound as long as nothing else is
        // there.
        if self.delta.x == self.gamma.x {
            return degenerate("delta", "gamma");
        }
        if self.beta.x == self.gamma.x {
            return degenerate("beta", "gamma");
        }
        if self.beta.x == self.delta.x {
            return degenerate("beta", "delta");
        }
        let generator = G2Affine::generator().x;
        if self.delta.x == generator {
            return degenerate("delta", GENERATOR);
        }
        if self.beta.x == generator {
            return degenerate("beta", GENERATOR);
        }
        if self.alpha.x == G1Affine::generator().x {
            return degenerate("alpha", GENERATOR);
        }
        // Two inputs with one point are bound by their sum or difference alone.
        for (index, point) in self.inputs.iter().enumerate() {
            if self.inputs.iter().take(index).any(|other| other.x == point.x) {
                return degenerate(INPUT, "the point of another input");
            }
        }
        Ok(self)
    }
}

impl CircuitKey for Groth16Key {
    // The largest header, and RISC Zero's key behind it.
    const MAX_KEY_BYTES: usize = MAX_HEADER_BYTES + 64 + 3 * 128 + 6 * 64;
    // A, B, C, uncompressed.
    const PROOF_BYTES: usize = 64 + 128 + 64;

    fn check_zkvm(_: &ZkVm) -> Result<(), KeyError> {
        Ok(())
    }

    fn read(key: &ZkvmKey) -> Result<Self, KeyError> {
        let (bytes, inputs) = (key.verifying_key(), key.zkvm().input_count());
        match *key.zkvm() {
            ZkVm::Sp1 { .. } | ZkVm::Ziren => {
                let prefix = Sha256::digest(bytes).first_chunk().copied().unwrap_or_default();
                Self::from_gnark(bytes, inputs, prefix)
            }
            ZkVm::RiscZero { control_root, control_id } => {
                let prefix = selector(control_root, control_id, bytes).unwrap_or_default();
                Self::from_uncompressed(bytes, inputs, prefix)
            }
        }
    }

    fn prefix(&self) -> [u8; 4] {
        self.prefix
    }

    /// Checks `e(A, B) = e(alpha, beta) e(inputs, gamma) e(C, delta)` for the proof `A ‖ B ‖ C`.
    fn check(&self, inputs: &[Fr], proof: &[u8]) -> Result<(), ProofError> {
        let mut reader = Reader::new(proof);
        let a = reader.g1().ok_or(ProofError::Point { part: "A" })?;
        let b = reader.g2().ok_or(ProofError::Point { part: "B" })?;
        let c = reader.g1().ok_or(ProofError::Point { part: "C" })?;
        // The sizes were checked before; a wrong count would leave an input unbound.
        let [one, points @ ..] = self.inputs.as_slice() else { return Err(ProofError::Equation) };
        if points.len() != inputs.len() || reader.remaining() > 0 {
            return Err(ProofError::Equation);
        }
        let sum = points
            .iter()
            .zip(inputs)
            .fold(G1Projective::from(*one), |sum, (point, input)| sum + *point * input);
        let left = [-a, self.alpha, sum.into_affine(), c];
        let right = [b, self.beta, self.gamma, self.delta];
        let product = Bn254::multi_pairing(left, right);
        if product.0.is_one() { Ok(()) } else { Err(ProofError::Equation) }
    }
}

const INPUT: &str = "an input point";
const GENERATOR: &str = "the generator";
