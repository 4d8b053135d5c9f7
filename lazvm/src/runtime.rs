use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::Address;
use lazai_api_types::{Coprocessor, Fault, GasPricing, ProofVerifier};
use lazai_precompiles::{AiPrecompiles, Call, ChainState, DuplicateVerifier, Reply, Settings};

/// What the AI precompiles run on and what they charge: one per chain, cheap to clone.
#[derive(Clone, Debug)]
pub struct AiRuntime(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    precompiles: AiPrecompiles,
    pricing: Arc<dyn GasPricing>,
    // Bits that the first bytes of some AI address have.
    bits: u64,
}

impl AiRuntime {
    /// Puts precompiles and prices together.
    #[must_use]
    pub fn new(precompiles: AiPrecompiles, pricing: Arc<dyn GasPricing>) -> Self {
        let bits = precompiles.addresses().iter().fold(0, |bits, address| bits | first(address));
        Self(Arc::new(Parts { precompiles, pricing, bits }))
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

    /// The precompiles.
    #[must_use]
    pub fn precompiles(&self) -> &AiPrecompiles {
        &self.0.precompiles
    }

    /// The prices of work.
    #[must_use]
    pub fn pricing(&self) -> &dyn GasPricing {
        &*self.0.pricing
    }

    /// Whether an AI precompile lives at `address`.
    #[inline]
    pub(crate) fn answers(&self, address: &Address) -> bool {
        // Every call of a contract asks this, and nearly every address has a bit that no AI address
        // has.
        first(address) & !self.0.bits == 0 && self.0.precompiles.addresses().contains(address)
    }

    /// Answers `call`, whose address must be one that [`answers`](Self::answers) knows.
    pub(crate) fn call(
        &self,
        call: &Call<'_>,
        state: &mut dyn ChainState,
    ) -> Result<Option<Reply>, Fault> {
        self.0.precompiles.call(call, state)
    }
}

#[inline]
fn first(address: &Address) -> u64 {
    address.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
