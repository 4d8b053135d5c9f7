//! The `config.json` of a checkpoint.

mod fields;
mod neutral;
mod reading;
pub(super) mod rotary;
mod rules;

pub(super) use fields::FILE;
pub use fields::Fields;
pub(super) use rules::check_rules;
