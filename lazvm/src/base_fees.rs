use core::fmt::Debug;

use lazai_api_types::Fault;
use lazai_gas::Resources;
use revm::context::BlockEnv;

/// Tells the base fees of a block, so that one [`LazEvmFactory`](crate::LazEvmFactory) serves every
/// block of a chain.
///
/// It is asked with the block whenever an EVM is made: for a block that is executed, for one that
/// is built, and for a call on top of either. What it has of the block is what the EVM sees:
/// number, time, and the randomness that tells branches apart. A call may come with a base fee of
/// zero in the block; the fees are those of the block all the same.
///
/// # Guarantees of an implementation
/// The answer depends on the blocks before and on nothing else: it is part of consensus. Where this
/// node does not know the fees, it is a [`Fault`], and never a guess.
pub trait BaseFeeSource: Debug + Send + Sync {
    /// Returns the base fee of each resource in `block`; none where the header's holds for all of
    /// them.
    ///
    /// # Errors
    /// [`Fault`] if this node does not know them; transactions then end without a result, in
    /// [`UnknownBaseFees`](crate::UnknownBaseFees).
    fn base_fees(&self, block: &BlockEnv) -> Result<Option<Resources<u64>>, Fault>;
}

/// The same fees in every block.
impl BaseFeeSource for Resources<u64> {
    fn base_fees(&self, _: &BlockEnv) -> Result<Option<Self>, Fault> {
        Ok(Some(*self))
    }
}
