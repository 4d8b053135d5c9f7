//! Proofs of runs: systems that make and check them, each behind a feature.

#[cfg(any(feature = "groth16", feature = "plonk"))]
pub mod foreign;
#[cfg(feature = "groth16")]
pub mod groth16;
#[cfg(feature = "halo2")]
pub mod halo2;
#[cfg(feature = "plonk")]
pub mod plonk;
