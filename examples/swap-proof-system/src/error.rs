use alloy_sol_types::SolInterface;
use lazai_api_types::PortError;
use lazai_precompiles::abi::ILazErrors::ILazErrorsErrors;
use lazvm::{
    BuildError, LazVmError,
    revm::{context_interface::result::ExecutionResult, primitives::Bytes},
};

use crate::abi::Results::ResultsErrors;

/// Why the demonstration ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the machine cannot be built: {0}")]
    Build(#[from] BuildError),
    #[error("the contract returned something else than its interface says: {0}")]
    Interface(#[from] alloy_sol_types::Error),
    #[error("no proof: {0}")]
    Proof(#[from] PortError),
    #[error("{0}")]
    Reverted(String),
    #[error("the transaction failed: {0}")]
    Transaction(String),
    #[error(
        "the model has {weights} weights and the input {features} features: give one for each, and an answer of 32 bits"
    )]
    Unanswered { weights: usize, features: usize },
    #[error("{0} was accepted, which must never be")]
    Unsound(String),
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

/// What the contract or a precompile says in a revert.
fn reason(output: &[u8]) -> String {
    match (
        ResultsErrors::abi_decode_validate(output),
        ILazErrorsErrors::abi_decode_validate(output),
    ) {
        (Ok(error), _) => format!("the contract refused: {error:?}"),
        (_, Ok(error)) => format!("the precompile refused: {error:?}"),
        _ => format!("the contract reverted with {}", Bytes::copy_from_slice(output)),
    }
}
