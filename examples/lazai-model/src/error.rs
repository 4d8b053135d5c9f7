use std::{
    io,
    path::{Path, PathBuf},
};

use lazai_api_types::{PortError, Rejection, WorkOverflow};
use lazai_chat::ChatError;
use lazai_coprocessor::{
    ExecutionError, TokenizerError, artifact::ArtifactError, kernel::KernelError,
};
use lazai_models::{chat::TemplateError, quantize::QuantizeError, reference::ReferenceError};

/// Why a command failed, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{} cannot be loaded: {source}; expected an artifact that `lazai-model convert` wrote", .path.display())]
    Artifact { path: PathBuf, source: ArtifactError },
    #[error("{} is a checkpoint; run `lazai-model convert {} --out FILE` and give that file", .path.display(), .path.display())]
    ArtifactExpected { path: PathBuf },
    #[error("the chat cannot go on: {0}")]
    Chat(ChatError),
    #[error("the template needs the day: give one with --date")]
    ChatDate,
    #[error("{} cannot be used as a chat template: {source}", .path.display())]
    ChatTemplate { path: PathBuf, source: TemplateError },
    #[error("{} cannot be read: {source}", .path.display())]
    Checkpoint { path: PathBuf, source: ReferenceError },
    #[error("{} is neither a Hugging Face folder nor a GGUF file", .path.display())]
    CheckpointExpected { path: PathBuf },
    #[error("{what} needs {got} positions, but the model's context has {max}: lower {options}")]
    Context { what: &'static str, got: u64, max: u64, options: &'static str },
    #[error("{} {problem}", .path.display())]
    Download { path: PathBuf, problem: &'static str },
    #[error("{action} {}: {source}", .path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} has more than {max} bytes: cut it", .path.display())]
    FileSize { path: PathBuf, max: u64 },
    #[error(
        "there is no folder {name} here, and nothing is downloaded: run `hf download {name} --local-dir {folder}` and give {folder}"
    )]
    Hub { name: String, folder: String },
    #[error("the processor cannot run models: {0}")]
    Kernel(KernelError),
    #[error("the template has no variable {name}: leave out --flag {name}")]
    NoFlag { name: String },
    #[error("there are no tokens: give at least one")]
    NoTokens,
    #[error("the model cannot be run: {0}")]
    Port(PortError),
    #[error("--out {}: {problem}", .path.display())]
    Out { path: PathBuf, problem: &'static str },
    #[error("the model cannot be quantized: {0}")]
    Quantize(QuantizeError),
    #[error("{} has a vocabulary of {got} tokens, but the artifact {expected}: give the checkpoint that the artifact was made from", .path.display())]
    ReferenceVocabulary { path: PathBuf, expected: u32, got: u32 },
    #[error("the reference cannot be run: {0}")]
    Reference(ReferenceError),
    #[error("the model cannot be run: {0}")]
    Run(ExecutionError),
    #[error("{problem}: leave out --system, and write it before your first line instead")]
    SystemTurn { problem: String },
    #[error("--stop is given {got} times: give it at most {max} times")]
    StopTexts { got: usize, max: usize },
    #[error("{what}: {source}")]
    Text { what: String, source: Rejection },
    #[error("{} is not UTF-8 text: byte {offset} is malformed", .path.display())]
    TextEncoding { path: PathBuf, offset: usize },
    #[error("{what} has {got} tokens, but two are needed: give a longer text")]
    TextLength { what: String, got: usize },
    #[error("{}: {source}", .path.display())]
    Tokenizer { path: PathBuf, source: TokenizerError },
    #[error("{} has no tokenizer.json beside its weights: put it there, or name it with --tokenizer", .path.display())]
    TokenizerMissing { path: PathBuf },
    #[error("the model cannot {task}: {hint}")]
    Unsupported { task: &'static str, hint: &'static str },
    #[error("the artifact cannot be written: {0}")]
    Written(ArtifactError),
    #[error("the work of a token exceeds 64 bits")]
    Work(#[from] WorkOverflow),
}

impl Error {
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::file("reading", path)
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::file("writing", path)
    }

    pub(crate) fn checkpoint(path: &Path) -> impl FnOnce(ReferenceError) -> Self {
        let path = path.to_owned();
        move |source| Self::Checkpoint { path, source }
    }

    pub(crate) fn artifact(path: &Path) -> impl FnOnce(ArtifactError) -> Self {
        let path = path.to_owned();
        move |source| Self::Artifact { path, source }
    }

    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
