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
mod gguf_description;
pub(crate) mod json;
mod limits;
mod model;
mod note;
mod observer;
mod open_options;
mod operators;
mod perplexity;
mod tensor_source;
mod weights;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use arithmetic::ln;
pub use checkpoint::Checkpoint;
pub use compare::{Comparison, compare, integer_scores};
pub use config::Fields;
pub use error::ReferenceError;
pub use family::{Config, Family, FamilyRules};
#[cfg(test)]
pub(crate) use float_network::tests as float_network_tests;
pub(crate) use float_network::{Block, Dense, Layers, Place};
pub use float_network::{FloatNetwork, FloatNetworkError};
#[cfg(feature = "chat")]
pub(crate) use folder::{
    MAX_TOKENIZER_BYTES, TOKENIZER, TOKENIZER_CONFIG, class_of, default_tokens, is_byte_level,
    own_tokens,
};
pub(crate) use forward::{LayerwiseForward, observe};
pub use gguf::GgufFields;
pub use model::ReferenceModel;
pub use note::Note;
pub use observer::{LayerPoint, Observer, Point};
pub use open_options::OpenOptions;
pub use perplexity::{Perplexity, perplexity};
pub use weights::{WeightName, WeightRole, WeightTransform};
