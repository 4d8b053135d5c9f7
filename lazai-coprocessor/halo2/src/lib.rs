#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod digest;
mod envelope;
mod error;
mod goal;
mod key;
mod shape;
mod shown;
#[cfg(feature = "solidity")]
mod solidity;
mod srs;
mod transcript;
mod verifier;

#[cfg(feature = "prover")]
mod assign;
#[cfg(feature = "prover")]
mod builder;
#[cfg(feature = "prover")]
mod compile;
#[cfg(feature = "prover")]
mod constraints;
#[cfg(feature = "prover")]
mod counts;
#[cfg(feature = "prover")]
mod gadget;
#[cfg(feature = "prover")]
mod key_file;
#[cfg(feature = "prover")]
mod layout;
#[cfg(feature = "prover")]
mod plan;
#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
mod report;
#[cfg(feature = "prover")]
mod system;
#[cfg(feature = "prover")]
mod table;

#[cfg(feature = "prover")]
pub use counts::PartCount;
pub use error::Halo2Error;
pub use goal::Goal;
pub use key::VerifyingKey;
#[cfg(feature = "prover")]
pub use prover::{Proof, ProvingKey, Stage};
#[cfg(feature = "prover")]
pub use report::PlanReport;
pub use shown::{Shown, tensor_hash};
#[cfg(feature = "solidity")]
pub use solidity::SolidityVerifier;
#[cfg(feature = "prover")]
pub use srs::Srs;
pub use srs::{SrsError, SrsVerifier};
#[cfg(feature = "prover")]
pub use system::{Halo2, Prepared, Source, SrsSource};
pub use verifier::Halo2Verifier;

#[cfg(feature = "prover")]
#[cfg(test)]
mod tests;
