//! Structured reference strings: powers of a secret that nobody knows, from the file of a ceremony.

mod error;
mod verifier;

#[cfg(feature = "prover")]
mod cache;
#[cfg(feature = "prover")]
mod check;
#[cfg(feature = "prover")]
mod development;
#[cfg(feature = "prover")]
mod params;
#[cfg(feature = "prover")]
mod ptau;
#[cfg(feature = "prover")]
mod source;
#[cfg(feature = "prover")]
mod string;

pub use error::SrsError;
#[cfg(feature = "prover")]
pub use string::Srs;
pub use verifier::SrsVerifier;

#[cfg(feature = "prover")]
#[cfg(test)]
mod tests;
