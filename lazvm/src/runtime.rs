use alloc::{sync::Arc, vec::Vec};

use lazai_api_types::{Coprocessor, GasPricing, ProofVerifier};
use lazai_precompiles::{AiPrecompiles, DuplicateVerifier, Missing, Settings};

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
pub struct AiRuntime(Arc<Eras>);

/// What holds from which block on: precompiles and prices each by themselves, so that a change of
/// one leaves the other as it is in that block.
#[derive(Clone, Debug)]
struct Eras {
    start: Activation,
    precompiles: Changes<Arc<AiPrecompiles>>,
    pricing: Changes<Arc<dyn PricingSchedule>>,
}

/// What holds first, and each change of it.
#[derive(Clone, Debug)]
struct Changes<T> {
    first: T,
    /// In the order in which they come.
    later: Vec<(Activation, T)>,
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
        Self(Arc::new(Eras {
            start: Activation::Genesis,
            precompiles: Changes::new(Arc::new(precompiles)),
            pricing: Changes::new(Arc::new(Constant(pricing))),
        }))
    }

    /// Puts a device, proof systems and prices together, which hold in every block.
    ///
    /// Blocks and queries share the device. A node that answers users makes the precompiles with
    /// [`AiPrecompiles::with_queries`] instead, or uses
    /// [`LazVmBuilder::queries`](crate::LazVmBuilder::queries).
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

    /// Makes the same runtime with AI precompiles that begin at `from`, whatever changes before.
    /// Until then, their addresses are accounts like any other.
    #[must_use]
    pub fn starting(self, from: Activation) -> Self {
        self.edited(|eras| eras.start = from)
    }

    /// Makes the same runtime with other precompiles and prices from `from` on.
    ///
    /// Of several changes that are active, the one of the latest time holds, and if none has a time
    /// the one of the latest block: a chain may go over from blocks to times, as Ethereum did, and
    /// not back. Of equal ones the one added last holds; otherwise it is all the same in which
    /// order changes are added.
    #[must_use]
    pub fn upgraded(
        self,
        from: Activation,
        precompiles: AiPrecompiles,
        pricing: Arc<dyn GasPricing>,
    ) -> Self {
        self.edited(|eras| {
            eras.precompiles.add(from, Arc::new(precompiles));
            eras.pricing.add(from, Arc::new(Constant(pricing)));
        })
    }

    /// Makes the same runtime with other prices from `from` on, until the next change of them. The
    /// precompiles stay, and an [upgrade](Self::upgraded) changes them in its own block.
    #[must_use]
    pub fn repriced(self, from: Activation, pricing: Arc<dyn GasPricing>) -> Self {
        self.edited(|eras| eras.pricing.add(from, Arc::new(Constant(pricing))))
    }

    /// Makes the same runtime with prices that `schedule` tells block by block, such as the chain's
    /// [`Governance`](lazai_gas::Governance); they replace those of the last change.
    #[must_use]
    pub fn governed(self, schedule: Arc<dyn PricingSchedule>) -> Self {
        self.edited(|eras| *eras.pricing.last_mut() = schedule)
    }

    /// Returns what the AI precompiles are in the block at `position`; none where their addresses
    /// are accounts like any other.
    #[must_use]
    pub fn rules_at(&self, position: BlockPosition) -> Option<AiRules> {
        let Eras { start, precompiles, pricing } = &*self.0;
        start.is_active(position).then(|| AiRules {
            precompiles: Arc::clone(precompiles.at(position)),
            pricing: pricing.at(position).pricing_at(position),
        })
    }

    /// Returns what the chain lists for the block at `position` and this node lacks: see
    /// [`AiPrecompiles::missing`].
    #[must_use]
    pub fn missing_at(&self, position: BlockPosition) -> Missing {
        self.rules_at(position).map_or_else(Missing::default, |rules| rules.precompiles.missing())
    }

    fn edited(mut self, edit: impl FnOnce(&mut Eras)) -> Self {
        edit(Arc::make_mut(&mut self.0));
        self
    }
}

impl<T> Changes<T> {
    const fn new(first: T) -> Self {
        Self { first, later: Vec::new() }
    }

    /// Adds a change behind those that come before it or with it.
    fn add(&mut self, from: Activation, value: T) {
        let next = self.later.partition_point(|(other, _)| other.order() <= from.order());
        self.later.insert(next, (from, value));
    }

    fn at(&self, position: BlockPosition) -> &T {
        let active = self.later.iter().rev().find(|(from, _)| from.is_active(position));
        active.map_or(&self.first, |(_, value)| value)
    }

    fn last_mut(&mut self) -> &mut T {
        self.later.last_mut().map_or(&mut self.first, |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_changes_hold_in_whatever_order_they_are_added() {
        let changes = [
            (Activation::Block(7), 'a'),
            (Activation::Timestamp(5), 'b'),
            (Activation::Block(10), 'c'),
            (Activation::Timestamp(8), 'd'),
            (Activation::Never, 'e'),
        ];
        let orders = (0..changes.len().pow(5)).filter_map(|code| {
            let order = [0, 1, 2, 3, 4].map(|place| code / changes.len().pow(place) % 5);
            (0..5).all(|index| order.contains(&index)).then_some(order)
        });
        for order in orders {
            let mut added = Changes::new('-');
            for index in order {
                let (from, value) = changes[index];
                added.add(from, value);
            }
            for (number, timestamp, expected) in [
                (6, 4, '-'),
                (7, 4, 'a'),
                (10, 4, 'c'),
                (6, 5, 'b'),
                (7, 5, 'b'),
                (10, 7, 'b'),
                (10, 8, 'd'),
                (u64::MAX, u64::MAX, 'd'),
            ] {
                let at = added.at(BlockPosition { number, timestamp });
                assert_eq!(*at, expected, "{order:?} {number} {timestamp}");
            }
        }
        let mut equal = Changes::new('-');
        for value in ['a', 'b'] {
            equal.add(Activation::Block(3), value);
        }
        assert_eq!(*equal.at(BlockPosition { number: 3, timestamp: 0 }), 'b');
    }
}
