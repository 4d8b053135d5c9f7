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
mod inputs;
mod key;
mod point;
mod receipt;

pub use error::{KeyError, ProofError};
pub use key::{ForeignKey, ZkVm};

pub(crate) use envelope::{MAX_PROOF_BYTES, open};
pub(crate) use key::MAX_HEADER_BYTES;
pub(crate) use point::Reader;
#[cfg(feature = "groth16")]
pub(crate) use receipt::selector;
