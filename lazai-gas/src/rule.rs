use alloc::{boxed::Box, sync::Arc};
use core::{
    fmt::Debug,
    num::{NonZeroU64, NonZeroU128},
};

use alloy_primitives::U256;

use crate::{exponential::fake_exponential, wide::multiply_u128};

/// The number that a [`FeeRule`] carries from block to block.
///
/// What it means is the rule's own: a base fee in wei under [`Eip1559`], excess gas under
/// [`ExponentialExcess`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct FeeLevel(pub u128);

/// How a base fee follows demand.
///
/// An implementation must be pure and total: the same arguments give the same result on every
/// machine, and nothing wraps or panics at any argument. A higher level must never have a lower
/// fee, more gas used must never lower the next fee, and gas at the target must keep it.
pub trait FeeRule: Debug + Send + Sync {
    /// Returns the base fee in wei for each gas at `level`; never below the rule's minimum.
    fn base_fee(&self, level: FeeLevel) -> u128;

    /// Returns the gas of a block at which the base fee stays, out of the most that a block may
    /// use.
    fn target(&self, limit: u64) -> u64;

    /// Returns the level after a block at `level` that used `used` gas of `limit`.
    fn next(&self, level: FeeLevel, used: u64, limit: u64) -> FeeLevel;

    /// Returns the lowest level whose base fee is at least `base_fee`; where no fee is, the lowest
    /// level of the highest fee.
    ///
    /// Cost: as many fees as a level has bits, unless a rule knows better.
    fn level_of(&self, base_fee: u128) -> FeeLevel {
        lowest_level(self, base_fee, u128::MAX)
    }
}

/// The rule of EIP-1559: the base fee moves by a bounded share for each block.
///
/// Arithmetic, with `fee` the base fee and `target = limit / elasticity`, all divisions rounded
/// down:
/// ```text
/// used = target: fee
/// used > target: fee + max(1, fee * (used - target) / target / denominator)
/// used < target: fee - fee * (target - used) / target / denominator
/// ```
/// The result is raised to `minimum`; products are exact, and a fee above [`u128::MAX`] becomes
/// [`u128::MAX`]. Where the target is 0, the fee stays.
///
/// # Examples
/// ```
/// use lazai_gas::{Eip1559, FeeLevel, FeeRule};
///
/// let next = Eip1559::ETHEREUM.next(FeeLevel(1_000_000_000), 10_000_000, 12_000_000);
/// assert_eq!(next, FeeLevel(1_083_333_333));
/// ```
///
/// # Source
/// [EIP-1559](https://eips.ethereum.org/EIPS/eip-1559); `minimum` is LazVM's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Eip1559 {
    /// How many times its target a block may use.
    pub elasticity: NonZeroU64,
    /// A block that uses twice its target raises the fee by this part of it.
    pub denominator: NonZeroU64,
    /// The fixed part of the fee, in wei for each gas: it never falls below.
    pub minimum: u128,
}

impl Eip1559 {
    /// For arithmetic: Ethereum's with a target of a quarter of the limit.
    pub const AI: Self = Self::with_elasticity(4);

    /// Ethereum's own constants: elasticity 2, an eighth for each block, no minimum.
    pub const ETHEREUM: Self = Self::with_elasticity(2);

    /// For memory: Ethereum's with a target of an eighth of the limit.
    pub const INFERENCE: Self = Self::with_elasticity(8);

    /// Makes a rule with the given constants.
    ///
    /// # Errors
    /// [`FeeRuleError::Zero`] if `elasticity` or `denominator` is 0.
    pub fn new(elasticity: u64, denominator: u64, minimum: u128) -> Result<Self, FeeRuleError> {
        Ok(Self {
            elasticity: nonzero("elasticity", elasticity)?,
            denominator: nonzero("denominator", denominator)?,
            minimum,
        })
    }

    const fn with_elasticity(elasticity: u64) -> Self {
        const fn constant(value: u64) -> NonZeroU64 {
            NonZeroU64::new(value).expect("invariant: constants of rules are not 0")
        }
        Self { elasticity: constant(elasticity), denominator: constant(8), minimum: 0 }
    }

    /// Returns `fee * distance / target / denominator`, rounded down.
    fn step(&self, fee: u128, distance: u64, target: NonZeroU64) -> u128 {
        // Two roundings down are one: the order of the divisors does not matter.
        multiply_u128(fee, distance)
            .wrapping_div(U256::from(target.get()))
            .wrapping_div(U256::from(self.denominator.get()))
            .saturating_to()
    }
}

impl FeeRule for Eip1559 {
    fn base_fee(&self, level: FeeLevel) -> u128 {
        level.0.max(self.minimum)
    }

    fn target(&self, limit: u64) -> u64 {
        limit / self.elasticity
    }

    fn next(&self, level: FeeLevel, used: u64, limit: u64) -> FeeLevel {
        let fee = self.base_fee(level);
        let Some(target) = NonZeroU64::new(self.target(limit)) else { return FeeLevel(fee) };
        let above = used.saturating_sub(target.get());
        let below = target.get().saturating_sub(used);
        let next = if above > 0 {
            fee.saturating_add(self.step(fee, above, target).max(1))
        } else {
            // `below <= target`, so the step is at most the fee.
            fee.saturating_sub(self.step(fee, below, target))
        };
        FeeLevel(next.max(self.minimum))
    }

    fn level_of(&self, base_fee: u128) -> FeeLevel {
        // Every level below the minimum has the minimum for a fee.
        FeeLevel(if base_fee > self.minimum { base_fee } else { 0 })
    }
}

/// The rule of EIP-4844: the base fee is exponential in the gas used above target so far.
///
/// Arithmetic: `excess' = max(excess + used - target, 0)` and
/// `fee = fake_exponential(minimum, excess, update_fraction)`; see [`fake_exponential`]. With
/// `update_fraction = target / ln(1.125)`, a block of twice its target raises the fee by an eighth.
///
/// # Source
/// [EIP-4844](https://eips.ethereum.org/EIPS/eip-4844), "Gas accounting".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ExponentialExcess {
    /// How many times its target a block may use.
    pub elasticity: NonZeroU64,
    /// Excess gas that multiplies the fee by e.
    pub update_fraction: NonZeroU64,
    /// The fee without excess, in wei for each gas; a multiple of 0 would stay 0.
    pub minimum: NonZeroU128,
}

impl ExponentialExcess {
    /// Makes a rule with the given constants.
    ///
    /// # Errors
    /// [`FeeRuleError::Zero`] if one of them is 0.
    pub fn new(elasticity: u64, update_fraction: u64, minimum: u128) -> Result<Self, FeeRuleError> {
        Ok(Self {
            elasticity: nonzero("elasticity", elasticity)?,
            update_fraction: nonzero("update_fraction", update_fraction)?,
            minimum: NonZeroU128::new(minimum).ok_or(FeeRuleError::Zero { constant: "minimum" })?,
        })
    }
}

impl FeeRule for ExponentialExcess {
    fn base_fee(&self, level: FeeLevel) -> u128 {
        let excess = u64::try_from(level.0).unwrap_or(u64::MAX);
        fake_exponential(self.minimum.get(), excess, self.update_fraction)
    }

    fn target(&self, limit: u64) -> u64 {
        limit / self.elasticity
    }

    fn next(&self, level: FeeLevel, used: u64, limit: u64) -> FeeLevel {
        let excess = level.0.saturating_add(u128::from(used));
        FeeLevel(excess.saturating_sub(u128::from(self.target(limit))))
    }

    fn level_of(&self, base_fee: u128) -> FeeLevel {
        // Excess above 64 bits does not raise the fee.
        lowest_level(self, base_fee, u64::MAX.into())
    }
}

/// Why numbers are not a fee rule.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FeeRuleError {
    /// A constant that divides or multiplies is 0.
    #[error("fee rule: expected {constant} of at least 1, got 0")]
    Zero {
        /// The name of the constant.
        constant: &'static str,
    },
}

fn nonzero(constant: &'static str, value: u64) -> Result<NonZeroU64, FeeRuleError> {
    NonZeroU64::new(value).ok_or(FeeRuleError::Zero { constant })
}

/// Finds the level of a fee by bisection; the level `high` has the highest fee of the rule.
fn lowest_level<R: FeeRule + ?Sized>(rule: &R, base_fee: u128, mut high: u128) -> FeeLevel {
    let sought = base_fee.min(rule.base_fee(FeeLevel(high)));
    let mut low = 0;
    while low < high {
        let middle = low.midpoint(high);
        if rule.base_fee(FeeLevel(middle)) >= sought {
            high = middle;
        } else {
            // Below `high`, so this never saturates.
            low = middle.saturating_add(1);
        }
    }
    FeeLevel(low)
}

macro_rules! delegate {
    ($($pointer:ty),*) => {$(
        impl<R: FeeRule + ?Sized> FeeRule for $pointer {
            fn base_fee(&self, level: FeeLevel) -> u128 {
                (**self).base_fee(level)
            }

            fn target(&self, limit: u64) -> u64 {
                (**self).target(limit)
            }

            fn next(&self, level: FeeLevel, used: u64, limit: u64) -> FeeLevel {
                (**self).next(level, used, limit)
            }

            fn level_of(&self, base_fee: u128) -> FeeLevel {
                (**self).level_of(base_fee)
            }
        }
    )*};
}

delegate!(&R, Arc<R>, Box<R>);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn eip1559() -> impl Strategy<Value = Eip1559> {
        (1..10_u64, 1..1_000_u64, any::<u128>(), 0..129_u32).prop_map(
            |(elasticity, denominator, minimum, shift)| {
                let minimum = minimum.checked_shr(shift).unwrap_or(0);
                Eip1559::new(elasticity, denominator, minimum).unwrap()
            },
        )
    }

    /// Draws base fees of every magnitude.
    fn fee() -> impl Strategy<Value = u128> {
        (any::<u128>(), 0..128_u32).prop_map(|(fee, shift)| fee >> shift)
    }

    /// Gas used and limit of every magnitude, with `used <= limit`.
    fn block() -> impl Strategy<Value = (u64, u64)> {
        (any::<u64>(), 0..64_u32, any::<u64>()).prop_map(|(limit, shift, used)| {
            let limit = limit >> shift;
            (if limit == u64::MAX { used } else { used % (limit + 1) }, limit)
        })
    }

    #[test]
    fn zero_constants_are_refused() {
        let refused = |constant| Err(FeeRuleError::Zero { constant });
        assert_eq!(Eip1559::new(0, 8, 0), refused("elasticity"));
        assert_eq!(Eip1559::new(2, 0, 0), refused("denominator"));
        assert!(ExponentialExcess::new(0, 1, 1).is_err());
        assert!(ExponentialExcess::new(2, 0, 1).is_err());
        let error = ExponentialExcess::new(2, 1, 0).unwrap_err();
        assert_eq!(error.to_string(), "fee rule: expected minimum of at least 1, got 0");
    }

    #[test]
    fn a_target_of_zero_keeps_the_fee() {
        for (used, limit) in [(0, 0), (1, 1), (0, 1), (u64::MAX, 1)] {
            assert_eq!(Eip1559::ETHEREUM.next(FeeLevel(7), used, limit), FeeLevel(7));
        }
    }

    #[test]
    fn a_raised_minimum_takes_hold_at_once() {
        let rule = Eip1559 { minimum: 1_000, ..Eip1559::ETHEREUM };
        assert_eq!(rule.base_fee(FeeLevel(10)), 1_000);
        assert_eq!(rule.next(FeeLevel(10), 0, 100), FeeLevel(1_000));
        assert_eq!(rule.next(FeeLevel(10), 100, 100), FeeLevel(1_125));
    }

    #[test]
    fn the_dearest_fee_saturates() {
        let top = FeeLevel(u128::MAX);
        assert_eq!(Eip1559::ETHEREUM.next(top, 100, 100), top);
        assert_eq!(Eip1559::ETHEREUM.next(top, u64::MAX, 2), top);
        let eighth = u128::MAX / 8;
        assert_eq!(Eip1559::ETHEREUM.next(top, 0, 100), FeeLevel(u128::MAX - eighth));
    }

    #[test]
    fn excess_follows_eip_4844() {
        // The constants of Cancun: 3 blobs of 131,072 gas are the target of 6.
        let rule = ExponentialExcess::new(2, 3_338_477, 1).unwrap();
        let blob = 131_072;
        let level = rule.next(FeeLevel(0), 6 * blob, 6 * blob);
        assert_eq!(level, FeeLevel(3 * u128::from(blob)));
        assert_eq!(rule.next(level, 0, 6 * blob), FeeLevel(0));
        assert_eq!(rule.next(FeeLevel(0), 0, 6 * blob), FeeLevel(0));
        // 10 times the update fraction: e^10 = 22,026.47.
        assert_eq!(rule.base_fee(FeeLevel(33_384_770)), 22_026);
        assert_eq!(rule.base_fee(FeeLevel(u128::MAX)), u128::MAX);
        assert_eq!(rule.next(FeeLevel(u128::MAX), u64::MAX, 0), FeeLevel(u128::MAX));
    }

    /// Hides what a rule knows better.
    #[derive(Debug)]
    struct Plain<R>(R);

    impl<R: FeeRule> FeeRule for Plain<R> {
        fn base_fee(&self, level: FeeLevel) -> u128 {
            self.0.base_fee(level)
        }

        fn target(&self, limit: u64) -> u64 {
            self.0.target(limit)
        }

        fn next(&self, level: FeeLevel, used: u64, limit: u64) -> FeeLevel {
            self.0.next(level, used, limit)
        }
    }

    #[test]
    fn a_fee_that_no_level_has_gets_the_level_of_the_highest() {
        let rule = ExponentialExcess::new(2, u64::MAX, 1_000).unwrap();
        let highest = rule.base_fee(FeeLevel(u128::MAX));
        assert_eq!(highest, 2_718);
        let level = rule.level_of(u128::MAX);
        assert!(level.0 <= u128::from(u64::MAX));
        assert_eq!(rule.base_fee(level), highest);
    }

    proptest! {
        #[test]
        fn a_fee_has_its_lowest_level(rule in eip1559(), fraction in 1_u64.., minimum in 1_u64.., fee in fee()) {
            prop_assert_eq!(rule.level_of(fee), Plain(rule).level_of(fee));
            let rule = ExponentialExcess::new(2, fraction, minimum.into()).unwrap();
            let level = rule.level_of(fee);
            let highest = rule.base_fee(FeeLevel(u128::MAX));
            prop_assert!(rule.base_fee(level) >= fee.min(highest));
            if level.0 > 0 {
                prop_assert!(rule.base_fee(FeeLevel(level.0 - 1)) < fee.min(highest));
            }
        }

        #[test]
        fn gas_at_the_target_keeps_the_fee(rule in eip1559(), fraction in 1_u64.., fee in fee(), limit: u64) {
            let level = FeeLevel(fee);
            let next = rule.next(level, rule.target(limit), limit);
            prop_assert_eq!(rule.base_fee(next), rule.base_fee(level));
            let rule = ExponentialExcess::new(3, fraction, 7).unwrap();
            let level = FeeLevel(fee >> 1);
            prop_assert_eq!(rule.next(level, rule.target(limit), limit), level);
        }

        #[test]
        fn eip1559_stays_within_its_bounds(rule in eip1559(), fee in fee(), (used, limit) in block()) {
            let before = rule.base_fee(FeeLevel(fee));
            let after = rule.next(FeeLevel(fee), used, limit).0;
            prop_assert!(after >= rule.minimum);
            let target = rule.target(limit);
            if target == 0 || used == target {
                prop_assert_eq!(after, before);
                return Ok(());
            }
            // Upwards a block moves the fee by `(limit - target) / target` shares, downwards by
            // one.
            let shares = U256::from(if used > target { limit - target } else { target });
            let share = U256::from(before) * shares
                / U256::from(target)
                / U256::from(rule.denominator.get());
            let bound = share.saturating_to::<u128>().max(1);
            if used > target {
                prop_assert!(after > before || before == u128::MAX);
                prop_assert!(after - before <= bound);
            } else {
                prop_assert!(after <= before && before - after <= bound);
            }
        }

        #[test]
        fn ethereum_moves_by_an_eighth_at_most(fee in fee(), (used, limit) in block()) {
            let limit = limit & !1; // An odd limit is a little more than twice its target.
            let used = used.min(limit);
            let after = Eip1559::ETHEREUM.next(FeeLevel(fee), used, limit).0;
            prop_assert!(after.abs_diff(fee) <= (fee / 8).max(1));
        }

        #[test]
        fn more_gas_never_lowers_the_next_fee(rule in eip1559(), excess in 1..1_000_u64, fee in fee(), a: u64, b: u64, limit: u64) {
            let (less, more) = (a.min(b), a.max(b));
            let next = |used| rule.base_fee(rule.next(FeeLevel(fee), used, limit));
            prop_assert!(next(less) <= next(more));
            let rule = ExponentialExcess::new(2, excess, 7).unwrap();
            let next = |used| rule.base_fee(rule.next(FeeLevel(fee), used, limit));
            prop_assert!(next(less) <= next(more));
            prop_assert!(next(less) >= 7);
        }
    }
}
