use core::{num::NonZeroU64, time::Duration};
use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor};
use lazai_gas::Resources;
use lazvm::{Execution, Missing};

use crate::{
    Devices, Genesis, GenesisError, OpenError, Opened, PoolError, Receipt, SignedTransaction,
    StoreError,
    execution::{Executed, Machine, context_of, wrong_root},
    journal::Journal,
    open_blocks::OpenBlocks,
    payload,
    pool::Pool,
    receipts::Receipts,
    replay::{self, Replayed},
    snapshot,
    state::ChainState,
    store::Store,
};

/// LazVM as the executor of a chain: it builds blocks from transactions that wait, checks those of
/// others, and keeps the state of final ones.
///
/// The journal of final blocks is the truth; the state is what executing it gives. A block is in
/// the journal, and synced, before the state moves, and the state is computed from journal and
/// snapshot when a folder is opened: it is never ahead of the journal or behind it.
#[derive(Debug)]
pub struct LazVmExecutor {
    machine: Machine,
    snapshot_every: NonZeroU64,
    inner: Mutex<Inner>,
    /// Told when a transaction begins to wait.
    arrival: Condvar,
}

#[derive(Debug)]
struct Inner {
    /// After the last committed block.
    state: Arc<ChainState>,
    /// The names of the committed blocks; the first one has height 1.
    digests: Vec<B256>,
    /// When the last committed block was proposed.
    timestamp_ms: u64,
    /// Executed blocks that are not committed.
    open: OpenBlocks,
    pool: Pool,
    /// Bytes of payload that the last block built here could have.
    max_bytes: usize,
    receipts: Receipts,
    storage: Option<(Store, Journal)>,
    snapshot_error: Option<StoreError>,
    left_out: Option<String>,
}

impl LazVmExecutor {
    /// Creates an executor that forgets everything when it is dropped.
    ///
    /// # Errors
    /// [`GenesisError`] if the genesis makes no chain.
    pub fn in_memory(genesis: Genesis, devices: Devices) -> Result<Self, GenesisError> {
        let machine = Machine::new(genesis, devices)?;
        let replayed = Replayed::genesis(&machine);
        Ok(Self::new(machine, replayed, None, NonZeroU64::MAX))
    }

    /// Opens the folder of an executor, or makes it, and brings the state to the last block of its
    /// journal.
    ///
    /// Every `snapshot_every` blocks the state is written beside the journal, so that opening need
    /// not execute all of it.
    ///
    /// # Errors
    /// [`OpenError`] if another process has the folder, it belongs to another chain, or blocks of
    /// the journal are damaged or give another state than they say.
    pub fn open(
        genesis: Genesis,
        devices: Devices,
        folder: &Path,
        snapshot_every: NonZeroU64,
    ) -> Result<(Self, Opened), OpenError> {
        let store = Store::open(folder)?;
        let machine = Machine::new(genesis, devices)?;
        let (replayed, journal, opened) = replay::open(&machine, &store)?;
        store.sync()?;
        Ok((Self::new(machine, replayed, Some((store, journal)), snapshot_every), opened))
    }

    fn new(
        machine: Machine,
        replayed: Replayed,
        storage: Option<(Store, Journal)>,
        snapshot_every: NonZeroU64,
    ) -> Self {
        let Replayed { state, digests, receipts, timestamp_ms, .. } = replayed;
        let inner = Inner {
            state,
            digests,
            timestamp_ms,
            open: OpenBlocks::default(),
            pool: Pool::default(),
            max_bytes: usize::MAX,
            receipts,
            storage,
            snapshot_error: None,
            left_out: None,
        };
        Self { machine, snapshot_every, inner: Mutex::new(inner), arrival: Condvar::new() }
    }

    /// Takes a transaction that shall be in a block, and returns its name. Taking it twice changes
    /// nothing.
    ///
    /// # Errors
    /// [`PoolError`] says why it does not wait here.
    pub fn submit(&self, bytes: &[u8]) -> Result<B256, PoolError> {
        let transaction = SignedTransaction::read(bytes, self.machine.genesis.chain_id)?;
        self.machine.admit(&transaction)?;
        let mut inner = self.inner.lock().map_err(|_| PoolError::Stopped)?;
        let state = Arc::clone(&inner.state);
        let hash = inner.pool.insert(transaction, &state.world, header_fee(&state))?;
        self.arrival.notify_all();
        Ok(hash)
    }

    /// Returns whether a transaction waits that can be in the next block: as soon as one does, and
    /// after `at_most` in any case.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this executor has stopped.
    pub fn wait(&self, at_most: Duration) -> Result<bool, BlockExecutionError> {
        let empty = |inner: &mut Inner| {
            let (state, height) = (&inner.state, inner.state.height.saturating_add(1));
            !inner.pool.has_next(&state.world, header_fee(state), height, inner.max_bytes)
        };
        let waited = self.arrival.wait_timeout_while(self.lock()?, at_most, empty);
        let waited = waited.map(|(_, timeout)| !timeout.timed_out());
        waited.map_err(|_| fault("an earlier call panicked: start the node again"))
    }

    /// Returns what a transaction of a committed block did. Receipts of old blocks are forgotten.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this executor has stopped.
    pub fn receipt(&self, transaction: &B256) -> Result<Option<Receipt>, BlockExecutionError> {
        Ok(self.lock()?.receipts.get(transaction).cloned())
    }

    /// Asks a contract about the committed state, as the next block would see it if it came at
    /// once, and changes nothing.
    ///
    /// # Errors
    /// As [`BlockExecutor::validate`].
    pub fn call(&self, contract: Address, data: Bytes) -> Result<Execution, BlockExecutionError> {
        let (state, parent, last_ms) = {
            let inner = self.lock()?;
            let parent = inner.digests.last().copied().unwrap_or_default();
            (Arc::clone(&inner.state), parent, inner.timestamp_ms)
        };
        let height = state.height.saturating_add(1);
        let timestamp_ms = last_ms.saturating_add(1);
        let context = BlockContext { height, epoch: 0, parent, proposer: 0, timestamp_ms };
        self.machine.call(&state, &context, contract, data)
    }

    /// Returns the digest of a committed block.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this executor has stopped.
    pub fn digest(&self, height: u64) -> Result<Option<B256>, BlockExecutionError> {
        let index = height.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let inner = self.lock()?;
        Ok(index.and_then(|index| inner.digests.get(index)).copied())
    }

    /// Lets the next block try what this node could not run, as after a device was repaired:
    /// without it, each waits about as long as it has failed for.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this executor has stopped.
    pub fn retry_failed(&self) -> Result<(), BlockExecutionError> {
        self.lock()?.pool.forget_failures();
        Ok(())
    }

    /// Returns where the chain stands.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this executor has stopped.
    pub fn status(&self) -> Result<Status, BlockExecutionError> {
        // Without the lock: a device is asked.
        let height = self.lock()?.state.height;
        let missing = self.machine.missing(height.saturating_add(1))?;
        let inner = self.lock()?;
        Ok(Status {
            missing,
            height: inner.state.height,
            digest: inner.digests.last().copied(),
            state_root: inner.state.commitment(),
            accounts_root: inner.state.world.root(),
            base_fees: inner.state.market.base_fees(),
            waiting: inner.pool.len(),
            snapshot_error: inner.snapshot_error.clone(),
            left_out: inner.left_out.clone(),
        })
    }

    /// Returns the nonce of the next transaction of `sender`, as of the committed state.
    ///
    /// # Errors
    /// [`BlockExecutionError::Fault`] if this executor has stopped.
    pub fn nonce(&self, sender: &Address) -> Result<u64, BlockExecutionError> {
        Ok(self.lock()?.state.world.account(sender).map_or(0, |account| account.nonce))
    }

    /// Returns how many transactions a payload claims.
    #[must_use]
    pub fn transactions(&self, payload: &[u8]) -> u32 {
        payload::count(payload)
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>, BlockExecutionError> {
        // Who panicked with the lock may have left half a change; nothing may be answered from it.
        self.inner.lock().map_err(|_| fault("an earlier call panicked: start the node again"))
    }

    /// The state that the block of `context` stands on.
    fn parent(
        &self,
        pending: &[Block],
        context: &BlockContext,
    ) -> Result<Arc<ChainState>, BlockExecutionError> {
        let (mut state, mut parent) = {
            let inner = self.lock()?;
            (Arc::clone(&inner.state), inner.digests.last().copied())
        };
        // What was committed since the caller looked comes first.
        let committed = pending.partition_point(|block| block.height <= state.height);
        let (committed, pending) = pending.split_at(committed);
        for block in committed {
            if self.digest(block.height)? != Some(block.digest()) {
                return Err(fault("a pending block contradicts a committed one"));
            }
        }
        if let Some(first) = pending.first() {
            follows(&state, parent, first.height, first.parent)?;
        }
        // Of the open blocks the last one that is remembered will do: it names all before it.
        let mut known = 0;
        for (place, block) in pending.iter().enumerate().rev() {
            if let Some(executed) = self.remembered(&key(&context_of(block), &block.payload))? {
                right_root(block, &executed)?;
                (state, parent) = (Arc::clone(&executed.state), Some(block.digest()));
                known = place + 1;
                break;
            }
        }
        for block in &pending[known..] {
            follows(&state, parent, block.height, block.parent)?;
            let executed = self.execute(&state, &context_of(block), &block.payload)?;
            right_root(block, &executed)?;
            (state, parent) = (Arc::clone(&executed.state), Some(block.digest()));
        }
        follows(&state, parent, context.height, context.parent)?;
        Ok(state)
    }

    /// Executes a block, or remembers what executing it gave.
    fn execute(
        &self,
        parent: &ChainState,
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<Arc<Executed>, BlockExecutionError> {
        let key = key(context, payload);
        if let Some(executed) = self.remembered(&key)? {
            return Ok(executed);
        }
        let transactions = payload::decode(payload, &self.machine.genesis)
            .map_err(|error| BlockExecutionError::Rejected { reason: error.to_string() })?;
        // Without the lock: a model may run for a while.
        let executed = Arc::new(self.machine.execute(parent, context, &transactions)?);
        self.remember(key, &executed)?;
        Ok(executed)
    }

    fn remembered(&self, key: &B256) -> Result<Option<Arc<Executed>>, BlockExecutionError> {
        Ok(self.lock()?.open.get(key))
    }

    fn remember(&self, key: B256, executed: &Arc<Executed>) -> Result<(), BlockExecutionError> {
        self.lock()?.open.insert(key, Arc::clone(executed));
        Ok(())
    }
}

impl BlockExecutor for LazVmExecutor {
    fn genesis_state_root(&self) -> B256 {
        self.machine.root
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        if max_bytes < payload::EMPTY_BYTES {
            return Err(fault("a block without transactions has more bytes than may be used"));
        }
        let parent = self.parent(pending, context)?;
        let mut block = self.machine.open(&parent, context)?;
        let pool = self.lock()?.pool.clone();
        let filled = pool.fill(&mut block, &parent.world, header_fee(&parent), max_bytes);
        let payload = payload::encode(filled.taken.iter());
        let executed = Arc::new(block.seal()?);
        self.remember(key(context, &payload), &executed)?;
        let mut inner = self.lock()?;
        inner.left_out = filled.fault;
        inner.max_bytes = max_bytes;
        inner.pool.drop_all(&filled.invalid);
        drop(inner);
        Ok(BlockBody { payload, state_root: executed.root })
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        let parent = self.parent(pending, context)?;
        Ok(self.execute(&parent, context, payload)?.root)
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        let digest = block.digest();
        let state = Arc::clone(&self.lock()?.state);
        if block.height <= state.height {
            return match self.digest(block.height)? {
                Some(expected) if expected == digest => Ok(()),
                expected => Err(BlockExecutionError::Rejected {
                    reason: format!(
                        "block {digest} is final at height {}, where {expected:?} is committed",
                        block.height
                    ),
                }),
            };
        }
        let parent = self.lock()?.digests.last().copied();
        follows(&state, parent, block.height, block.parent)?;
        let executed = self.execute(&state, &context_of(block), &block.payload)?;
        right_root(block, &executed)?;
        let mut inner = self.lock()?;
        let inner = &mut *inner;
        if inner.state.height != state.height {
            return Err(fault("two blocks were committed at the same time"));
        }
        if let Some((store, journal)) = &mut inner.storage {
            journal.append(block).map_err(|error| fault(&error.to_string()))?;
            if block.height.is_multiple_of(self.snapshot_every.get()) {
                let bytes = snapshot::encode(&executed.state, self.machine.root);
                // The block is durable already; without the snapshot the next start only takes
                // longer.
                inner.snapshot_error = store.replace_snapshot(&bytes).err();
            }
        }
        inner.state = Arc::clone(&executed.state);
        inner.digests.push(digest);
        inner.timestamp_ms = block.timestamp_ms;
        inner.receipts.add(&executed.receipts);
        inner.pool.prune(&executed.state.world);
        inner.pool.executed(&executed.receipts);
        inner.open.keep_above(block.height);
        Ok(())
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        let inner = self.lock()?;
        Ok(inner.digests.last().map(|digest| (inner.state.height, *digest)))
    }
}

/// Where an executor stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// The height of the last committed block.
    pub height: u64,
    /// Its name; none for the genesis block, which only consensus knows.
    pub digest: Option<B256>,
    /// The state root that it carries.
    pub state_root: B256,
    /// Ethereum's state root of the accounts.
    pub accounts_root: B256,
    /// The base fees of the next block, in wei.
    pub base_fees: Resources<u128>,
    /// Transactions that wait.
    pub waiting: usize,
    /// Why the last snapshot was not written, if it was not.
    pub snapshot_error: Option<StoreError>,
    /// What the chain lists for the next block and this node lacks. It leaves transactions that
    /// ask for it out, and abstains from blocks that have such: install it.
    pub missing: Missing,
    /// Why a transaction is not in the last block that this node built, if the node cannot run it:
    /// a device that fails.
    pub left_out: Option<String>,
}

/// The base fee of the block above a state.
fn header_fee(state: &ChainState) -> u64 {
    u64::try_from(state.market.header_base_fee()).unwrap_or(u64::MAX)
}

fn right_root(block: &Block, executed: &Executed) -> Result<(), BlockExecutionError> {
    if executed.root == block.state_root {
        return Ok(());
    }
    Err(wrong_root(block.height, executed.root, block.state_root))
}

/// What the outcome of a block depends on: its place, which names its whole past, and what it does.
fn key(context: &BlockContext, payload: &[u8]) -> B256 {
    let BlockContext { height, epoch, parent, proposer, timestamp_ms } = context;
    let mut bytes = Vec::with_capacity(payload.len() + 64);
    for word in [height, epoch, timestamp_ms] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.extend_from_slice(&proposer.to_be_bytes());
    bytes.extend_from_slice(parent.as_slice());
    bytes.extend_from_slice(payload);
    keccak256(bytes)
}

fn follows(
    state: &ChainState,
    parent: Option<B256>,
    height: u64,
    claimed: B256,
) -> Result<(), BlockExecutionError> {
    // The executor does not know the genesis block, so the first block may name any parent.
    if height != state.height.saturating_add(1) || parent.is_some_and(|parent| parent != claimed) {
        let at = state.height;
        return Err(fault(&format!(
            "block {height} on {claimed} does not follow block {at}, {parent:?}"
        )));
    }
    Ok(())
}

fn fault(reason: &str) -> BlockExecutionError {
    BlockExecutionError::Fault { reason: reason.to_owned() }
}
