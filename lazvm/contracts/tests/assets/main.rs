//! Jobs, models and tokens in an EVM, each function in success and in each revert.

// The exemption for tests does not reach their helpers.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "an expected error is written where it is compared"
)]

mod coverage;
mod escrow;
mod jobs;
mod models;
mod prices;
mod quorum;
mod revenue;
mod seal;
mod token;
mod world;

/// What is done on a chain of its own: a test each, and all of them for the table of coverage.
macro_rules! scenarios {
    ($($name:ident,)+) => {
        pub(crate) const SCENARIOS: &[fn(&mut $crate::world::World)] = &[$($name),+];

        mod scenarios {
            $(#[test]
            fn $name() {
                super::$name(&mut $crate::world::World::new());
            })+
        }
    };
}
use scenarios;
