//! Which verifiers there are, and which keys they admitted.

mod error;
mod guard;
mod keys;
mod verifiers;

pub use error::RegistryError;
pub use guard::GuardedVerifier;
pub use keys::ProofRegistry;
pub use verifiers::{DuplicateVerifier, ProofVerifiers};
