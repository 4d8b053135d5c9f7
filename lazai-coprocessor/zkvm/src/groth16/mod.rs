//! Groth16 over bn254, in which Ziren, SP1 and RISC Zero wrap their proofs.

mod circuit_key;
mod verifier;

pub use verifier::Groth16Verifier;
