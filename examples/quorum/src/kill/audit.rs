use core::num::NonZeroU64;
use std::{fs, io, path::Path, sync::Arc};

use alloy_primitives::B256;
use lazai_api_types::chain::ExecutionError;
use lazai_consensus::verifier::QuorumVerifier;
use lazvm_executor::{Devices, LazVmExecutor, OpenError};

use crate::{
    device::{DeviceError, storyteller},
    fleet::Ledger,
    node::{ChainSetupError, genesis},
};

/// What the files of a validator that does not run come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Audited {
    /// The last block of the journal.
    pub height: u64,
    /// The state root after it.
    pub state_root: B256,
    /// Blocks that were executed again, which is all of them.
    pub replayed: u64,
}

/// Opens the files of validator `index` below `folder` and holds them against what it had told: each block that it
/// acknowledged must be there, and executing the journal from its first block must give the state that it has.
///
/// # Errors
/// [`AuditError`] says what is missing or different.
pub fn audit(
    index: usize,
    seats: usize,
    folder: &Path,
    ledger: &Ledger,
) -> Result<Audited, AuditError> {
    let (device, model) = storyteller(1)?;
    let open = |folder: &Path| {
        let devices = Devices {
            coprocessor: device.clone(),
            verifiers: vec![Arc::new(QuorumVerifier::new())],
        };
        let genesis = genesis(model, seats).map_err(AuditError::Setup)?;
        Ok::<_, AuditError>(LazVmExecutor::open(genesis, devices, folder, NonZeroU64::MAX)?)
    };
    // With the snapshot, as the validator would start; the lock goes with the block.
    let status = {
        let (executor, _) = open(&folder.join("state"))?;
        for (height, digest, _) in ledger.blocks().take_while(|block| block.0 <= ledger.tip(index))
        {
            let got = executor.digest(height)?;
            if got != Some(digest) {
                return Err(AuditError::Lost { index, height, expected: digest, got });
            }
        }
        executor.status()?
    };
    // From the first block, on a copy of the journal alone.
    let copy = folder.join("audit");
    fs::create_dir_all(&copy)?;
    fs::copy(folder.join("state").join("journal"), copy.join("journal"))?;
    let (executor, opened) = open(&copy)?;
    let replayed = executor.status()?;
    drop(executor);
    fs::remove_dir_all(&copy)?;
    if (replayed.height, replayed.state_root) != (status.height, status.state_root) {
        let (expected, got) = (replayed.state_root, status.state_root);
        return Err(AuditError::State { index, height: status.height, expected, got });
    }
    Ok(Audited { height: status.height, state_root: status.state_root, replayed: opened.replayed })
}

/// Why the files of a validator are not what they must be.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The model cannot be run.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The executor does not answer.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The files cannot be copied.
    #[error("the files of a validator cannot be copied: {0}")]
    Io(#[from] io::Error),
    /// A block that was acknowledged is not there.
    #[error("validator {index} acknowledged block {height} as {expected}, and has {got:?}")]
    Lost {
        /// Which validator.
        index: usize,
        /// The height of the block.
        height: u64,
        /// The block that was acknowledged.
        expected: B256,
        /// The block that is there.
        got: Option<B256>,
    },
    /// The files cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The example's keys do not make a chain.
    #[error(transparent)]
    Setup(#[from] ChainSetupError),
    /// The state is not what the journal gives.
    #[error(
        "validator {index} has the state {got} at block {height}, its journal gives {expected}"
    )]
    State {
        /// Which validator.
        index: usize,
        /// The last block.
        height: u64,
        /// The state root by the journal.
        expected: B256,
        /// The state root of the validator.
        got: B256,
    },
}
