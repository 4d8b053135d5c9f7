use std::path::PathBuf;

use alloy_sol_types::SolInterface;
use lazai_coprocessor::{artifact::ArtifactError, kernel::KernelError};
use lazai_precompiles::abi::ILazErrors::ILazErrorsErrors;
use lazvm::{
    BuildError, LazVmError, TaskKind,
    revm::{context_interface::result::ExecutionResult, primitives::Bytes},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the machine cannot be built: {0}")]
    Build(#[from] BuildError),
    #[error(
        "the answer may cost {got} gas, above the block's {max}: lower --max-tokens, or ask a smaller model"
    )]
    BlockGas { got: u64, max: u64 },
    #[error("the contract returned something else than its interface says: {0}")]
    Interface(#[from] alloy_sol_types::Error),
    #[error("the processor cannot run models: {0}")]
    Kernel(#[from] KernelError),
    #[error("the model {} cannot be loaded: {source}", name(path.as_ref()))]
    Model { path: Option<PathBuf>, source: ArtifactError },
    #[error("{0}")]
    Reverted(String),
    #[error("the transaction failed: {0}")]
    Transaction(String),
}

impl<D: core::fmt::Debug> From<LazVmError<D>> for Error
where
    LazVmError<D>: core::fmt::Display,
{
    fn from(error: LazVmError<D>) -> Self {
        Self::Transaction(error.to_string())
    }
}

/// What a successful transaction returned.
pub(crate) fn output(result: &ExecutionResult) -> Result<&Bytes, Error> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.data()),
        ExecutionResult::Revert { output, .. } => Err(Error::Reverted(reason(output))),
        ExecutionResult::Halt { reason, .. } => Err(Error::Transaction(format!("{reason:?}"))),
    }
}

/// What a precompile says in a revert, in words.
fn reason(output: &[u8]) -> String {
    use ILazErrorsErrors as E;
    match E::abi_decode_validate(output) {
        Ok(E::EmptyPrompt(_)) => "the prompt is empty".to_owned(),
        Ok(E::InputTooLong(error)) => {
            format!("the prompt takes {} bytes, above the limit {}", error.got, error.max)
        }
        Ok(E::InvalidMaxTokens(error)) => format!(
            "--max-tokens is {}, but the model's context leaves room for {} after the prompt",
            error.got, error.max
        ),
        Ok(E::InvalidText(_)) => "the model's tokenizer cannot read the prompt".to_owned(),
        Ok(E::PromptTooLong(error)) => {
            format!("the prompt has {} tokens, but the model's context {}", error.got, error.max)
        }
        Ok(E::SpecialToken(error)) => format!(
            "the prompt spells a special token at byte {}, which only the model itself may write",
            error.offset
        ),
        Ok(E::UnsupportedTask(error)) => {
            let kind = u8::try_from(error.task).ok().and_then(TaskKind::from_code);
            format!("the model cannot {}", kind.map_or_else(String::new, |kind| kind.to_string()))
        }
        Ok(error) => format!("the precompile refused: {error:?}"),
        Err(_) => format!("the contract reverted with {}", Bytes::copy_from_slice(output)),
    }
}

fn name(path: Option<&PathBuf>) -> String {
    path.map_or_else(|| "that is built in".to_owned(), |path| path.display().to_string())
}
