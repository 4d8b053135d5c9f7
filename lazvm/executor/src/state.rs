use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_primitives::{B256, keccak256};
use lazai_gas::{FeeMarket, Resources};

use crate::{Genesis, GenesisError, world::World};

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

impl Genesis {
    /// Returns the state that the first block is executed on.
    ///
    /// # Errors
    /// [`GenesisError`] if an account has code that no account can have.
    pub(crate) fn state(&self) -> Result<ChainState, GenesisError> {
        Ok(ChainState {
            height: 0,
            world: self.world()?,
            market: self.market(),
            gas_used: Resources::uniform(0),
            receipts_root: EMPTY_ROOT_HASH,
            rules: self.rules_at(1).commitment(),
        })
    }

    /// Returns what the genesis block carries as its state root: all that nodes must agree on
    /// before the first block, so that nodes that do not are on different chains.
    ///
    /// `keccak256("lazvm/genesis/2" ‖ chain id u64 ‖ gas limit u64 ‖ first height with precompiles
    /// u64 ‖ largest factor and shortest delay of a price change, u64 each ‖ model ‖ tokens of a
    /// prompt u32 ‖ state ‖ beneficiaries)`, where the state is committed to as after any block:
    /// with the rules of the next one, and without those that are decided for later ones.
    pub(crate) fn commitment(&self, state: &ChainState) -> B256 {
        let limits = self.prices.limits();
        let words = [
            self.chain_id,
            self.gas_limit,
            self.ai_from,
            limits.max_factor.get(),
            limits.min_delay.get(),
        ];
        let mut bytes = b"lazvm/genesis/2".to_vec();
        bytes.extend(words.into_iter().flat_map(u64::to_be_bytes));
        bytes.extend_from_slice(self.model.0.as_slice());
        bytes.extend_from_slice(&self.prompt_max_tokens.to_be_bytes());
        bytes.extend_from_slice(state.commitment().as_slice());
        for beneficiary in &self.beneficiaries {
            bytes.extend_from_slice(beneficiary.as_slice());
        }
        keccak256(bytes)
    }
}
