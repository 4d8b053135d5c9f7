//! GGUF files: metadata, tensors and the embedded tokenizer, of versions 2 and 3, little-endian.
//!
//! A file is hostile: [`Gguf::open`] bounds every count before it reads, checks where each tensor
//! lies, and reads no weight. [`Gguf::tensor`] reads and dequantizes one tensor, to the same bits
//! as ggml's reference code.

mod dequantize;
mod error;
mod file;
mod header;
mod reader;
mod split;
mod tensor;
mod tokenizer;
mod value;

pub use error::{GgufError, download_problem};

pub use file::Gguf;
pub use tensor::{TensorInfo, TensorKind};
pub(crate) use tokenizer::byte_level::{QWEN2 as QWEN2_WORDS, TEKKEN as TEKKEN_WORDS};
#[cfg(feature = "chat")]
pub(crate) use tokenizer::keys;
pub use value::{Array, Value};

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod writer;
