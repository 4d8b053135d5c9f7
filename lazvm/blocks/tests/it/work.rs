//! Difficulties of blocks of the main chain.

use alloy_primitives::{B256, U256};
use lazvm::alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use lazvm_blocks::{ChainSpec, difficulty};
use proptest::prelude::*;

fn parent(number: u64, difficulty: u128, has_ommers: bool) -> Header {
    Header {
        number,
        timestamp: 1_000_000,
        difficulty: U256::from(difficulty),
        ommers_hash: if has_ommers { B256::ZERO } else { EMPTY_OMMER_ROOT_HASH },
        ..Header::default()
    }
}

/// By the formulas of EIP-2 and EIP-100, worked out by hand.
#[test]
fn each_fork_moves_the_difficulty_by_its_formula() {
    let spec = ChainSpec::mainnet();
    let base = 2_048_000_u128;
    for (number, seconds, has_ommers, expected) in [
        // Frontier: up below 13 seconds, otherwise down.
        (1, 12, false, base + 1_000),
        (1, 13, false, base - 1_000),
        // From block 200,000 on, 2^(n / 100,000 - 2) is added.
        (199_999, 12, false, base + 1_000 + 1),
        (899_999, 12, false, base + 1_000 + (1 << 7)),
        // Homestead: one step in ten seconds, 99 at most.
        (1_200_000, 9, false, base + 1_000 + (1 << 10)),
        (1_200_000, 10, false, base + (1 << 10)),
        (1_200_000, 29, false, base - 1_000 + (1 << 10)),
        (1_200_000, 100_000, false, base - 99_000 + (1 << 10)),
        // Byzantium: one in nine, one more where the parent has ommers, and 3,000,000 blocks later.
        (4_400_000, 8, false, base + 1_000 + (1 << 12)),
        (4_400_000, 8, true, base + 2_000 + (1 << 12)),
        (4_400_000, 9, false, base + (1 << 12)),
        (4_400_000, 18, true, base + (1 << 12)),
        // Constantinople: 5,000,000 later; Muir Glacier 9,000,000; London 9,700,000.
        (7_300_000, 9, false, base + (1 << 21)),
        (9_250_000, 9, false, base + 1),
        (13_000_000, 9, false, base + (1 << 31)),
    ] {
        let parent = parent(number, base, has_ommers);
        let got = difficulty(&spec, parent.timestamp + seconds, &parent);
        assert_eq!(got, U256::from(expected), "{number} {seconds} {has_ommers}");
    }
}

#[test]
fn difficulties_have_a_least_value() {
    let spec = ChainSpec::mainnet();
    let parent = parent(1, 131_072, false);
    assert_eq!(difficulty(&spec, parent.timestamp + 100, &parent), U256::from(131_072));
}

proptest! {
    #[test]
    fn no_difficulty_panics(number in any::<u64>(), words in any::<[u64; 4]>(), time in any::<u64>()) {
        let mut parent = parent(number, 0, false);
        parent.difficulty = U256::from_limbs(words);
        prop_assert!(difficulty(&ChainSpec::mainnet(), time, &parent) >= U256::from(131_072));
    }
}
