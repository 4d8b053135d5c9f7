use alloc::{sync::Arc, vec::Vec};

use lazai_api_types::{Coprocessor, GasPricing, ProofVerifier};
use lazai_precompiles::{AiPrecompiles, DuplicateVerifier, Settings};

/// What the AI precompiles run on and what they charge: one per chain, cheap to clone.
#[derive(Clone, Debug)]
pub struct AiRuntime(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    precompiles: AiPrecompiles,
    pricing: Arc<dyn GasPricing>,
}

impl AiRuntime {
    /// Puts precompiles and prices together.
    #[must_use]
    pub fn new(precompiles: AiPrecompiles, pricing: Arc<dyn GasPricing>) -> Self {
        Self(Arc::new(Parts { precompiles, pricing }))
    }

    /// Puts a device, proof systems and prices together.
    ///
    /// # Errors
    /// [`DuplicateVerifier`] if two verifiers claim one id.
    pub fn from_parts(
        coprocessor: Arc<dyn Coprocessor>,
        verifiers: Vec<Arc<dyn ProofVerifier>>,
        settings: Settings,
        pricing: Arc<dyn GasPricing>,
    ) -> Result<Self, DuplicateVerifier> {
        Ok(Self::new(AiPrecompiles::new(coprocessor, verifiers, settings)?, pricing))
    }

    /// Returns the precompiles.
    #[must_use]
    pub fn precompiles(&self) -> &AiPrecompiles {
        &self.0.precompiles
    }

    /// Returns the prices of work.
    #[must_use]
    pub fn pricing(&self) -> &dyn GasPricing {
        &*self.0.pricing
    }
}
