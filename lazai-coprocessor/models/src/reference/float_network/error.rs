use lazai_api_types::IoError;

/// Why the file of a [`FloatNetwork`](super::FloatNetwork) was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FloatNetworkError {
    /// The file system refused.
    #[error("the network's file: {}", source.kind())]
    Io {
        /// The error of the file system.
        source: IoError,
    },
    /// Something is outside what this version reads.
    #[error("{what} is {got}, outside {min} to {max}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The number in the file.
        got: u64,
        /// The smallest allowed.
        min: u64,
        /// The largest allowed.
        max: u64,
    },
    /// The header or the manifest does not parse.
    #[error("the {part} does not parse: {message}")]
    Syntax {
        /// `header` or `manifest`.
        part: &'static str,
        /// The message of the parser.
        message: String,
    },
    /// A tensor that the network needs is absent.
    #[error("tensor {tensor} is missing")]
    MissingTensor {
        /// The name of the tensor.
        tensor: String,
    },
    /// A tensor that the network does not need is present.
    #[error("tensor {tensor:?} has no meaning in this network")]
    UnusedTensor {
        /// The name of the tensor, cut to 64 characters.
        tensor: String,
    },
    /// A tensor has another type or shape than the network needs.
    #[error("tensor {tensor} must be {expected}, got {got}")]
    Tensor {
        /// The name of the tensor.
        tensor: String,
        /// The type and shape that the network needs.
        expected: String,
        /// The type and shape in the file.
        got: String,
    },
    /// A number is infinite or not a number.
    #[error("tensor {tensor}: element {index} is not a finite number")]
    NotFinite {
        /// The name of the tensor.
        tensor: String,
        /// The first such element.
        index: usize,
    },
}
