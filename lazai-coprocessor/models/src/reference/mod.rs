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
pub(crate) mod json;
mod limits;
mod model;
mod note;
mod observer;
mod operators;
mod perplexity;
mod weights;

#[cfg(test)]
pub(crate) mod tests;

use core::fmt::Debug;

pub(crate) use arithmetic::ln;
pub use checkpoint::{Checkpoint, OpenOptions};
pub use compare::{Comparison, compare, integer_scores};
pub use config::{Config, Fields};
pub use error::ReferenceError;
pub use family::{Family, FamilyRules};
#[cfg(test)]
pub(crate) use float_network::tests as float_network_tests;
pub(crate) use float_network::{Block, Dense, Layers, Place};
pub use float_network::{FloatNetwork, FloatNetworkError};
#[cfg(feature = "chat")]
pub(crate) use folder::{class_of, default_tokens, is_byte_level, own_tokens};
pub(crate) use forward::{LayerwiseForward, observe};
pub use gguf::GgufFields;
pub use model::ReferenceModel;
pub use note::Note;
pub use observer::{LayerPoint, Observer, Point};
pub use perplexity::{Perplexity, perplexity};
pub use weights::{WeightName, WeightRole, WeightTransform};

/// Tensors by name, in a file that is read piece by piece.
trait TensorSource: Debug + Send + Sync {
    /// Returns all names, sorted.
    fn names(&self) -> Vec<String>;

    /// Returns the shape of a tensor that can be read and should have `rank` sizes, outermost
    /// first.
    fn shape(&self, name: &str, rank: usize) -> Result<Vec<usize>, ReferenceError>;

    /// Reads the elements of a tensor, all of them finite.
    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError>;

    /// Returns whether two tensors have the same elements.
    fn same(&self, first: &str, second: &str) -> Result<bool, ReferenceError> {
        Ok(self.read(first)? == self.read(second)?)
    }

    /// Reads the `tokenizer.json` that belongs to the tensors, for an embedding of `vocabulary`
    /// rows, and what a user should know of it.
    fn tokenizer_json(&self, vocabulary: u32) -> Result<(Vec<u8>, Vec<Note>), ReferenceError>;
}
