use core::num::NonZeroU64;

use lazai_api_types::{GasCost, GasPricing, Work, WorkOverflow};

use crate::{EstimateError, GasEstimate, GasPrice, Rate};

/// The three coefficients that turn work into gas.
///
/// Arithmetic: `GasAI = ceil(alpha * FLOPs) + gamma`, `GasInference = ceil(beta * peak bytes)`.
/// More work never costs less.
///
/// # Examples
/// ```
/// use lazai_api_types::{GasPricing, Work};
/// use lazai_gas::GasSchedule;
///
/// let cost = GasSchedule::default().gas(&Work { flops: 1_000_000_000, peak_bytes: 1 << 20 })?;
/// assert_eq!(cost.gas_ai, 300_000 + 2_000);
/// assert_eq!(cost.gas_inference, 1_024);
/// # Ok::<(), lazai_api_types::WorkOverflow>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct GasSchedule {
    /// Gas for each arithmetic operation.
    pub alpha: Rate,
    /// Gas for each byte of peak memory.
    pub beta: Rate,
    /// Gas for each call, whatever it does; a refused call costs at least this.
    pub gamma: u64,
}

impl GasSchedule {
    /// The default: a processor of 100 GFLOP/s and 30.7 GB/s beside an EVM of 30 Mgas/s.
    ///
    /// The derivation stands in `docs/gas.md`, "The default schedule".
    pub const REFERENCE: Self = Self {
        alpha: Rate {
            numerator: 3,
            denominator: NonZeroU64::new(10_000).expect("10,000 is not 0"),
        },
        beta: Rate { numerator: 1, denominator: NonZeroU64::new(1_024).expect("1,024 is not 0") },
        gamma: 2_000,
    };

    /// Returns the fee of `work` at `price`: `GasEstimate = P * T`.
    ///
    /// # Errors
    /// [`EstimateError`] if the gas exceeds 64 bits or the price 128.
    pub fn estimate(&self, work: &Work, price: GasPrice) -> Result<GasEstimate, EstimateError> {
        GasEstimate::new(self.gas(work)?, price)
    }
}

impl Default for GasSchedule {
    fn default() -> Self {
        Self::REFERENCE
    }
}

impl GasPricing for GasSchedule {
    fn gas(&self, work: &Work) -> Result<GasCost, WorkOverflow> {
        let compute = self.alpha.gas_for(work.flops)?;
        Ok(GasCost {
            gas_ai: compute.checked_add(self.gamma).ok_or(WorkOverflow)?,
            gas_inference: self.beta.gas_for(work.peak_bytes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rates() -> impl Strategy<Value = Rate> {
        prop_oneof![
            (any::<u64>(), 1_u64..).prop_map(|(n, d)| Rate::new(n, d).unwrap()),
            (0..100_u64, 1..100_000_u64).prop_map(|(n, d)| Rate::new(n, d).unwrap()),
        ]
    }

    fn schedules() -> impl Strategy<Value = GasSchedule> {
        (rates(), rates(), any::<u64>()).prop_map(|(alpha, beta, gamma)| GasSchedule {
            alpha,
            beta,
            gamma: gamma >> 1,
        })
    }

    fn work() -> impl Strategy<Value = Work> {
        (any::<u64>(), 0..64_u32, any::<u64>(), 0..64_u32)
            .prop_map(|(flops, f, bytes, b)| Work { flops: flops >> f, peak_bytes: bytes >> b })
    }

    /// Orders costs; an overflow counts as more than any gas.
    fn order(cost: Result<u64, WorkOverflow>) -> u128 {
        cost.map_or(u128::MAX, u128::from)
    }

    #[test]
    fn no_work_costs_gamma() {
        let schedule = GasSchedule::default();
        assert_eq!(schedule.base(), GasCost { gas_ai: 2_000, gas_inference: 0 });
    }

    #[test]
    fn parts_round_up_apart() {
        let cost = GasSchedule::default().gas(&Work { flops: 1, peak_bytes: 1 }).unwrap();
        assert_eq!(cost, GasCost { gas_ai: 2_001, gas_inference: 1 });
    }

    #[test]
    fn a_price_above_64_bits_is_refused() {
        let schedule = GasSchedule { alpha: Rate::whole(1), beta: Rate::whole(1), gamma: 1 };
        let gas = |flops, peak_bytes| schedule.gas(&Work { flops, peak_bytes });
        assert_eq!(gas(u64::MAX, 0), Err(WorkOverflow));
        assert_eq!(gas(u64::MAX - 1, 0).unwrap().gas_ai, u64::MAX);
        assert_eq!(gas(u64::MAX - 1, 1).unwrap().total(), Err(WorkOverflow));
        assert_eq!(gas(0, u64::MAX).unwrap().gas_inference, u64::MAX);
    }

    proptest! {
        #[test]
        fn more_work_never_costs_less(schedule in schedules(), work in work(), flops: u64, bytes: u64) {
            let total = |work: &Work| schedule.gas(work).and_then(|cost| cost.total());
            let more_flops = Work { flops: work.flops.saturating_add(flops), ..work };
            let more_bytes = Work { peak_bytes: work.peak_bytes.saturating_add(bytes), ..work };
            prop_assert!(order(total(&more_flops)) >= order(total(&work)));
            prop_assert!(order(total(&more_bytes)) >= order(total(&work)));
        }

        #[test]
        fn both_parts_are_exact(schedule in schedules(), work in work()) {
            let ceil = |rate: Rate, units: u64| {
                let exact = u128::from(rate.numerator) * u128::from(units);
                let d = u128::from(rate.denominator.get());
                exact / d + u128::from(exact % d != 0)
            };
            let ai = ceil(schedule.alpha, work.flops) + u128::from(schedule.gamma);
            let inference = ceil(schedule.beta, work.peak_bytes);
            match schedule.gas(&work) {
                Ok(cost) => {
                    prop_assert_eq!(u128::from(cost.gas_ai), ai);
                    prop_assert_eq!(u128::from(cost.gas_inference), inference);
                }
                Err(WorkOverflow) => prop_assert!(ai.max(inference) > u128::from(u64::MAX)),
            }
        }

        #[test]
        fn a_call_costs_at_least_gamma(schedule in schedules(), work in work()) {
            if let Ok(cost) = schedule.gas(&work) {
                prop_assert!(cost.gas_ai >= schedule.base().gas_ai);
                prop_assert_eq!(schedule.base().gas_ai, schedule.gamma);
            }
        }
    }
}
