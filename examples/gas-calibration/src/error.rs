use std::{io, path::PathBuf};

use lazai_api_types::{DuplicateVerifier, PortError, WorkOverflow};
use lazai_coprocessor::{artifact::ArtifactError, kernel::KernelError};
use lazai_gas::{GovernanceError, LimitExceeded, RateError};

/// Why there is no proposal or picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{job} cannot be measured: {source}")]
    Job { job: &'static str, source: PortError },
    #[error("the processor cannot run models: {0}")]
    Kernel(#[from] KernelError),
    #[error("a model cannot be loaded: {0}")]
    Model(#[from] ArtifactError),
    #[error("{job} has no {what} to measure")]
    NoWork { job: &'static str, what: &'static str },
    #[error("the change would not be taken: {0}")]
    Proposal(#[from] GovernanceError),
    #[error("a rate does not fit 64 bits: {0}")]
    Rate(#[from] RateError),
    #[error("the simulated block is too full: {0}")]
    Week(#[from] LimitExceeded),
    #[error("the gas does not fit 64 bits: {0}")]
    Work(#[from] WorkOverflow),
    #[error("the precompiles cannot be made: {0}")]
    Precompiles(#[from] DuplicateVerifier),
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}
