use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use alloy_primitives::B256;

use crate::{
    Claim, DuplicateVerifier, GuardedVerifier, ProofSystemId, ProofVerifier, ProofVerifiers,
    RegistryError, key_hash,
};

/// Keeps verifiers and the keys that they admitted, for users without a chain; a chain keeps keys
/// in its state.
///
/// # Stability
/// Unstable: chains and examples of this repository call verifiers themselves, and only tests use
/// it.
///
/// # Examples
/// ```
/// # use lazai_api_types::{ProofRegistry, ProofSystemId, RegistryError};
/// let mut registry = ProofRegistry::default();
/// let refused = registry.register_key(ProofSystemId::GROTH16, &[1, 2, 3]);
/// assert_eq!(refused, Err(RegistryError::UnknownSystem { system: ProofSystemId::GROTH16 }));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProofRegistry {
    verifiers: ProofVerifiers,
    keys: BTreeMap<(ProofSystemId, B256), Vec<u8>>,
}

impl ProofRegistry {
    /// Adds a verifier.
    ///
    /// # Errors
    /// [`DuplicateVerifier`] if there is one for its system; that one stays.
    pub fn register_verifier(
        &mut self,
        verifier: Arc<dyn ProofVerifier>,
    ) -> Result<(), DuplicateVerifier> {
        self.verifiers.insert(verifier)
    }

    /// Checks and keeps a verifying key, and returns its [`key_hash`]; a key that is there already
    /// stays.
    ///
    /// # Errors
    /// [`RegistryError`] if the system has no verifier, or its verifier refuses the key.
    pub fn register_key(
        &mut self,
        system: ProofSystemId,
        key: &[u8],
    ) -> Result<B256, RegistryError> {
        self.verifier(system)?.admit(key)?;
        let hash = key_hash(system, key);
        self.keys.entry((system, hash)).or_insert_with(|| key.to_vec());
        Ok(hash)
    }

    /// Returns the key that was registered under `key_hash`.
    #[must_use]
    pub fn key(&self, system: ProofSystemId, key_hash: B256) -> Option<&[u8]> {
        self.keys.get(&(system, key_hash)).map(Vec::as_slice)
    }

    /// Returns whether `proof` shows `claim` under a registered key; what is malformed or too long
    /// does not.
    ///
    /// # Errors
    /// [`RegistryError`] if the system or the key is unknown, or this machine failed.
    pub fn verify(
        &self,
        system: ProofSystemId,
        key_hash: B256,
        claim: Claim<'_>,
        proof: &[u8],
    ) -> Result<bool, RegistryError> {
        let verifier = self.verifier(system)?;
        let key = self.key(system, key_hash);
        let key = key.ok_or(RegistryError::UnknownKey { system, key_hash })?;
        Ok(verifier.verify(key, claim, proof)?)
    }

    fn verifier(&self, system: ProofSystemId) -> Result<GuardedVerifier<'_>, RegistryError> {
        self.verifiers.find(system).ok_or(RegistryError::UnknownSystem { system })
    }
}
