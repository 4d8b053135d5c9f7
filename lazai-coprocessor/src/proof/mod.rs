//! Proofs of runs: systems that make and check them, each behind a feature.

#[cfg(feature = "groth16")]
pub mod foreign;
#[cfg(feature = "groth16")]
pub mod groth16;
#[cfg(feature = "halo2")]
pub mod halo2;
