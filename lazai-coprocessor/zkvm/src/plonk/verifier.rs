use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Work,
};

use super::circuit_key::PlonkKey;
use crate::{
    ProofError,
    verifier::{CircuitKey, cost, proof_verifier},
};

/// The verifier of PLONK proofs of Ziren and SP1.
///
/// A key is an encoded [`ZkvmKey`](crate::ZkvmKey), whose circuit key is gnark's
/// [without lines](super::without_lines). Proofs: `docs/proofs.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlonkVerifier;

proof_verifier!(PlonkVerifier, PlonkKey, ProofSystemId::PLONK, COST);

/// The slowest median of `cargo bench -p lazai-zkvm --bench proof` is 3 ms on one core, reading the
/// key included.
const COST: ProofCost = cost(3_000);
