use alloy_primitives::{B256, keccak256};
use lazai_gas::{FeeMarket, Resources};

use crate::world::World;

/// Everything that the next block depends on.
#[derive(Clone, Debug)]
pub(crate) struct ChainState {
    /// The height of the block that led here; 0 for the genesis block.
    pub(crate) height: u64,
    pub(crate) world: World,
    /// The base fees of the next block.
    pub(crate) market: FeeMarket,
    /// Gas that the block used.
    pub(crate) gas_used: Resources<u64>,
    /// The root of the block's receipts.
    pub(crate) receipts_root: B256,
    /// The commitment of the rules of the next block.
    pub(crate) rules: B256,
}

impl ChainState {
    /// Returns what a block carries as its state root: a commitment to the accounts (Ethereum's
    /// state root), to the receipts, to the gas of each resource, and to the base fees and the
    /// [rules](crate::rules::Rules) of the next block.
    ///
    /// `keccak256("lazvm/state/2" ‖ accounts ‖ receipts ‖ gas: 3 words of 8 bytes ‖ fees: 3 words
    /// of 16 bytes ‖ rules)`.
    pub(crate) fn commitment(&self) -> B256 {
        let mut bytes = b"lazvm/state/2".to_vec();
        bytes.extend_from_slice(self.world.root().as_slice());
        bytes.extend_from_slice(self.receipts_root.as_slice());
        for (_, gas) in self.gas_used.into_array() {
            bytes.extend_from_slice(&gas.to_be_bytes());
        }
        for (_, fee) in self.market.base_fees().into_array() {
            bytes.extend_from_slice(&fee.to_be_bytes());
        }
        bytes.extend_from_slice(self.rules.as_slice());
        keccak256(bytes)
    }
}
