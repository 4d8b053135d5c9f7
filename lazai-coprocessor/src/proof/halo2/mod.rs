//! halo2 with KZG commitments over bn256.

mod config;
mod digest;
mod shape;
mod transcript;

#[cfg(feature = "halo2-prover")]
mod assign;
#[cfg(feature = "halo2-prover")]
mod builder;
#[cfg(feature = "halo2-prover")]
mod compile;
#[cfg(feature = "halo2-prover")]
mod constraints;
#[cfg(feature = "halo2-prover")]
mod gadget;
#[cfg(feature = "halo2-prover")]
mod layout;
#[cfg(feature = "halo2-prover")]
mod table;

#[cfg(all(test, feature = "halo2-prover"))]
mod tests;
