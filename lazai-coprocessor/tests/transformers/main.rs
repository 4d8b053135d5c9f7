//! Real checkpoints against what `transformers` computes with them.
//!
//! `examples/lazai-model/reference/make.py --out DIR` writes the checkpoints; `LAZAI_REFERENCE=DIR` names them. Without
//! it the tests say so and pass. With `--nocapture` they print the figures of docs/benchmarks.md.

mod decoders;
mod encoders;
mod files;
mod folder;
