//! Groth16 over bn254, as Ziren, SP1 and RISC Zero wrap their proofs in it.

mod circuit;
mod verifier;

pub use verifier::Groth16Verifier;
