//! The rules of headers.

mod base_fee;
mod blobs;
mod error;
mod fields;
mod rules;
mod work;

pub use base_fee::next_base_fee;
pub use error::HeaderError;
pub use rules::check_header;
pub use work::difficulty;
