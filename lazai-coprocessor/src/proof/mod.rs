//! Proofs of runs: systems that make and check them, each behind a feature.

#[cfg(feature = "halo2")]
pub mod halo2;
