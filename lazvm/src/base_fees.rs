use alloc::sync::Arc;
use core::fmt::Debug;

use alloy_primitives::B256;
use lazai_api_types::Fault;
use lazai_gas::Resources;
use revm::context::BlockEnv;

/// Tells the base fees of a block, so that one [`LazEvmFactory`](crate::LazEvmFactory) serves every
/// block of a chain.
///
/// The fees of a block follow from the blocks before it, which the hash of its parent names.
/// Number, time and randomness do not: two branches may have them in common and other fees.
///
/// # Guarantees of an implementation
/// What it answers for a parent depends on the blocks up to there and on nothing else: it is part
/// of consensus. Where this node does not know the fees, it is a [`Fault`], and never a guess.
pub trait BaseFeeSource: Debug + Send + Sync {
    /// Returns the base fee of each resource in a block above `parent`, which is executed or built;
    /// none where the header's holds for all of them.
    ///
    /// # Errors
    /// [`Fault`] if this node does not know them; transactions then end without a result, in
    /// [`UnknownBaseFees`](crate::UnknownBaseFees).
    fn base_fees(&self, parent: B256) -> Result<Option<Resources<u64>>, Fault>;

    /// Returns the base fees for an EVM that is in no block: for a call, a trace, or to warm a
    /// block up. Of its block no more is known than what the EVM sees, with a base fee that may be
    /// zero. Where branches have such a block in common, the fees are those of this node's own
    /// branch; no block is executed at them.
    ///
    /// # Errors
    /// As [`base_fees`](Self::base_fees).
    fn base_fees_of_call(&self, block: &BlockEnv) -> Result<Option<Resources<u64>>, Fault>;
}

/// Where the base fees of a factory come from.
#[derive(Clone, Debug)]
pub(crate) enum BaseFees {
    /// The same in every block; none where the header's holds.
    Fixed(Option<Resources<u64>>),
    /// Block by block.
    Source(Arc<dyn BaseFeeSource>),
}
