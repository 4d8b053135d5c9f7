//! halo2 with KZG commitments over bn256: proofs of runs of small networks, which the EVM can check.
//!
//! A run becomes constraints, those get rows and columns , and halo2 proves that values satisfy them.
//! What the bytes of a key and a proof mean stands in docs/proofs.md.

mod config;
mod digest;
mod envelope;
mod error;
mod goal;
mod key;
mod shape;
mod shown;
#[cfg(feature = "halo2-solidity")]
mod solidity;
mod srs;
mod transcript;
mod verifier;

#[cfg(feature = "halo2-prover")]
mod assign;
#[cfg(feature = "halo2-prover")]
mod builder;
#[cfg(feature = "halo2-prover")]
mod compile;
#[cfg(feature = "halo2-prover")]
mod constraints;
#[cfg(feature = "halo2-prover")]
mod counts;
#[cfg(feature = "halo2-prover")]
mod gadget;
#[cfg(feature = "halo2-prover")]
mod key_file;
#[cfg(feature = "halo2-prover")]
mod layout;
#[cfg(feature = "halo2-prover")]
mod plan;
#[cfg(feature = "halo2-prover")]
mod prover;
#[cfg(feature = "halo2-prover")]
mod report;
#[cfg(feature = "halo2-prover")]
mod system;
#[cfg(feature = "halo2-prover")]
mod table;

#[cfg(feature = "halo2-prover")]
#[cfg(test)]
mod tests;

#[cfg(feature = "halo2-prover")]
pub use counts::PartCount;
pub use error::Halo2Error;
pub use goal::Goal;
pub use key::VerifyingKey;
#[cfg(feature = "halo2-prover")]
pub use prover::{Proof, ProvingKey, Stage};
#[cfg(feature = "halo2-prover")]
pub use report::PlanReport;
pub use shown::{Shown, tensor_hash};
#[cfg(feature = "halo2-solidity")]
pub use solidity::SolidityVerifier;
#[cfg(feature = "halo2-prover")]
pub use srs::Srs;
pub use srs::{SrsError, SrsVerifier};
#[cfg(feature = "halo2-prover")]
pub use system::{Halo2, Prepared, Source, SrsSource};
pub use verifier::Halo2Verifier;
