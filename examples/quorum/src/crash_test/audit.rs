use core::num::NonZeroU64;
use std::{fs, path::Path};

use alloy_primitives::B256;
use lazvm_executor::LazVmExecutor;

use crate::{
    crash_test::AuditError,
    device::storyteller,
    fleet::FinalBlocks,
    node::{devices, genesis},
};

/// What the files of a stopped validator hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Audited {
    /// Height of the last block in the journal.
    pub height: u64,
    /// State root after that block.
    pub state_root: B256,
    /// Number of blocks that were executed again: all of them.
    pub replayed: u64,
}

/// Compares the files of validator `index` in `folder` with the blocks that it had announced.
///
/// Each of its blocks in `announced` must be there, and executing the journal from its first block
/// must give the state that the validator has.
///
/// # Errors
/// [`AuditError`] says what is missing or different.
pub fn audit(
    index: usize,
    validators: usize,
    folder: &Path,
    announced: &FinalBlocks,
) -> Result<Audited, AuditError> {
    let (cpu, model) = storyteller(1)?;
    let open = |folder: &Path| {
        let genesis = genesis(model, validators)?;
        let opened = LazVmExecutor::open(genesis, devices(&cpu), folder, NonZeroU64::MAX)?;
        Ok::<_, AuditError>(opened)
    };
    // With the snapshot, as the validator itself starts. The lock of the folder is released with
    // the executor.
    let status = {
        let (executor, _) = open(&folder.join("state"))?;
        let tip = announced.tip(index);
        for (height, digest, _) in announced.blocks().take_while(|block| block.0 <= tip) {
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
