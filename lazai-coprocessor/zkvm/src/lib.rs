#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// What the systems share lies idle in a build without any of them.
#![cfg_attr(not(any(feature = "groth16", feature = "plonk")), allow(dead_code, unused_imports))]

#[cfg(feature = "groth16")]
pub mod groth16;
#[cfg(feature = "plonk")]
pub mod plonk;

mod envelope;
mod error;
mod key;
mod points;
mod public_inputs;
mod risc_zero;
mod verifier;

pub use error::{KeyError, ProofError};
pub use key::{ZkVm, ZkvmKey};

pub(crate) use envelope::{MAX_PROOF_BYTES, open};
pub(crate) use key::MAX_HEADER_BYTES;
pub(crate) use points::ReadPoints;
#[cfg(feature = "groth16")]
pub(crate) use risc_zero::selector;
