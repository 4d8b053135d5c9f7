//! Which verifiers there are, and which keys they admitted.

mod guard;
mod keys;
mod verifiers;

pub use guard::GuardedVerifier;
pub use keys::{ProofRegistry, RegistryError};
pub use verifiers::{DuplicateVerifier, ProofVerifiers};
