use std::{io, path::PathBuf};

use lazai_coprocessor::{artifact::ArtifactError, kernel::KernelError};
use lazai_halo2::{Halo2Error, SrsError};
use lazai_models::{quantize::QuantizeError, reference::FloatNetworkError};
use lazvm::{BuildError, LazVmError};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the network cannot be loaded: {0}")]
    Artifact(#[from] ArtifactError),
    #[error("the machine cannot be built: {0}")]
    Build(#[from] BuildError),
    #[error("the processor cannot run networks: {0}")]
    Kernel(#[from] KernelError),
    #[error("the network cannot be read: {0}")]
    Network(#[from] FloatNetworkError),
    #[error("{0}")]
    Proof(#[from] Halo2Error),
    #[error("the network cannot be quantized: {0}")]
    Quantize(#[from] QuantizeError),
    #[error("{0} refused a proof that it should accept, or accepted one that it should refuse")]
    Verdict(&'static str),
    #[error("solc: {0}")]
    Solc(String),
    #[error("the reference string cannot be used: {0}")]
    Srs(#[from] SrsError),
    #[error("the transaction failed: {0}")]
    Transaction(String),
    #[error("the precompile returned something else than its interface says: {0}")]
    Interface(#[from] alloy_sol_types::Error),
    #[error("{path} cannot be written: {source}")]
    Write { path: PathBuf, source: io::Error },
}

impl<D: core::fmt::Debug> From<LazVmError<D>> for Error
where
    LazVmError<D>: core::fmt::Display,
{
    fn from(error: LazVmError<D>) -> Self {
        Self::Transaction(error.to_string())
    }
}
