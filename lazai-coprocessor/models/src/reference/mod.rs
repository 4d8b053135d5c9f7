//! The 32-bit floating-point model that an integer model is made from and measured against.
//!
//! It reads checkpoints ([`Checkpoint`]) of Llama's family, GPT-2 and BERT and computes in basic
//! operations of fixed order, with series of its own for the exponential and the logarithm:
//! additions, products, quotients and square roots are exactly rounded everywhere, so two machines
//! see the same numbers and calibrate alike. None of it runs when a contract asks a model: that is
//! integers alone.

mod arithmetic;
mod checkpoint;
mod compare;
mod config;
mod error;
mod family;
mod float_network;
mod folder;
mod forward;
mod gguf;
mod limits;
mod model;
mod observer;
mod operators;
mod perplexity;
mod weights;

#[cfg(test)]
pub(crate) mod tests;

use core::fmt::Debug;

pub(crate) use arithmetic::ln;
pub use checkpoint::Checkpoint;
pub use compare::{Comparison, compare, integer_scores};
pub use config::Config;
pub use error::ReferenceError;
pub use family::Family;
#[cfg(test)]
pub(crate) use float_network::tests as float_network_tests;
pub(crate) use float_network::{Block, Dense, Layers, Place};
pub use float_network::{FloatNetwork, FloatNetworkError};
pub(crate) use forward::{LayerwiseForward, observe};
pub use model::ReferenceModel;
pub use observer::{LayerPoint, Observer, Point};
pub use perplexity::{Perplexity, perplexity};

/// Tensors by name, in a file that is read piece by piece.
trait TensorSource: Debug + Send + Sync {
    /// Returns all names, sorted.
    fn names(&self) -> Vec<String>;

    /// Returns the shape of a tensor that can be read, outermost first.
    fn shape(&self, name: &str) -> Result<Vec<usize>, ReferenceError>;

    /// Reads the elements of a tensor, all of them finite.
    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError>;

    /// Reads the `tokenizer.json` that belongs to the tensors.
    fn tokenizer_json(&self) -> Result<Vec<u8>, ReferenceError>;
}
