use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Work,
};

use super::circuit_key::Groth16Key;
use crate::{
    ProofError,
    verifier::{CircuitKey, cost, proof_verifier},
};

/// The verifier of Groth16 proofs of Ziren, SP1 and RISC Zero.
///
/// A key is an encoded [`ZkvmKey`](crate::ZkvmKey), whose circuit key has gnark's encoding for
/// Ziren and SP1, and that of `docs/proofs.md` for RISC Zero. Proofs: `docs/proofs.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Groth16Verifier;

proof_verifier!(Groth16Verifier, Groth16Key, ProofSystemId::GROTH16, COST);

/// The slowest median of `cargo bench -p lazai-zkvm --bench proof` is 2 ms on one core, reading the
/// key included.
const COST: ProofCost = cost(2_000);
