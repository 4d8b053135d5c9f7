//! The files of a Hugging Face folder: each that its own tools read is honoured or refused by name.

mod class;
mod files;
mod generation;
mod sentence;
mod settings;
mod tensors;
mod tokenizer;
mod tokenizer_config;
mod tokenizer_file;
mod tokenizer_options;

#[cfg(feature = "chat")]
pub(crate) use class::{class_of, default_tokens};
pub(super) use settings::{read_config, read_settings};
pub(super) use tensors::Tensors;
#[cfg(feature = "chat")]
pub(crate) use tokenizer::own_tokens;
#[cfg(feature = "chat")]
pub(crate) use tokenizer_config::CONFIG as TOKENIZER_CONFIG;
#[cfg(feature = "chat")]
pub(crate) use tokenizer_file::{MAX_TOKENIZER_BYTES, TOKENIZER, is_byte_level};
