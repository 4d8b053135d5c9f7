use core::{cmp::Ordering, fmt, num::NonZeroU64};

use lazai_api_types::WorkOverflow;

use crate::wide::multiply_u64;

/// A price of one unit of work in gas: an exact fraction, because a fee must be the same
/// everywhere.
///
/// Two rates are equal if their values are: 1/2 is 2/4.
///
/// # Examples
/// ```
/// use lazai_gas::Rate;
///
/// let alpha = Rate::new(3, 10_000)?;
/// assert_eq!(alpha.gas_for(1_000_000)?, 300);
/// assert_eq!(alpha.gas_for(1)?, 1, "a started unit of gas is paid in full");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Rate {
    /// Gas for `denominator` units.
    pub numerator: u64,
    /// Units that cost `numerator` gas.
    pub denominator: NonZeroU64,
}

impl Rate {
    /// Makes a rate of `numerator` gas for `denominator` units.
    ///
    /// # Errors
    /// [`RateError::ZeroDenominator`] if `denominator` is 0.
    pub const fn new(numerator: u64, denominator: u64) -> Result<Self, RateError> {
        match NonZeroU64::new(denominator) {
            Some(denominator) => Ok(Self { numerator, denominator }),
            None => Err(RateError::ZeroDenominator { numerator }),
        }
    }

    /// Makes a rate of `gas` for each unit.
    #[must_use]
    pub const fn whole(gas: u64) -> Self {
        Self { numerator: gas, denominator: NonZeroU64::MIN }
    }

    /// Returns the gas of `units`, rounded up.
    ///
    /// Arithmetic: `ceil(numerator * units / denominator)`, exact in 128 bits.
    ///
    /// # Errors
    /// [`WorkOverflow`] if the gas exceeds 64 bits.
    pub fn gas_for(&self, units: u64) -> Result<u64, WorkOverflow> {
        let exact = multiply_u64(self.numerator, units);
        let gas = exact.div_ceil(u128::from(self.denominator.get()));
        u64::try_from(gas).map_err(|_| WorkOverflow)
    }

    /// Returns whether neither rate is more than `factor` times the other.
    pub(crate) const fn is_within(&self, factor: NonZeroU64, other: &Self) -> bool {
        let (own, others) = self.cross(other);
        // `own <= factor * others` without a product of 192 bits.
        let factor = factor.get() as u128;
        own.div_ceil(factor) <= others && others.div_ceil(factor) <= own
    }

    /// Returns both numerators over the common denominator.
    const fn cross(&self, other: &Self) -> (u128, u128) {
        (
            multiply_u64(self.numerator, other.denominator.get()),
            multiply_u64(other.numerator, self.denominator.get()),
        )
    }
}

impl Eq for Rate {}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = self.cross(other);
        own.cmp(&others)
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Why two numbers are not a rate.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RateError {
    /// The denominator is 0.
    #[error("rate {numerator}/0: expected a denominator of at least 1, got 0")]
    ZeroDenominator {
        /// The numerator of the refused rate.
        numerator: u64,
    },
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn rate(numerator: u64, denominator: u64) -> Rate {
        Rate::new(numerator, denominator).unwrap()
    }

    #[test]
    fn a_zero_denominator_is_refused() {
        let error = Rate::new(3, 0).unwrap_err();
        assert_eq!(error, RateError::ZeroDenominator { numerator: 3 });
        assert_eq!(error.to_string(), "rate 3/0: expected a denominator of at least 1, got 0");
    }

    #[test]
    fn gas_is_rounded_up() {
        assert_eq!(rate(1, 3).gas_for(0), Ok(0));
        assert_eq!(rate(1, 3).gas_for(3), Ok(1));
        assert_eq!(rate(1, 3).gas_for(4), Ok(2));
        assert_eq!(rate(0, 3).gas_for(u64::MAX), Ok(0));
    }

    #[test]
    fn extremes_fit_or_are_refused() {
        assert_eq!(rate(u64::MAX, u64::MAX).gas_for(u64::MAX), Ok(u64::MAX));
        assert_eq!(rate(1, u64::MAX).gas_for(u64::MAX), Ok(1));
        assert_eq!(rate(u64::MAX, 1).gas_for(1), Ok(u64::MAX));
        assert_eq!(rate(u64::MAX, 1).gas_for(2), Err(WorkOverflow));
        assert_eq!(rate(u64::MAX, 1).gas_for(u64::MAX), Err(WorkOverflow));
    }

    #[test]
    fn rates_compare_by_value() {
        assert_eq!(rate(1, 2), rate(2, 4));
        assert!(rate(1, 3) < rate(1, 2));
        assert!(rate(u64::MAX, 1) > rate(u64::MAX, 2));
    }

    #[test]
    fn a_step_is_bounded_both_ways() {
        let two = NonZeroU64::new(2).unwrap();
        assert!(rate(6, 10).is_within(two, &rate(3, 10)));
        assert!(!rate(61, 100).is_within(two, &rate(3, 10)));
        assert!(rate(15, 100).is_within(two, &rate(3, 10)));
        assert!(!rate(149, 1_000).is_within(two, &rate(3, 10)));
        assert!(rate(0, 1).is_within(two, &rate(0, 7)));
        assert!(!rate(1, u64::MAX).is_within(two, &rate(0, 7)));
        assert!(!rate(u64::MAX, 1).is_within(NonZeroU64::MAX, &rate(1, 2)));
        assert!(rate(u64::MAX, 1).is_within(NonZeroU64::MAX, &rate(1, 1)));
    }

    proptest! {
        #[test]
        fn rounding_never_favours_the_payer(n: u64, d in 1_u64.., units: u64) {
            let exact = u128::from(n) * u128::from(units);
            match rate(n, d).gas_for(units) {
                Ok(gas) => {
                    let paid = u128::from(gas) * u128::from(d);
                    prop_assert!(paid >= exact, "the payer is undercharged");
                    prop_assert!(paid - exact < u128::from(d), "the payer is overcharged");
                }
                Err(WorkOverflow) => prop_assert!(exact > u128::from(u64::MAX) * u128::from(d)),
            }
        }

        #[test]
        fn order_agrees_with_gas(a in 0..1_000_u64, b in 1..1_000_u64, c in 0..1_000_u64, d in 1..1_000_u64) {
            // The common denominator turns both rates into whole numbers.
            let gas = |rate: Rate| rate.gas_for(b * d).unwrap();
            prop_assert_eq!(rate(a, b).cmp(&rate(c, d)), gas(rate(a, b)).cmp(&gas(rate(c, d))));
        }
    }
}
