use std::sync::Arc;

use alloy_primitives::B256;
use lazai_api_types::chain::{Block, BlockExecutionError};

use crate::{
    GenesisError, JournalError, SnapshotError, StoreError,
    execution::{Machine, context_of, wrong_root},
    journal::Journal,
    payload,
    receipts::Receipts,
    snapshot,
    state::ChainState,
    store::Store,
};

/// What the blocks of a journal come to.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) state: Arc<ChainState>,
    pub(crate) digests: Vec<B256>,
    pub(crate) receipts: Receipts,
    /// When the last block was proposed.
    pub(crate) timestamp_ms: u64,
    /// Blocks that were executed.
    executed: u64,
    /// A state further on, to go on from when its block comes.
    snapshot: Option<ChainState>,
}

/// Brings the state of a folder to the last block of its journal: from the snapshot where it is
/// sound, and from the genesis block where it is not.
pub(crate) fn open(
    machine: &Machine,
    store: &Store,
) -> Result<(Replayed, Journal, Opened), OpenError> {
    let genesis = machine.root;
    let mut refused = None;
    if let Some(bytes) = store.snapshot()? {
        match with_snapshot(machine, store, genesis, &bytes) {
            Err(OpenError::Snapshot(error)) => refused = Some(error),
            done => return done,
        }
    }
    let mut replayed = Replayed::genesis(machine);
    let (journal, cut_bytes) =
        Journal::open(&store.journal(), genesis, |block| replayed.add(machine, &block))?;
    let opened = Opened {
        height: journal.height(),
        snapshot_height: 0,
        replayed: replayed.executed,
        cut_bytes,
        snapshot_refused: refused,
    };
    Ok((replayed, journal, opened))
}

fn with_snapshot(
    machine: &Machine,
    store: &Store,
    genesis: B256,
    bytes: &[u8],
) -> Result<(Replayed, Journal, Opened), OpenError> {
    let snapshot = snapshot::decode(bytes, &machine.genesis, genesis)?;
    let snapshot_height = snapshot.height;
    let mut replayed = Replayed::genesis(machine);
    replayed.snapshot = Some(snapshot);
    let (journal, cut_bytes) =
        Journal::open(&store.journal(), genesis, |block| replayed.add(machine, &block))?;
    let height = journal.height();
    if replayed.snapshot.is_some() {
        return Err(SnapshotError::Ahead { last: height, got: snapshot_height }.into());
    }
    let executed = replayed.executed;
    let opened =
        Opened { height, snapshot_height, replayed: executed, cut_bytes, snapshot_refused: None };
    Ok((replayed, journal, opened))
}

impl Replayed {
    pub(crate) fn genesis(machine: &Machine) -> Self {
        Self {
            state: Arc::clone(&machine.first),
            digests: Vec::new(),
            receipts: Receipts::default(),
            timestamp_ms: 0,
            executed: 0,
            snapshot: None,
        }
    }

    fn add(&mut self, machine: &Machine, block: &Block) -> Result<(), OpenError> {
        let height = block.height;
        if let Some(expected) = self.digests.last().copied().filter(|last| *last != block.parent) {
            return Err(OpenError::Parent { height, expected, got: block.parent });
        }
        if let Some(mut snapshot) = self.snapshot.take() {
            // The snapshot does not hold the names of blocks.
            snapshot.world.remember(height.saturating_sub(1), block.parent);
            if height < snapshot.height {
                self.snapshot = Some(snapshot);
            } else {
                let (expected, got) = (block.state_root, snapshot.commitment());
                if expected != got || height != snapshot.height {
                    return Err(SnapshotError::Commitment { height, expected, got }.into());
                }
                self.state = Arc::new(snapshot);
            }
        } else {
            let failed = |source| OpenError::Execution { height, source };
            let transactions =
                payload::decode(&block.payload, &machine.genesis).map_err(|error| {
                    failed(BlockExecutionError::Rejected { reason: error.to_string() })
                })?;
            let executed = machine.execute(&self.state, &context_of(block), &transactions);
            let executed = executed.map_err(failed)?;
            if executed.root != block.state_root {
                return Err(failed(wrong_root(height, executed.root, block.state_root)));
            }
            self.executed += 1;
            self.receipts.add(&executed.receipts);
            self.state = executed.state;
        }
        self.digests.push(block.digest());
        self.timestamp_ms = block.timestamp_ms;
        Ok(())
    }
}

/// What opening a folder found and did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Opened {
    /// The height of the last block of the journal.
    pub height: u64,
    /// The height of the snapshot that was used; 0 without one.
    pub snapshot_height: u64,
    /// Blocks that were executed again.
    pub replayed: u64,
    /// Bytes of a torn record that were cut off.
    pub cut_bytes: u64,
    /// Why the snapshot was not used, if there is one.
    pub snapshot_refused: Option<SnapshotError>,
}

/// Why a folder cannot be opened.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// A block of the journal cannot be executed.
    #[error("block {height} of the journal: {source}")]
    Execution {
        /// The height of the block.
        height: u64,
        /// The error of the execution.
        source: BlockExecutionError,
    },
    /// The genesis makes no chain.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A block of the journal does not name the one before as its parent.
    #[error("block {height} of the journal follows {got}, and {expected} is before it")]
    Parent {
        /// The height of the block.
        height: u64,
        /// The block before.
        expected: B256,
        /// The parent that it names.
        got: B256,
    },
    /// The snapshot contradicts the journal; opening goes on without it.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}
