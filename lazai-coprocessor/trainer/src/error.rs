use std::path::PathBuf;

/// Why a model was not trained or not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A field of the configuration cannot be used.
    #[error("`{field}` is not {expected}")]
    Config {
        /// The name of the field.
        field: &'static str,
        /// The condition that the field fails.
        expected: &'static str,
    },
    /// The data holds fewer rows than one step needs.
    #[error("the data holds {got} rows of tokens, one step needs {expected}")]
    DataTooSmall {
        /// Rows of one step.
        expected: usize,
        /// Rows in the data.
        got: usize,
    },
    /// A token lies outside the vocabulary.
    #[error("token {got} lies outside the vocabulary of {vocab}")]
    TokenOutOfRange {
        /// The token.
        got: u32,
        /// Tokens in the vocabulary.
        vocab: usize,
    },
    /// The loss is no longer a number.
    #[error("the loss of step {step} is not finite; a lower learning rate may help")]
    Diverged {
        /// The step.
        step: usize,
    },
    /// A tensor could not be read back.
    #[error("reading {name}: {reason}")]
    Tensor {
        /// The name of the tensor.
        name: String,
        /// The message of burn.
        reason: String,
    },
    /// A file could not be written.
    #[error("writing {path}: {source}")]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        source: std::io::Error,
    },
    /// The weights could not be encoded.
    #[error("encoding the weights: {0}")]
    Encode(#[from] safetensors::SafeTensorError),
}
