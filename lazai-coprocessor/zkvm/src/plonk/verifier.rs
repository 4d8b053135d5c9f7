use ark_bn254::Fr;
use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Work,
};

use super::{
    circuit_key::{KEY_BYTES, PlonkKey},
    proof::{PROOF_BYTES, Proof},
};
use crate::{
    KeyError, MAX_HEADER_BYTES, ProofError, ZkVm, ZkvmKey,
    verifier::{CircuitKey, cost, proof_verifier},
};

/// The verifier of PLONK proofs of Ziren and SP1.
///
/// A key is an encoded [`ZkvmKey`], whose circuit key is gnark's
/// [without lines](super::without_lines). Proofs: `docs/proofs.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlonkVerifier;

impl CircuitKey for PlonkKey {
    // The header of SP1, which is that of RISC Zero less one word, and the key of the circuit.
    const MAX_KEY_BYTES: usize = MAX_HEADER_BYTES - 32 + KEY_BYTES;
    const PROOF_BYTES: usize = PROOF_BYTES;

    fn check_zkvm(zkvm: &ZkVm) -> Result<(), KeyError> {
        match zkvm {
            ZkVm::RiscZero { .. } => Err(KeyError::System { zkvm: "RISC Zero" }),
            ZkVm::Sp1 { .. } | ZkVm::Ziren => Ok(()),
        }
    }

    fn read(key: &ZkvmKey) -> Result<Self, KeyError> {
        Self::from_gnark(key.verifying_key(), key.zkvm().input_count())
    }

    fn prefix(&self) -> [u8; 4] {
        self.prefix
    }

    fn check(&self, inputs: &[Fr], proof: &[u8]) -> Result<(), ProofError> {
        self.check_equation(inputs, &Proof::read(proof)?)
    }
}

proof_verifier!(PlonkVerifier, PlonkKey, ProofSystemId::PLONK, COST);

/// The slowest median of `cargo bench -p lazai-zkvm --bench proof` is 3 ms on one core, reading the
/// key included.
const COST: ProofCost = cost(3_000);
