use alloy_consensus::Header;
use alloy_eips::{
    calc_next_block_base_fee,
    eip1559::{BaseFeeParams, DEFAULT_ELASTICITY_MULTIPLIER, INITIAL_BASE_FEE},
};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};

use crate::ChainSpec;

/// Returns the base fee of the block above `parent`, in wei; none before London (EIP-1559).
#[must_use]
pub fn next_base_fee(spec: &ChainSpec, parent: &Header) -> Option<u64> {
    let number = parent.number.saturating_add(1);
    if !spec.is_london_active_at_block(number) {
        return None;
    }
    let params = BaseFeeParams::ethereum();
    Some(parent.base_fee_per_gas.map_or(INITIAL_BASE_FEE, |fee| {
        calc_next_block_base_fee(parent.gas_used, parent.gas_limit, fee, params)
    }))
}

/// The gas limit of a parent as the first block of London counts it: its target is what the limit
/// was.
pub(super) fn parent_gas_limit(spec: &ChainSpec, number: u64, parent: &Header) -> u64 {
    let london = spec.ethereum_fork_activation(EthereumHardfork::London);
    if london.transitions_at_block(number) && number > 0 {
        parent.gas_limit.saturating_mul(DEFAULT_ELASTICITY_MULTIPLIER)
    } else {
        parent.gas_limit
    }
}
