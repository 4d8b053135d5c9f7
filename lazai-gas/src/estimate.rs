use alloy_primitives::U256;
use lazai_api_types::{GasCost, WorkOverflow};

use crate::wide::multiply_u128;

/// P: what one unit of gas costs, in wei.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct GasPrice {
    /// The part that moves with demand, by the rule of the chain.
    pub base_fee: u128,
    /// The part that the payer adds.
    pub tip: u128,
}

impl GasPrice {
    /// Returns `base_fee + tip`.
    ///
    /// # Errors
    /// [`EstimateError::PriceOverflow`] if the sum exceeds 128 bits.
    pub fn total(&self) -> Result<u128, EstimateError> {
        let Self { base_fee, tip } = *self;
        base_fee.checked_add(tip).ok_or(EstimateError::PriceOverflow { base_fee, tip })
    }
}

/// `GasEstimate = P * T`: what a job costs before it runs, and how that comes about.
///
/// # Examples
/// ```
/// use alloy_primitives::U256;
/// use lazai_api_types::GasCost;
/// use lazai_gas::{GasEstimate, GasPrice};
///
/// let cost = GasCost { gas_ai: 302_000, gas_inference: 1_024 };
/// let estimate = GasEstimate::new(cost, GasPrice { base_fee: 7, tip: 1 })?;
/// assert_eq!(estimate.gas, 303_024);
/// assert_eq!(estimate.fee, U256::from(8 * 303_024));
/// # Ok::<(), lazai_gas::EstimateError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GasEstimate {
    /// The two parts of T.
    pub cost: GasCost,
    /// T, in gas.
    pub gas: u64,
    /// P, in wei for each gas.
    pub price: u128,
    /// `P * T`, in wei.
    pub fee: U256,
}

impl GasEstimate {
    /// Computes the fee of `cost` at `price`.
    ///
    /// # Errors
    /// [`EstimateError`] if T exceeds 64 bits or P 128.
    pub fn new(cost: GasCost, price: GasPrice) -> Result<Self, EstimateError> {
        let gas = cost.total()?;
        let price = price.total()?;
        Ok(Self { cost, gas, price, fee: multiply_u128(price, gas) })
    }
}

/// Why a fee cannot be told.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EstimateError {
    /// The price of one gas does not fit.
    #[error("expected a gas price of at most 128 bits, got {base_fee} + {tip} wei")]
    PriceOverflow {
        /// The base fee.
        base_fee: u128,
        /// The tip.
        tip: u128,
    },
    /// The gas does not fit.
    #[error(transparent)]
    Work(#[from] WorkOverflow),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cost(gas_ai: u64, gas_inference: u64) -> GasCost {
        GasCost { gas_ai, gas_inference }
    }

    #[test]
    fn extremes_are_exact_or_refused() {
        let dearest = GasPrice { base_fee: u128::MAX, tip: 0 };
        let estimate = GasEstimate::new(cost(u64::MAX, 0), dearest).unwrap();
        assert_eq!(estimate.fee, U256::from(u128::MAX) * U256::from(u64::MAX));
        assert_eq!(
            GasEstimate::new(cost(u64::MAX, 1), dearest),
            Err(EstimateError::Work(WorkOverflow))
        );
        assert_eq!(
            GasEstimate::new(cost(1, 1), GasPrice { base_fee: u128::MAX, tip: 1 }),
            Err(EstimateError::PriceOverflow { base_fee: u128::MAX, tip: 1 })
        );
    }

    proptest! {
        #[test]
        fn a_higher_price_never_costs_less(ai in 0..u64::MAX / 2, memory in 0..u64::MAX / 2, base in 0..u128::MAX / 4, tip in 0..u128::MAX / 4, more in 0..u128::MAX / 4) {
            let fee = |base_fee, tip| {
                GasEstimate::new(cost(ai, memory), GasPrice { base_fee, tip }).unwrap().fee
            };
            prop_assert!(fee(base + more, tip) >= fee(base, tip));
            prop_assert_eq!(fee(base + more, tip), fee(base, tip + more));
        }
    }
}
