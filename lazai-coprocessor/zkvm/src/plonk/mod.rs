//! PLONK over bn254, as gnark proves it for Ziren and SP1.

mod circuit_key;
mod equation;
mod proof;
mod transcript;
mod verifier;

pub use circuit_key::without_lines;
pub use verifier::PlonkVerifier;
