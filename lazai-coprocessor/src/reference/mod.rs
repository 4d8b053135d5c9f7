//! The 32-bit floating-point model that an integer model is made from and measured against.
//!
//! It reads a Hugging Face folder (`config.json`, `model.safetensors`) of Llama's family and
//! computes in basic operations of fixed order, with series of its own for the exponential and the
//! logarithm: additions, products, quotients and square roots are exactly rounded everywhere, so two
//! machines see the same numbers and calibrate alike. None of it runs when a contract asks a model:
//! that is integers alone.

mod arithmetic;
mod checkpoint;
mod config;
mod error;
mod layer;
mod model;
mod observer;
mod perplexity;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use arithmetic::ln;
pub use checkpoint::Checkpoint;
pub use config::LlamaConfig;
pub use error::ReferenceError;
pub use model::ReferenceModel;
pub use observer::{LayerPoint, Observer, Point};
pub use perplexity::{Perplexity, perplexity};
