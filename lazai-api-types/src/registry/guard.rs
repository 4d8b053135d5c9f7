use crate::{Claim, Fault, InvalidKey, PortError, ProofLimits, ProofVerifier, RegistryError, Work};

/// A verifier behind its own limits, whose panics are answers.
///
/// The guard is where sizes are checked: nothing longer than [`ProofLimits`] reaches the verifier.
/// A verifier that panics refuses: a key is not admitted, a proof is not accepted, work has no
/// price. That is the same refusal on every machine, because a verifier is a function of its
/// arguments; what fails on one machine alone must be a [`Fault`], which is never a panic. Panics
/// are caught with feature `std`, which does not compile where a panic ends the process; without
/// it, a panic ends the process.
#[derive(Clone, Copy, Debug)]
pub struct GuardedVerifier<'a>(&'a dyn ProofVerifier);

impl<'a> GuardedVerifier<'a> {
    /// Guards `verifier`.
    pub const fn new(verifier: &'a dyn ProofVerifier) -> Self {
        Self(verifier)
    }

    /// Returns the largest key and proof that are read; zero of each if the verifier panics.
    #[must_use]
    pub fn limits(&self) -> ProofLimits {
        caught(|| self.0.limits()).unwrap_or(ProofLimits { key_bytes: 0, proof_bytes: 0 })
    }

    /// Returns the work of checking a proof of `proof_bytes` bytes under a key of `key_bytes`
    /// bytes; more than any gas pays if the verifier panics.
    ///
    /// # Errors
    /// [`RegistryError::KeyTooLong`] and [`RegistryError::ProofTooLong`] above the limits.
    pub fn work(&self, key_bytes: u64, proof_bytes: u64) -> Result<Work, RegistryError> {
        self.check_sizes(key_bytes, proof_bytes)?;
        Ok(caught(|| self.0.work(key_bytes, proof_bytes)).unwrap_or(Work::MAX))
    }

    /// Checks that `key` may be registered.
    ///
    /// # Errors
    /// [`RegistryError::KeyTooLong`] above the limit, [`RegistryError::InvalidKey`] if the verifier
    /// refuses.
    pub fn admit(&self, key: &[u8]) -> Result<(), RegistryError> {
        self.check_sizes(key.len() as u64, 0)?;
        caught(|| self.0.admit(key))
            .unwrap_or_else(|| Err(InvalidKey::new(InvalidKey::PANICKED, &"the verifier panicked")))
            .map_err(RegistryError::from)
    }

    /// Tells whether `proof` shows `claim` under `key`; false for everything that is malformed, too
    /// long, or makes the verifier panic.
    ///
    /// # Errors
    /// [`Fault`] if this machine failed.
    pub fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, Fault> {
        if self.check_sizes(key.len() as u64, proof.len() as u64).is_err() {
            return Ok(false);
        }
        match caught(|| self.0.verify(key, claim, proof)) {
            Some(Ok(valid)) => Ok(valid),
            Some(Err(PortError::Fault(fault))) => Err(fault),
            Some(Err(PortError::Rejected(_))) | None => Ok(false),
        }
    }

    /// Checks sizes against the limits of the verifier: the one place that does.
    fn check_sizes(&self, key_bytes: u64, proof_bytes: u64) -> Result<(), RegistryError> {
        let max = self.limits();
        if key_bytes > max.key_bytes {
            return Err(RegistryError::KeyTooLong { got: key_bytes, max: max.key_bytes });
        }
        if proof_bytes > max.proof_bytes {
            return Err(RegistryError::ProofTooLong { got: proof_bytes, max: max.proof_bytes });
        }
        Ok(())
    }
}

/// Returns what `run` gives, or `None` if it panics.
#[cfg(feature = "std")]
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    // A verifier has no state that its answers depend on, so none can be left half changed.
    std::panic::catch_unwind(core::panic::AssertUnwindSafe(run)).ok()
}

/// Returns what `run` gives.
#[cfg(not(feature = "std"))]
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    Some(run())
}
