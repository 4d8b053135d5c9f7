use alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::U256;

use crate::ChainSpec;

/// Returns the difficulty of a block of proof of work at `timestamp`, above `parent`.
///
/// Each fork moves it by a 2,048th of that of the parent for every so many seconds that the block
/// came early or late, and doubles what is added to it every 100,000 blocks (EIP-2, EIP-100; the
/// delays of EIP-649, EIP-1234, EIP-2384, EIP-3554, EIP-4345 and EIP-5133).
#[must_use]
pub fn difficulty(spec: &ChainSpec, timestamp: u64, parent: &Header) -> U256 {
    let number = parent.number.saturating_add(1);
    let seconds = timestamp.saturating_sub(parent.timestamp);
    let unit = parent.difficulty / U256::from(2_048);
    // How many units it grows, and how many it shrinks.
    let (more, less) = if spec.is_byzantium_active_at_block(number) {
        let base = if parent.ommers_hash == EMPTY_OMMER_ROOT_HASH { 1 } else { 2 };
        moved(base, seconds / 9)
    } else if spec.is_homestead_active_at_block(number) {
        moved(1, seconds / 10)
    } else if seconds < 13 {
        (1, 0)
    } else {
        (0, 1)
    };
    let grown = parent.difficulty.saturating_add(unit.saturating_mul(U256::from(more)));
    let moved = grown.saturating_sub(unit.saturating_mul(U256::from(less)));
    let least = U256::from(MIN_DIFFICULTY);
    let period = number.saturating_sub(delay(spec, number)) / 100_000;
    let bomb = match period.checked_sub(2) {
        Some(doublings) if doublings < 256 => U256::from(1) << doublings,
        Some(_) => U256::MAX,
        None => U256::ZERO,
    };
    moved.max(least).saturating_add(bomb)
}

/// `base - steps`, at least -99, as what is added and what is taken away.
fn moved(base: u64, steps: u64) -> (u64, u64) {
    (base.saturating_sub(steps), steps.saturating_sub(base).min(99))
}

/// How many blocks back the growth is counted from.
fn delay(spec: &ChainSpec, number: u64) -> u64 {
    let delays = [
        (EthereumHardfork::GrayGlacier, 11_400_000),
        (EthereumHardfork::ArrowGlacier, 10_700_000),
        (EthereumHardfork::London, 9_700_000),
        (EthereumHardfork::MuirGlacier, 9_000_000),
        (EthereumHardfork::Constantinople, 5_000_000),
        (EthereumHardfork::Byzantium, 3_000_000),
    ];
    let is_active = |fork| spec.is_ethereum_fork_active_at_block(fork, number);
    delays.into_iter().find(|(fork, _)| is_active(*fork)).map_or(0, |(_, delay)| delay)
}

/// Least difficulty of a block.
const MIN_DIFFICULTY: u64 = 131_072;
