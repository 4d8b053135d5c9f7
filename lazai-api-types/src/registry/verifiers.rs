use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use crate::{GuardedVerifier, ProofSystemId, ProofVerifier};

/// Verifiers, by the system that each of them checks.
#[derive(Clone, Debug, Default)]
pub struct ProofVerifiers(BTreeMap<ProofSystemId, Arc<dyn ProofVerifier>>);

impl ProofVerifiers {
    /// Adds a verifier.
    ///
    /// # Errors
    /// [`DuplicateVerifier`] if there is one for its system; that one stays.
    pub fn insert(&mut self, verifier: Arc<dyn ProofVerifier>) -> Result<(), DuplicateVerifier> {
        match self.0.entry(verifier.id()) {
            Entry::Occupied(entry) => Err(DuplicateVerifier { system: *entry.key() }),
            Entry::Vacant(entry) => {
                entry.insert(verifier);
                Ok(())
            }
        }
    }

    /// Returns the verifier of `system`.
    #[must_use]
    pub fn find(&self, system: ProofSystemId) -> Option<GuardedVerifier<'_>> {
        self.0.get(&system).map(|verifier| GuardedVerifier::new(&**verifier))
    }

    /// Returns the systems that have a verifier, in order.
    pub fn systems(&self) -> impl Iterator<Item = ProofSystemId> {
        self.0.keys().copied()
    }
}

/// Two verifiers claim one id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("two verifiers claim the proof system {}", system.0)]
pub struct DuplicateVerifier {
    /// The id claimed twice.
    pub system: ProofSystemId,
}
