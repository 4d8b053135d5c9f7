//! Checkpoints in GGUF files.

mod describe;
mod fields;
mod refusal;
mod tensors;

pub(super) use describe::describe;
pub use fields::GgufFields;
pub(super) use tensors::is_redundant;
