use alloc::vec::Vec;
use core::{fmt, num::NonZeroU64};

use crate::{GasSchedule, Rate};

/// The gas schedule of a chain over time: where it began, and every change that was decided since.
///
/// A schedule changes by a decision alone, by a bounded step, at a block that is announced before;
/// between a decision and its block, no other is taken. So a price that someone saw holds for at
/// least [`ChangeLimits::min_delay`] blocks, and at any time one knows the next. Who may decide is
/// the chain's own matter. A coefficient of 0 stays 0.
///
/// # Examples
/// ```
/// use lazai_gas::{ChangeLimits, GasSchedule, Governance};
///
/// let mut governance = Governance::new(GasSchedule::default(), ChangeLimits::default());
/// let dearer = GasSchedule { gamma: 3_000, ..GasSchedule::default() };
/// governance.propose(1_000, 50_000, dearer)?;
/// assert_eq!(governance.schedule_at(49_999).gamma, 2_000);
/// assert_eq!(governance.schedule_at(50_000).gamma, 3_000);
/// # Ok::<(), lazai_gas::GovernanceError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "History"))]
pub struct Governance {
    genesis: GasSchedule,
    limits: ChangeLimits,
    /// By activation; only the last may be pending.
    changes: Vec<ScheduledChange>,
}

impl Governance {
    /// Makes the schedules of a chain that begins with `genesis`.
    #[must_use]
    pub const fn new(genesis: GasSchedule, limits: ChangeLimits) -> Self {
        Self { genesis, limits, changes: Vec::new() }
    }

    /// Decides at block `now` that `schedule` holds from block `activation`.
    ///
    /// # Errors
    /// [`GovernanceError`] says which rule refuses it; nothing is changed then.
    pub fn propose(
        &mut self,
        now: u64,
        activation: u64,
        schedule: GasSchedule,
    ) -> Result<(), GovernanceError> {
        if let Some(pending) = self.pending(now) {
            return Err(GovernanceError::ChangePending { activation: pending.activation, now });
        }
        let earliest = now.checked_add(self.limits.min_delay.get());
        if earliest.is_none_or(|earliest| activation < earliest) {
            let expected = earliest.unwrap_or(u64::MAX);
            return Err(GovernanceError::TooEarly { expected, got: activation });
        }
        self.limits.check_step(self.schedule_at(now), &schedule)?;
        self.changes.push(ScheduledChange { decided: now, activation, schedule });
        Ok(())
    }

    /// Withdraws the change that is pending at block `now`.
    ///
    /// # Errors
    /// [`GovernanceError::NothingPending`] if there is none.
    pub fn cancel(&mut self, now: u64) -> Result<ScheduledChange, GovernanceError> {
        let none = GovernanceError::NothingPending { now };
        self.changes.pop_if(|change| change.activation > now).ok_or(none)
    }

    /// Returns the schedule that prices block `block`, past or to come.
    #[must_use]
    pub fn schedule_at(&self, block: u64) -> &GasSchedule {
        let active = self.changes.partition_point(|change| change.activation <= block);
        self.changes[..active].last().map_or(&self.genesis, |change| &change.schedule)
    }

    /// Returns the change that is decided at block `now` and not active yet.
    #[must_use]
    pub fn pending(&self, now: u64) -> Option<&ScheduledChange> {
        self.changes.last().filter(|change| change.activation > now)
    }

    /// Returns every change, by activation.
    #[must_use]
    pub fn changes(&self) -> &[ScheduledChange] {
        &self.changes
    }

    /// Returns the limits of a change.
    #[must_use]
    pub const fn limits(&self) -> &ChangeLimits {
        &self.limits
    }
}

impl Default for Governance {
    /// The reference schedule, as nobody has changed it yet.
    fn default() -> Self {
        Self::new(GasSchedule::default(), ChangeLimits::default())
    }
}

/// A gas schedule that holds from a block on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ScheduledChange {
    /// The block at which it was decided.
    pub decided: u64,
    /// The first block that it prices.
    pub activation: u64,
    /// The new schedule.
    pub schedule: GasSchedule,
}

/// What one change of the schedule may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ChangeLimits {
    /// A coefficient grows to at most this multiple, and shrinks to at least this part.
    pub max_factor: NonZeroU64,
    /// Blocks from a decision to its activation, at least.
    pub min_delay: NonZeroU64,
}

impl ChangeLimits {
    fn check_step(&self, from: &GasSchedule, to: &GasSchedule) -> Result<(), GovernanceError> {
        for (parameter, from, to) in [
            (Parameter::Alpha, from.alpha, to.alpha),
            (Parameter::Beta, from.beta, to.beta),
            (Parameter::Gamma, Rate::whole(from.gamma), Rate::whole(to.gamma)),
        ] {
            let factor = self.max_factor;
            if !to.is_within(factor, &from) {
                return Err(GovernanceError::StepTooLarge { parameter, from, factor, got: to });
            }
        }
        Ok(())
    }
}

impl Default for ChangeLimits {
    /// Allows at most twice and at least half, a day of 12-second blocks ahead.
    fn default() -> Self {
        Self {
            max_factor: const { NonZeroU64::new(2).expect("2 is not 0") },
            min_delay: const { NonZeroU64::new(7_200).expect("7,200 is not 0") },
        }
    }
}

/// A coefficient of a [`GasSchedule`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parameter {
    /// [`GasSchedule::alpha`].
    Alpha,
    /// [`GasSchedule::beta`].
    Beta,
    /// [`GasSchedule::gamma`].
    Gamma,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Gamma => "gamma",
        })
    }
}

/// Why a decision about the gas schedule is refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GovernanceError {
    /// An earlier decision is not active yet.
    #[error("expected no pending change at block {now}, got one that activates at {activation}")]
    ChangePending {
        /// The activation block of the change.
        activation: u64,
        /// The block of the refused decision.
        now: u64,
    },
    /// There is nothing to withdraw.
    #[error("expected a pending change at block {now}, got none")]
    NothingPending {
        /// The block of the refused withdrawal.
        now: u64,
    },
    /// A coefficient moves too far at once.
    #[error("expected {parameter} within a factor of {factor} of {from}, got {got}")]
    StepTooLarge {
        /// The coefficient.
        parameter: Parameter,
        /// The present value of the coefficient.
        from: Rate,
        /// The greatest factor allowed either way.
        factor: NonZeroU64,
        /// The value asked for.
        got: Rate,
    },
    /// The activation block is past or too near.
    #[error("expected activation at block {expected} or later, got {got}")]
    TooEarly {
        /// The first block allowed; [`u64::MAX`] if no block is.
        expected: u64,
        /// The block asked for.
        got: u64,
    },
}

/// A [`Governance`] as read from outside, before its decisions are checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    genesis: GasSchedule,
    limits: ChangeLimits,
    changes: Vec<ScheduledChange>,
}

#[cfg(feature = "serde")]
impl TryFrom<History> for Governance {
    type Error = GovernanceError;

    fn try_from(history: History) -> Result<Self, GovernanceError> {
        let mut governance = Self::new(history.genesis, history.limits);
        for ScheduledChange { decided, activation, schedule } in history.changes {
            governance.propose(decided, activation, schedule)?;
        }
        Ok(governance)
    }
}

#[cfg(test)]
mod tests;
