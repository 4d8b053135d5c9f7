#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

#[cfg(panic = "abort")]
compile_error!(
    "lazai-chat catches panics, and `panic = \"abort\"` ends the process instead: a template could stop this node and no other"
);

mod config;
mod date;
mod engine_error;
mod environment;
mod error;
mod iterators;
mod json;
mod lists;
mod markup;
mod message;
mod paid_text;
mod python_methods;
mod python_text;
mod recursion;
mod rendered;
mod repr;
mod sentinel;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod value_guard;

pub use date::Date;
pub use error::ChatError;
pub use rendered::Rendered;
pub use template::ChatTemplate;
