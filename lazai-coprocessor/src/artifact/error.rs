use lazai_api_types::ModelId;

use crate::{kernel::KernelError, program::ProgramError};

/// Why an artifact was refused.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A tensor stands where its integers cannot be read in place.
    #[error(
        "a tensor must start at a multiple of the size of its integers; write the artifact again with this version"
    )]
    Alignment,
    /// The container is not written the one way that its content has.
    #[error("the {part} is not in canonical form; write the artifact again with this version")]
    NotCanonical {
        /// `header` or `manifest`.
        part: &'static str,
    },
    /// The header claims more than the file or this version holds.
    #[error("{what} is {got}, but must be at most {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// What the file claims.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// The file ends before its header says.
    #[error("the file has {got} bytes, but its header needs {expected}")]
    Length {
        /// Bytes that the header needs.
        expected: u64,
        /// Bytes of the file.
        got: u64,
    },
    /// The header or the manifest does not parse.
    #[error("the {part} does not parse: {message}")]
    Syntax {
        /// `header` or `manifest`.
        part: &'static str,
        /// What the parser says.
        message: String,
    },
    /// The manifest was written for another version of the numerics.
    #[error("the artifact follows numerics version {got}; this build runs version {expected}")]
    SpecVersion {
        /// The version of this build.
        expected: u32,
        /// The version of the artifact.
        got: u32,
    },
    /// A tensor that the program needs is absent.
    #[error("tensor {name:?} is missing")]
    MissingTensor {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor that nothing needs is present.
    #[error("tensor {name:?} is not used by the program")]
    UnusedTensor {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor has another type or shape than the program needs.
    #[error("tensor {name:?} is {got}, but the program needs {expected}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// Type and shape that the program needs.
        expected: String,
        /// Type and shape in the file.
        got: String,
    },
    /// A table of a nonlinear operator cannot be made.
    #[error("a table cannot be made: {message}")]
    Table {
        /// What the table generator says.
        message: String,
    },
    /// The first entry of a table is not the one on which the kernels rely.
    #[error("the first entry of {table} is {got}, but must be {expected}")]
    Entry {
        /// Name of the table.
        table: &'static str,
        /// The entry.
        got: u64,
        /// What it must be.
        expected: u64,
    },
    /// A field of the manifest is out of range.
    #[error("manifest field {field} is {got}, but must be from {min} to {max}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        got: u64,
        /// The smallest allowed.
        min: u64,
        /// The largest allowed.
        max: u64,
    },
    /// The bytes are not those of the model that was asked for.
    #[error("the artifact is model {got}, but model {expected} was expected")]
    Identity {
        /// The model that was asked for.
        expected: ModelId,
        /// The model that the bytes are.
        got: ModelId,
    },
    /// A weight matrix breaks a bound on which the kernels rely.
    #[error("weight matrix {name:?}: {source}")]
    Weight {
        /// Name of the matrix.
        name: String,
        /// The broken bound.
        source: KernelError,
    },
    /// A model reads tokens, but the artifact holds a network that reads a tensor.
    #[error("the artifact holds a network that reads a tensor, not a model; load it as a network")]
    ReadsTensor,
    /// The program is malformed.
    #[error("the program is malformed: {0}")]
    Program(#[from] ProgramError),
    /// The tokenizer does not parse or contradicts the vocabulary.
    #[error("the tokenizer is malformed: {message}")]
    Tokenizer {
        /// What is wrong.
        message: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
}
