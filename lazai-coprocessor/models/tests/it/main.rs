//! Real checkpoints against what `transformers` computes with them.
//!
//! `examples/lazai-model/reference/make.py --out DIR` writes the checkpoints; `LAZAI_REFERENCE=DIR`
//! names them. Without it the tests say so and pass. With `--nocapture` they print the figures of
//! docs/benchmarks.md.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests end at the first surprise")]

mod decoders;
mod encoders;
mod files;
mod folder;
mod outside;
mod tokens;
