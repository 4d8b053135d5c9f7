#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod digest;
mod envelope;
mod error;
mod fast_poseidon;
#[cfg(feature = "test-utils")]
pub mod hostile;
mod key;
mod key_field;
mod poseidon;
mod proved_output;
mod public_inputs;
mod shape;
#[cfg(feature = "solidity")]
mod solidity;
mod srs;
mod transcript;
mod verifier;

#[cfg(feature = "prover")]
mod assignment;
#[cfg(feature = "prover")]
mod builder;
#[cfg(feature = "circuits")]
mod circuits;
#[cfg(feature = "prover")]
mod compile;
#[cfg(feature = "prover")]
mod constraints;
#[cfg(feature = "prover")]
mod gadget;
#[cfg(feature = "prover")]
mod key_file;
#[cfg(feature = "prover")]
mod layout;
#[cfg(feature = "prover")]
mod part_count;
#[cfg(feature = "prover")]
mod plan;
#[cfg(feature = "prover")]
mod proved_job;
#[cfg(feature = "prover")]
mod prover;
#[cfg(feature = "prover")]
mod report;
#[cfg(feature = "prover")]
mod sites;
#[cfg(feature = "prover")]
mod system;
#[cfg(feature = "prover")]
mod table;
#[cfg(feature = "prover")]
mod whole_file;

#[cfg(feature = "circuits")]
pub use circuits::{
    CircuitColumns, CircuitPart, CircuitShape, Gadget, NormParameters, Place, PlaceColumn,
    PlacedCircuit, PlacedSites,
};
pub use error::{Halo2Error, RunShape};
pub use key::VerifyingKey;
pub use key_field::KeyField;
#[cfg(feature = "prover")]
pub use part_count::PartCount;
pub use proved_output::ProvedOutput;
#[cfg(feature = "prover")]
pub use prover::{Proof, ProvingKey, ProvingStage};
pub use public_inputs::{PublicInputs, tensor_hash};
#[cfg(feature = "prover")]
pub use report::PlanReport;
#[cfg(feature = "circuits")]
pub use sites::{Call, Site};
#[cfg(feature = "solidity")]
pub use solidity::SolidityVerifier;
#[cfg(feature = "prover")]
pub use srs::Srs;
pub use srs::{SrsError, SrsVerifier};
#[cfg(feature = "prover")]
pub use system::{Halo2, Prepared, SrsFn, SrsSource};
pub use verifier::Halo2Verifier;

#[cfg(feature = "prover")]
#[cfg(test)]
mod tests;
