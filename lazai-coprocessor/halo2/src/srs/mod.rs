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
mod halo2_file;
#[cfg(feature = "prover")]
mod parts;
#[cfg(feature = "prover")]
mod points_file;
#[cfg(feature = "prover")]
mod ptau_file;
#[cfg(feature = "prover")]
mod reference_string;

pub use error::SrsError;
#[cfg(feature = "prover")]
pub use reference_string::Srs;
pub use verifier::SrsVerifier;

#[cfg(feature = "prover")]
#[cfg(test)]
mod tests;
