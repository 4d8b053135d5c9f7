use alloc::sync::Arc;
use core::fmt::Debug;

use lazai_api_types::GasPricing;
use lazai_gas::Governance;

use crate::BlockPosition;

/// The prices of work, block by block.
///
/// # Guarantees of an implementation
/// The answer depends on the chain's own history before the block and on nothing else: it is part
/// of consensus. It is asked again for past blocks, and from several threads.
pub trait PricingSchedule: Debug + Send + Sync {
    /// Returns the rule that turns work into gas in the block at `position`.
    fn pricing_at(&self, position: BlockPosition) -> Arc<dyn GasPricing>;
}

/// A chain's own decisions; the schedule follows the number of the block.
impl PricingSchedule for Governance {
    fn pricing_at(&self, position: BlockPosition) -> Arc<dyn GasPricing> {
        Arc::new(*self.schedule_at(position.number))
    }
}

/// The same prices in every block.
#[derive(Clone, Debug)]
pub(crate) struct Constant(pub(crate) Arc<dyn GasPricing>);

impl PricingSchedule for Constant {
    fn pricing_at(&self, _: BlockPosition) -> Arc<dyn GasPricing> {
        Arc::clone(&self.0)
    }
}
