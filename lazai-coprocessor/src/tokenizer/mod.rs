//! Text to tokens and back. The only module of the engine that names `tokenizers`.
//!
//! Byte-level BPE, SentencePiece BPE with byte fallback, unigram and WordPiece are read from a
//! `tokenizer.json`, which is hostile: a file that could make a short text grow without bound, that
//! is random, or that the crate panics at is refused. A text that spells a special token is refused
//! too; in a rendered chat it is read as ordinary text.

mod added;
mod byte_pairs;
mod decode;
mod encode;
mod error;
mod file;
#[cfg(any(test, feature = "test-utils"))]
pub mod fixtures;
mod growth;
mod inner;
#[cfg(any(test, feature = "test-utils"))]
pub mod json;
mod kind;
mod load;
mod lookahead;
mod meter;
mod normalizer;
mod own;
mod patterns;
mod piece;
mod rates;
mod scan;
mod search;
mod special;
mod stream;
#[cfg(test)]
mod tests;
mod trie;
mod unicode;
mod unigram;
mod word_piece;
mod words;

#[cfg(test)]
pub(crate) use encode::ENCODINGS;
pub use error::TokenizerError;
pub use kind::TokenizerKind;
pub(crate) use kind::{DECODE_MEMORY_PER_BYTE, DECODE_MEMORY_PER_TOKEN, MEMORY_PER_BYTE};
pub use load::Tokenizer;
pub use special::SpecialTexts;
pub use stream::TextStream;
