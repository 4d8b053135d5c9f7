#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::float_arithmetic)]
// Tests compute what they expect with plain operators, which panic where they overflow.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

extern crate alloc;

mod estimate;
mod exponential;
mod governance;
mod market;
mod rate;
mod resource;
mod rule;
mod schedule;
mod tariff;
mod wide;

pub use estimate::{EstimateError, GasEstimate, GasPrice};
pub use exponential::fake_exponential;
pub use governance::{ChangeLimits, Governance, GovernanceError, Parameter, ScheduledChange};
pub use market::{FeeMarket, LimitExceeded, ResourceMarket, refund};
pub use rate::{Rate, RateError};
pub use resource::{Resource, Resources};
pub use rule::{Eip1559, ExponentialExcess, FeeLevel, FeeRule, FeeRuleError};
pub use schedule::GasSchedule;
pub use tariff::TokenTariff;
