use core::{net::SocketAddr, time::Duration};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, mpsc::Receiver},
};

use alloy_primitives::B256;
use lazai_api_types::chain::{Block, BlockExecutionError, BlockExecutor};
use lazai_consensus::{
    ErrorSource,
    bls::SecretKey,
    chain::{
        ChainCommittee, CommitteeSource, CommitteeSourceError, EpochSchedule, Equivocation,
        FinalityCertificate, LeaderScheduleError,
    },
};

use crate::IdentitySecret;

/// Makes validators agree on one chain of blocks. The executor takes transactions in; the engine
/// asks it for blocks.
pub trait ChainEngine {
    /// The handle of a running validator.
    type Handle: ChainHandle;

    /// Starts a validator, which runs until its handle is stopped or dropped. What the executor
    /// holds and what the engine has written in an earlier run are reconciled first: no final block
    /// is lost or executed twice.
    ///
    /// # Errors
    /// [`ChainError`] if the configuration cannot work. What goes wrong later is told by
    /// [`ChainEvent::Stopped`].
    fn start(
        &self,
        config: ChainConfig,
        executor: Arc<dyn BlockExecutor>,
    ) -> Result<Self::Handle, ChainError>;
}

/// Controls a running validator.
pub trait ChainHandle {
    /// Returns the channel of events, in order. Events wait until they are read.
    fn events(&self) -> &Receiver<ChainEvent>;

    /// Stops the validator and waits until it has.
    ///
    /// # Errors
    /// What had stopped it before, if anything had.
    fn stop(self) -> Result<(), ChainError>;
}

/// The configuration of a validator: its keys, its peers and its journal.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// The secret of the Ed25519 identity of its seat, 32 bytes that nobody can guess.
    pub identity: IdentitySecret,
    /// The secret of the votes of its seat. Two validators must never run with one: that is
    /// equivocation, and slashed. The same holds for one validator before and after it has lost
    /// what it wrote: if the journal alone is lost, it stays silent until the next epoch; if the
    /// executor's state is lost as well, it needs a new key.
    pub vote_key: SecretKey,
    /// The source of the committee of each epoch. A validator without a seat follows the chain.
    pub committees: Arc<dyn CommitteeSource>,
    /// The schedule of epochs by height.
    pub epochs: EpochSchedule,
    /// The timeouts of consensus and of requests.
    pub timing: ChainTiming,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The addresses of the peers by the public keys of their identities: members of all known
    /// committees, and followers. The validator itself may be among them.
    pub peers: BTreeMap<[u8; 32], SocketAddr>,
    /// The directory of the journal, used by no other validator.
    pub storage: PathBuf,
}

/// The timeouts of a validator. Different values at different validators cost speed, never safety.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChainTiming {
    /// Timeout for the proposal of a leader.
    pub leader: Duration,
    /// Timeout for a view to be certified; above `leader`.
    pub certification: Duration,
    /// Interval at which a vote to skip a view is repeated.
    pub retry: Duration,
    /// Timeout for an answer to a request for missing data.
    pub fetch: Duration,
}

impl Default for ChainTiming {
    fn default() -> Self {
        Self {
            leader: Duration::from_secs(1),
            certification: Duration::from_secs(2),
            retry: Duration::from_secs(5),
            fetch: Duration::from_secs(2),
        }
    }
}

/// An event of a running validator.
#[derive(Debug)]
pub enum ChainEvent {
    /// An epoch begins; its committee votes from now on.
    EpochChange {
        /// The epoch that begins.
        epoch: u64,
        /// The committee of the epoch.
        committee: ChainCommittee,
    },
    /// A seat broke the protocol. The same evidence may come more than once.
    Equivocation(Equivocation),
    /// A block is final and the executor has committed it. Each block comes once in each run that
    /// commits it, in order.
    Finalized {
        /// The final block.
        block: Block,
        /// The certificate of the block; `None` if the block became final with a descendant, whose
        /// certificate covers it.
        certificate: Option<FinalityCertificate>,
    },
    /// The validator has stopped because it must not go on. No event follows.
    Stopped(ChainError),
}

/// Why a validator cannot start or go on.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// An epoch has no committee.
    #[error(transparent)]
    Committee(#[from] CommitteeSourceError),
    /// A part of the configuration cannot work.
    #[error("the configuration cannot work: {reason}")]
    Config {
        /// The setting to change, and why.
        reason: String,
    },
    /// The executor and the chain differ at a height.
    #[error(
        "the executor has committed block {executor} at height {height}, the chain has {journal}; restore the executor's \
         state from a copy of this chain"
    )]
    Diverged {
        /// The height at which they differ.
        height: u64,
        /// The digest that the executor has.
        executor: B256,
        /// The digest that the chain has.
        journal: B256,
    },
    /// The engine has ended by itself.
    #[error("a part of the engine has ended: {part}")]
    Ended {
        /// The part that ended.
        part: String,
    },
    /// The executor cannot execute a final block.
    #[error(transparent)]
    Execution(#[from] BlockExecutionError),
    /// Final blocks came with a gap.
    #[error("final block {expected} was expected, and block {got} came")]
    Gap {
        /// The height expected.
        expected: u64,
        /// The height that came.
        got: u64,
    },
    /// A key cannot be read.
    #[error("a key of epoch {epoch} cannot be read: {field}")]
    Key {
        /// The epoch of the committee that has the key.
        epoch: u64,
        /// The field of the seat that holds the key.
        field: &'static str,
    },
    /// The weights of a committee elect nobody.
    #[error(transparent)]
    Leaders(#[from] LeaderScheduleError),
    /// The executor is behind the journal, which no longer has the blocks between.
    #[error(
        "the executor has committed up to height {executor}, the journal is past {journal} and no longer has what lies \
         between; restore the executor's state from a copy that is not older than the journal"
    )]
    MissingBlocks {
        /// The height of the executor.
        executor: u64,
        /// The height of the journal.
        journal: u64,
    },
    /// The executor accepted a block and does not have it.
    #[error("the executor accepted block {expected} but reports height {got} as committed")]
    NotCommitted {
        /// The height that was committed.
        expected: u64,
        /// The height that the executor reports.
        got: u64,
    },
    /// The journal cannot be read or written.
    #[error("the journal cannot be used: {source}")]
    Storage {
        /// The cause of the failure.
        source: ErrorSource,
    },
}
