//! From times to a change of the schedule: integers alone.

use core::num::NonZeroU64;

use lazai_api_types::GasPricing;
use lazai_gas::{ChangeLimits, GasSchedule, Governance, Rate, ScheduledChange};

use crate::{
    error::Error,
    measure::{Coefficient, Measurement},
};

/// A change of the schedule, and where it comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Proposal {
    /// What the measurements call for.
    pub(crate) wanted: GasSchedule,
    /// The nearest that one change may bring.
    pub(crate) change: ScheduledChange,
}

/// What gas is worth on the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Gas that a second is worth.
    pub(crate) gas_per_second: u64,
    /// How much more than measured is asked, in percent.
    pub(crate) margin: u32,
    /// The block at which the change is decided.
    pub(crate) block: u64,
}

impl Proposal {
    /// Proposes the cheapest schedule under which no measured work is cheaper than the time that it
    /// takes, with the margin; as near as [`ChangeLimits`] let one change come.
    pub(crate) fn new(measurements: &[Measurement], terms: Terms) -> Result<Self, Error> {
        let now = GasSchedule::default();
        let mut wanted = GasSchedule {
            alpha: Rate::whole(0),
            beta: Rate::whole(0),
            // What a call costs besides, such as a cold account, is not measured here.
            gamma: now.gamma,
        };
        for measurement in measurements {
            let gas = terms.gas(measurement.nanoseconds);
            let work = measurement.work;
            match measurement.priced_by {
                Coefficient::Alpha => {
                    let rate = rate(gas, work.flops, measurement.name, "operations")?;
                    wanted.alpha = wanted.alpha.max(rate);
                }
                Coefficient::Beta => {
                    let rate = rate(gas, work.peak_bytes, measurement.name, "bytes")?;
                    wanted.beta = wanted.beta.max(rate);
                }
                Coefficient::Gamma => {
                    wanted.gamma = wanted.gamma.max(saturating(gas.div_ceil(SCALE)));
                }
            }
        }
        let limits = ChangeLimits::default();
        let factor = limits.max_factor.get();
        let schedule = GasSchedule {
            alpha: nearest(wanted.alpha, now.alpha, factor),
            beta: nearest(wanted.beta, now.beta, factor),
            gamma: wanted.gamma.clamp(now.gamma.div_ceil(factor), now.gamma.saturating_mul(factor)),
        };
        let mut governance = Governance::new(now, limits);
        let activation = terms.block.saturating_add(limits.min_delay.get());
        governance.propose(terms.block, activation, schedule)?;
        Ok(Self { wanted, change: ScheduledChange { decided: terms.block, activation, schedule } })
    }
}

impl Terms {
    /// Gas that so much time is worth, with the margin, in parts of [`SCALE`], rounded up.
    fn gas(&self, nanoseconds: u64) -> u128 {
        // At most 2^40 * 2^64 * 1,100 * 2^10, and times are below an hour.
        let exact = u128::from(self.gas_per_second)
            .saturating_mul(nanoseconds.into())
            .saturating_mul(u128::from(100 + self.margin))
            .saturating_mul(SCALE);
        exact.div_ceil(100 * 1_000_000_000)
    }

    /// How much the work of `measurement` is paid for under `schedule`, in percent of the time that
    /// it takes.
    pub(crate) fn paid_percent(
        &self,
        measurement: &Measurement,
        schedule: &GasSchedule,
    ) -> Result<u64, Error> {
        let cost = schedule.gas(&measurement.work)?;
        let gas = match measurement.priced_by {
            Coefficient::Alpha => cost.gas_ai.saturating_sub(schedule.gamma),
            Coefficient::Beta => cost.gas_inference,
            Coefficient::Gamma => schedule.gamma,
        };
        let due = Self { margin: 0, ..*self }.gas(measurement.nanoseconds);
        Ok(saturating(u128::from(gas).saturating_mul(100 * SCALE) / due.max(1)))
    }
}

/// Gas for each unit, rounded up to a multiple of a millionth, so that a person can read it.
fn rate(gas: u128, units: u64, job: &'static str, what: &'static str) -> Result<Rate, Error> {
    if units == 0 {
        return Err(Error::NoWork { job, what });
    }
    let millionths = gas.saturating_mul(MILLION.into()).div_ceil(SCALE * u128::from(units));
    Ok(Rate::new(saturating(millionths), MILLION)?)
}

/// The rate nearest to `wanted` that is at most `factor` times and at least a part of `now`.
fn nearest(wanted: Rate, now: Rate, factor: u64) -> Rate {
    let highest = Rate { numerator: now.numerator.saturating_mul(factor), ..now };
    let lowest = Rate {
        denominator: now.denominator.saturating_mul(factor.try_into().unwrap_or(NonZeroU64::MIN)),
        ..now
    };
    wanted.clamp(lowest, highest)
}

fn saturating(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Parts of one gas, so that the rounding of times that cost less than one does not count.
const SCALE: u128 = 1_024;
const MILLION: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use lazai_api_types::Work;

    use super::*;

    fn measured(priced_by: Coefficient, units: u64, nanoseconds: u64) -> Measurement {
        let work = match priced_by {
            Coefficient::Alpha => Work { flops: units, peak_bytes: 0 },
            Coefficient::Beta => Work { flops: 0, peak_bytes: units },
            Coefficient::Gamma => Work::default(),
        };
        Measurement { name: "job", model: "", priced_by, work, nanoseconds }
    }

    fn terms(margin: u32) -> Terms {
        Terms { gas_per_second: 30_000_000, margin, block: 1_000 }
    }

    #[test]
    fn the_reference_machine_gets_the_default_schedule() {
        let measurements = [
            measured(Coefficient::Alpha, 100_000_000_000, 1_000_000_000),
            measured(Coefficient::Beta, 30_720_000_000, 1_000_000_000),
            measured(Coefficient::Gamma, 0, 66_666),
        ];
        let proposal = Proposal::new(&measurements, terms(0)).unwrap();
        let GasSchedule { alpha, beta, gamma } = proposal.wanted;
        assert_eq!(alpha, GasSchedule::default().alpha);
        // 1/1,024 = 976.5625 millionths, rounded up.
        assert_eq!((beta, gamma), (Rate::new(977, MILLION).unwrap(), 2_000));
        assert_eq!(proposal.change.schedule, proposal.wanted);
        assert_eq!((proposal.change.decided, proposal.change.activation), (1_000, 8_200));
    }

    #[test]
    fn the_dearest_work_decides_and_the_margin_is_kept() {
        let measurements = [
            measured(Coefficient::Alpha, 100_000_000_000, 1_000_000_000),
            measured(Coefficient::Alpha, 75_000_000_000, 1_000_000_000),
            measured(Coefficient::Beta, 30_720_000_000, 1_000_000_000),
            measured(Coefficient::Gamma, 0, 100_000),
        ];
        let terms = terms(25);
        let Proposal { wanted, change } = Proposal::new(&measurements, terms).unwrap();
        assert_eq!(wanted.alpha, Rate::new(5, 10_000).unwrap());
        assert_eq!(wanted.gamma, 3_750);
        for measurement in &measurements {
            let paid = terms.paid_percent(measurement, &change.schedule).unwrap();
            assert!((125..170).contains(&paid), "{measurement:?} is paid {paid} %");
        }
        assert_eq!(terms.paid_percent(&measurements[0], &GasSchedule::default()).unwrap(), 100);
        assert_eq!(terms.paid_percent(&measurements[1], &GasSchedule::default()).unwrap(), 75);
    }

    #[test]
    fn one_change_goes_as_far_as_governance_lets_it() {
        let slow = [
            measured(Coefficient::Alpha, 1_000, 1_000_000_000),
            measured(Coefficient::Beta, 1_000_000_000_000, 1_000),
            measured(Coefficient::Gamma, 0, u64::MAX),
        ];
        let Proposal { wanted, change } = Proposal::new(&slow, terms(0)).unwrap();
        assert_eq!(wanted.alpha, Rate::whole(30_000));
        let GasSchedule { alpha, beta, gamma } = change.schedule;
        assert_eq!(alpha, Rate::new(6, 10_000).unwrap());
        assert_eq!((beta, gamma), (Rate::new(1, 2_048).unwrap(), 4_000));
    }

    #[test]
    fn work_without_units_is_refused() {
        let error = Proposal::new(&[measured(Coefficient::Alpha, 0, 1)], terms(0)).unwrap_err();
        assert_eq!(error.to_string(), "job has no operations to measure");
    }
}
