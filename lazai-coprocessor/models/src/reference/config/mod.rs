//! The `config.json` of a checkpoint, field by field. [`Config`](super::Config), which a family
//! makes of it, is defined beside [`Family`](super::Family), in `family/rules.rs`.

mod fields;
mod neutral;
pub(super) mod rotary;
mod token_rules;

pub(super) use fields::FILE;
pub use fields::Fields;
pub(super) use neutral::check_neutral;
pub(super) use token_rules::check_rules;
