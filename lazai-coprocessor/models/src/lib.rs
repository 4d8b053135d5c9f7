#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "chat")]
pub mod chat;
pub mod gguf;
pub mod quantize;
pub mod reference;
pub mod tokenizer;

mod float;
