//! The embedded vocabulary as a `tokenizer.json` of Hugging Face, which makes the tokens of the
//! original.

pub(crate) mod byte_level;
mod charsmap;
mod convert;
mod end;
mod json;
pub(crate) mod keys;
mod sentencepiece;
mod special;
mod start;
mod unigram;
mod vocabulary;
mod wordpiece;

#[cfg(test)]
mod tests;
