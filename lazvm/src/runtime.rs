use alloc::{sync::Arc, vec, vec::Vec};

use lazai_api_types::{Coprocessor, GasPricing, ProofVerifier};
use lazai_precompiles::{AiPrecompiles, DuplicateVerifier, Settings};

use crate::{Activation, BlockPosition, PricingSchedule, pricing::Constant};

/// What the AI precompiles run on and what they charge, from which block on: one per chain, cheap
/// to clone.
///
/// A chain that lives has upgrades: the block at which its AI precompiles begin, and blocks at
/// which prices, limits or proof systems change. Each is announced to a runtime before it comes:
///
/// ```
/// # use std::sync::Arc;
/// # use lazvm::{Activation, AiPrecompiles, AiRuntime, DuplicateVerifier, GasPricing};
/// # fn make(
/// #     first: AiPrecompiles,
/// #     then: AiPrecompiles,
/// #     old: Arc<dyn GasPricing>,
/// #     new: Arc<dyn GasPricing>,
/// # ) -> AiRuntime {
/// AiRuntime::new(first, old)
///     .starting(Activation::Block(1_000_000))
///     .upgraded(Activation::Timestamp(1_800_000_000), then, new)
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AiRuntime(Arc<Vec<Era>>);

/// What holds from a block on.
#[derive(Clone, Debug)]
struct Era {
    from: Activation,
    precompiles: Arc<AiPrecompiles>,
    pricing: Arc<dyn PricingSchedule>,
}

/// What the AI precompiles are in one block.
#[derive(Clone, Debug)]
pub struct AiRules {
    /// The precompiles, with the limits that the chain set.
    pub precompiles: Arc<AiPrecompiles>,
    /// The prices of work.
    pub pricing: Arc<dyn GasPricing>,
}

impl AiRuntime {
    /// Puts precompiles and prices together, which hold in every block.
    #[must_use]
    pub fn new(precompiles: AiPrecompiles, pricing: Arc<dyn GasPricing>) -> Self {
        Self(Arc::new(vec![Era {
            from: Activation::Genesis,
            precompiles: Arc::new(precompiles),
            pricing: Arc::new(Constant(pricing)),
        }]))
    }

    /// Puts a device, proof systems and prices together, which hold in every block.
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

    /// Makes the same runtime with AI precompiles that begin at `from`. Before, their addresses are
    /// accounts like any other.
    #[must_use]
    pub fn starting(self, from: Activation) -> Self {
        self.edited(|eras| {
            if let Some(first) = eras.first_mut() {
                first.from = from;
            }
        })
    }

    /// Makes the same runtime with other precompiles and prices from `from` on.
    ///
    /// Of several upgrades that are active, the one added last holds.
    #[must_use]
    pub fn upgraded(
        self,
        from: Activation,
        precompiles: AiPrecompiles,
        pricing: Arc<dyn GasPricing>,
    ) -> Self {
        let (precompiles, pricing) = (Arc::new(precompiles), Arc::new(Constant(pricing)));
        self.edited(|eras| eras.push(Era { from, precompiles, pricing }))
    }

    /// Makes the same runtime with other prices from `from` on; the precompiles stay.
    #[must_use]
    pub fn repriced(self, from: Activation, pricing: Arc<dyn GasPricing>) -> Self {
        self.edited(|eras| {
            if let Some(last) = eras.last() {
                let precompiles = Arc::clone(&last.precompiles);
                eras.push(Era { from, precompiles, pricing: Arc::new(Constant(pricing)) });
            }
        })
    }

    /// Makes the same runtime with prices that `schedule` tells block by block, such as the chain's
    /// [`Governance`](lazai_gas::Governance); they replace those of the last upgrade.
    #[must_use]
    pub fn governed(self, schedule: Arc<dyn PricingSchedule>) -> Self {
        self.edited(|eras| {
            if let Some(last) = eras.last_mut() {
                last.pricing = schedule;
            }
        })
    }

    /// Returns what the AI precompiles are in the block at `position`; none where their addresses
    /// are accounts like any other.
    #[must_use]
    pub fn rules_at(&self, position: BlockPosition) -> Option<AiRules> {
        let era = self.0.iter().rev().find(|era| era.from.is_active(position))?;
        Some(AiRules {
            precompiles: Arc::clone(&era.precompiles),
            pricing: era.pricing.pricing_at(position),
        })
    }

    fn edited(mut self, edit: impl FnOnce(&mut Vec<Era>)) -> Self {
        edit(Arc::make_mut(&mut self.0));
        self
    }
}
