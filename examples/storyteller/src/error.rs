use std::path::{Path, PathBuf};

/// Why a step of the recipe failed.
#[derive(Debug)]
pub(crate) enum RecipeError {
    /// A file could not be read or written.
    File {
        /// "reading" or "writing".
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// The integers cost more than they may.
    Gate {
        /// Integer perplexity over that of floating point.
        ratio: f64,
    },
    /// A model could not be read, quantized or run.
    Model {
        /// The step that failed.
        action: &'static str,
        source: Box<dyn core::error::Error>,
    },
    /// The tokenizer could not be learnt or read.
    Tokenizer(tokenizers::Error),
    /// The trainer refused or failed.
    #[cfg(feature = "train")]
    Train(lazai_trainer::TrainError),
    /// The trainer is not part of this build.
    #[cfg(not(feature = "train"))]
    TrainerMissing,
}

impl RecipeError {
    pub(crate) fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::file("reading", path)
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::file("writing", path)
    }

    pub(crate) fn model<E: core::error::Error + 'static>(
        action: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Model { action, source: Box::new(source) }
    }

    fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

impl core::fmt::Display for RecipeError {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::File { action, path, source } => {
                write!(formatter, "{action} {}: {source}", path.display())
            }
            Self::Gate { ratio } => {
                write!(formatter, "integer perplexity is {ratio:.6} of fp32: above the gate")
            }
            Self::Model { action, source } => write!(formatter, "{action}: {source}"),
            Self::Tokenizer(error) => write!(formatter, "tokenizer: {error}"),
            #[cfg(feature = "train")]
            Self::Train(error) => write!(formatter, "training: {error}"),
            #[cfg(not(feature = "train"))]
            Self::TrainerMissing => formatter.write_str(
                "this build has no trainer; run\n    \
                 cargo run --release -p storyteller --features train -- <command>",
            ),
        }
    }
}

impl core::error::Error for RecipeError {}

impl From<tokenizers::Error> for RecipeError {
    fn from(error: tokenizers::Error) -> Self {
        Self::Tokenizer(error)
    }
}

#[cfg(feature = "train")]
impl From<lazai_trainer::TrainError> for RecipeError {
    fn from(error: lazai_trainer::TrainError) -> Self {
        Self::Train(error)
    }
}
