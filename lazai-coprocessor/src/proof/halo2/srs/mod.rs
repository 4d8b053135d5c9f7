//! Structured reference strings: powers of a secret that nobody knows, from the file of a ceremony.

mod error;
mod verifier;

#[cfg(feature = "halo2-prover")]
mod cache;
#[cfg(feature = "halo2-prover")]
mod check;
#[cfg(feature = "halo2-prover")]
mod development;
#[cfg(feature = "halo2-prover")]
mod params;
#[cfg(feature = "halo2-prover")]
mod ptau;
#[cfg(feature = "halo2-prover")]
mod source;
#[cfg(feature = "halo2-prover")]
mod string;

pub use error::SrsError;
#[cfg(feature = "halo2-prover")]
pub use string::Srs;
pub use verifier::SrsVerifier;

#[cfg(feature = "halo2-prover")]
#[cfg(test)]
mod tests;
