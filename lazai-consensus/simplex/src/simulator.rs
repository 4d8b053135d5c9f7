//! The engine on any network, disk and clock, for simulators.
//!
//! [`start_validator`] runs one validator in an [`Environment`], connected by a [`Network`].
//! [`SimplexEngine`] does the same with the real ones.
//!
//! # Stability
//! Unstable: these items name types of commonware, whose API changes with each release. They may
//! change in any version.
//!
//! [`SimplexEngine`]: crate::SimplexEngine

pub use crate::engine::{
    Environment, Identity, Network, Scheme, ValidatorConfig, max_message_size, start_validator,
};
