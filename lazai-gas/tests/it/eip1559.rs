//! The base fee update against Ethereum's own numbers.

use lazai_gas::{Eip1559, FeeLevel, FeeRule};

use crate::fixture::official_base_fees;

#[test]
fn known_vectors() {
    for (used, limit, base_fee, expected) in [
        (10_000_000, 10_000_000, 1_000_000_000, 1_125_000_000),
        (10_000_000, 12_000_000, 1_000_000_000, 1_083_333_333),
        (10_000_000, 14_000_000, 1_000_000_000, 1_053_571_428),
        (9_000_000, 10_000_000, 1_072_671_875, 1_179_939_062),
        (10_001_000, 14_000_000, 1_059_263_476, 1_116_028_649),
        (0, 2_000_000, 1_049_238_967, 918_084_097),
        (10_000_000, 18_000_000, 1_049_238_967, 1_063_811_730),
        (10_000_000, 18_000_000, 0, 1),
        (10_000_000, 18_000_000, 1, 2),
        (10_000_000, 18_000_000, 2, 3),
        (10_000_000, 20_000_000, 1_000_000_000, 1_000_000_000),
        (9_000_000, 20_000_000, 1_000_000_000, 987_500_000),
        (11_000_000, 20_000_000, 1_000_000_000, 1_012_500_000),
        // Below 8 wei an eighth rounds to nothing.
        (0, 30_000_000, 7, 7),
        (0, 30_000_000, 8, 7),
    ] {
        check(used, limit, base_fee, expected);
    }
}

/// Parent and child headers of Ethereum's official block tests.
#[test]
fn official_block_headers() {
    let Some(rows) = official_base_fees() else { return };
    for [used, limit, base_fee, expected] in rows {
        check(used, limit, base_fee.into(), expected.into());
    }
}

fn check(used: u64, limit: u64, base_fee: u128, expected: u128) {
    let next = Eip1559::ETHEREUM.next(FeeLevel(base_fee), used, limit);
    assert_eq!(next, FeeLevel(expected), "{used} of {limit} gas at {base_fee} wei");
}
