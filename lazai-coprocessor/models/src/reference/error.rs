use std::borrow::Cow;

use lazai_api_types::IoError;

use crate::gguf::GgufError;

/// Why a checkpoint was refused, or a sequence cannot be run on it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// A file is not the one that its name says, because the download is incomplete.
    #[error("{file} {problem}")]
    Download {
        /// The name of the file.
        file: String,
        /// What is in its place, and what to do.
        problem: &'static str,
    },
    /// A field of a configuration has a value that this version does not read.
    #[error("{file}: field {field} must be {expected}, got {got}")]
    Field {
        /// The name of the file.
        file: String,
        /// The name of the field.
        field: String,
        /// The values that are read.
        expected: Cow<'static, str>,
        /// The value in the file, cut to 64 characters.
        got: String,
    },
    /// A file changes the network in a way that is not implemented.
    #[error("{file} {problem}")]
    File {
        /// The name of the file.
        file: String,
        /// What it does, and what to do.
        problem: &'static str,
    },
    /// The tensor file is not as long as its header says.
    #[error("{file} has {got} bytes, its header describes {expected}: download it again")]
    FileLength {
        /// The name of the file.
        file: String,
        /// The length by the header.
        expected: u64,
        /// The length of the file.
        got: u64,
    },
    /// A file is larger than this version reads.
    #[error("{part} has {got} bytes, more than {max}")]
    FileSize {
        /// The file, or the part of it.
        part: String,
        /// Bytes of the file, or of the part.
        got: u64,
        /// The most bytes that are read.
        max: u64,
    },
    /// The file system refused.
    #[error("{file}: {}", source.kind())]
    Io {
        /// The name of the file.
        file: String,
        /// The error of the file system.
        source: IoError,
    },
    /// A GGUF file was refused.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A key of a GGUF file has a value that this version does not read.
    #[error("key {key} must be {expected}, got {got}")]
    Key {
        /// The name of the key.
        key: String,
        /// The values that are read.
        expected: Cow<'static, str>,
        /// The value in the file, cut to 64 characters.
        got: String,
    },
    /// A sequence is longer than the model's context.
    #[error("the sequence has {got} tokens, more than {max}")]
    Length {
        /// Tokens of the sequence.
        got: usize,
        /// The most there may be.
        max: usize,
    },
    /// A file that the checkpoint needs is absent.
    #[error("{file} is missing: {hint}")]
    MissingFile {
        /// The name of the file.
        file: String,
        /// What to do.
        hint: String,
    },
    /// A tensor that the configuration needs is absent.
    #[error("the checkpoint lacks the tensor {tensor}")]
    MissingTensor {
        /// The name of the tensor.
        tensor: String,
    },
    /// A weight is infinite or not a number.
    #[error("tensor {tensor}: element {index} is not a finite number")]
    NotFinite {
        /// The name of the tensor.
        tensor: String,
        /// The first such element.
        index: usize,
    },
    /// A tensor has another shape than the configuration gives it.
    #[error("tensor {tensor} must have the shape {expected:?}, got {got:?}")]
    Shape {
        /// The name of the tensor.
        tensor: String,
        /// The shape by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// A file is not what its format asks for.
    #[error("{file}: {problem}")]
    Syntax {
        /// The name of the file.
        file: String,
        /// The message of the parser.
        problem: String,
    },
    /// A token is outside the vocabulary.
    #[error("token {got} at position {index} is outside the vocabulary of {vocabulary}")]
    Token {
        /// The position of the token in the sequence.
        index: usize,
        /// The token.
        got: u32,
        /// Tokens of the vocabulary.
        vocabulary: u32,
    },
    /// A tensor has elements of a type that this version does not read.
    #[error("tensor {tensor} must have elements F64, F32, F16 or BF16, got {got}")]
    Type {
        /// The name of the tensor.
        tensor: String,
        /// The type of its elements.
        got: String,
    },
    /// A tensor is present that the configuration gives no meaning, such as a bias.
    #[error("the checkpoint has a tensor that its configuration does not name: {tensor}")]
    UnexpectedTensor {
        /// The name of the tensor, cut to 64 characters.
        tensor: String,
    },
}
