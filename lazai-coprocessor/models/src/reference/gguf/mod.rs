//! Checkpoints in GGUF files.

mod fields;
mod refusal;
mod tensors;

pub use fields::GgufFields;
pub(super) use refusal::refused;
pub(super) use tensors::is_redundant;
