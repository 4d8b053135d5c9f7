use core::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc::Sender};

use commonware_broadcast::buffered;
use commonware_consensus::{
    marshal::{
        self, Start,
        core::Actor,
        resolver::p2p as backfill,
        standard::{Deferred, Standard},
    },
    simplex,
    types::{FixedEpocher, ViewDelta},
};
use commonware_p2p::{Address, AddressableManager, Blocker, Receiver, utils::mux};
use commonware_parallel::Sequential;
use commonware_runtime::Handle;
use commonware_utils::{NZU64, NZUsize, NonZeroDuration, channel, ordered::Map};
use lazai_api_types::chain::{BlockExecutor, MAX_BLOCK_BYTES};
use lazai_consensus::{
    bls::SecretKey,
    chain::{CommitteeSource, EpochSchedule, MAX_SEATS},
};

use crate::{
    ChainError, ChainEvent, ChainTiming,
    engine::{
        Digest, Environment, Identity, Scheme,
        application::ChainApplication,
        block::{ChainBlock, to_digest},
        conductor::{Conductor, Participation},
        directory::Directory,
        execution::Execution,
        journal::{Journal, page_cache},
        limits::{
            BLOCK_OVERHEAD, FETCH_PAUSE, MAILBOX, MAX_UNACKNOWLEDGED, REPLAY_BUFFER,
            VIEW_RETENTION, WRITE_BUFFER,
        },
        reporter::FinalBlocks,
    },
};

/// The configuration of one validator.
#[derive(Clone, Debug)]
pub struct ValidatorConfig {
    /// The network identity.
    pub identity: Identity,
    /// The secret of the votes.
    pub vote_key: SecretKey,
    /// The prefix of the storage partitions: letters, digits, `-` and `_`.
    pub partition: String,
    /// The source of the committee of each epoch.
    pub committees: Arc<dyn CommitteeSource>,
    /// The schedule of epochs by height.
    pub epochs: EpochSchedule,
    /// The timeouts of consensus and of requests.
    pub timing: ChainTiming,
    /// The addresses of all known operators, with or without a seat.
    pub addresses: Map<Identity, Address>,
}

/// Five channels and the management of peers, of TCP or of a simulator. Channels must carry
/// [`max_message_size`] bytes. Networks reserve memory for quota times peers times tracked sets of
/// messages: keep quotas at some hundreds a second.
#[derive(Debug)]
pub struct Network<S, R, M, B> {
    /// The channel of votes.
    pub votes: (S, R),
    /// The channel of certificates.
    pub certificates: (S, R),
    /// The channel of requests for missing certificates.
    pub resolver: (S, R),
    /// The channel of requests for missing blocks.
    pub backfill: (S, R),
    /// The channel of new blocks.
    pub broadcast: (S, R),
    /// Manages the set of connected peers.
    pub peers: M,
    /// Blocks peers that break the protocol.
    pub blocker: B,
}

/// Runs a validator in a task of its own, which ends with an error when the validator must not go
/// on; aborting it ends all that it has started, like a crash.
pub fn start_validator<E, S, R, M, B>(
    environment: E,
    config: ValidatorConfig,
    network: Network<S, R, M, B>,
    executor: Arc<dyn BlockExecutor>,
    events: Sender<ChainEvent>,
) -> Handle<Result<(), ChainError>>
where
    E: Environment,
    S: commonware_p2p::Sender<PublicKey = Identity>,
    R: Receiver<PublicKey = Identity>,
    M: AddressableManager<PublicKey = Identity>,
    B: Blocker<PublicKey = Identity>,
{
    environment.spawn(move |environment| async move {
        let ended = Box::pin(run(environment, config, network, executor, events.clone())).await;
        if let Err(error) = &ended {
            let _ = events.send(ChainEvent::Stopped(error.clone()));
        }
        ended
    })
}

async fn run<E, S, R, M, B>(
    environment: E,
    config: ValidatorConfig,
    network: Network<S, R, M, B>,
    executor: Arc<dyn BlockExecutor>,
    events: Sender<ChainEvent>,
) -> Result<(), ChainError>
where
    E: Environment,
    S: commonware_p2p::Sender<PublicKey = Identity>,
    R: Receiver<PublicKey = Identity>,
    M: AddressableManager<PublicKey = Identity>,
    B: Blocker<PublicKey = Identity>,
{
    let execution = Execution::new(executor);
    let genesis = execution.genesis_block();
    let genesis_digest = genesis.digest();
    let directory = Directory::new(config.committees, genesis_digest, config.vote_key)?;
    let cache = page_cache();
    let Network { votes, certificates, resolver, backfill, broadcast, peers, blocker } = network;

    let journal = Journal::open(&environment, &config.partition, &directory, &cache).await?;
    let emit = |event| {
        // Nobody listens any more: the node goes on.
        let _ = events.send(event);
    };
    if journal.reconcile(&execution, &to_digest(genesis_digest), emit).await? {
        let next = execution.committed()?.0.saturating_add(1);
        directory.stay_silent_through(config.epochs.epoch_of(next));
    }

    let epocher = epocher(config.epochs)?;
    let (actor, mailbox, floor) = Actor::<_, Standard<ChainBlock>, _, _, _, _, _>::init(
        environment.child("marshal"),
        journal.certificates,
        journal.blocks,
        marshal::Config {
            provider: directory.clone(),
            epocher: epocher.clone(),
            start: Start::Genesis(ChainBlock::new(genesis, directory.clone())),
            partition_prefix: config.partition.clone(),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(VIEW_RETENTION),
            prunable_items_per_section: NZU64!(4_096),
            page_cache: cache.clone(),
            replay_buffer: REPLAY_BUFFER,
            key_write_buffer: WRITE_BUFFER,
            value_write_buffer: WRITE_BUFFER,
            block_codec_config: directory.clone(),
            max_repair: NZUsize!(32),
            max_pending_acks: MAX_UNACKNOWLEDGED,
            strategy: Sequential,
        },
    )
    .await;
    let processed = floor.processed().map_or(0, |processed| processed.height().get());
    let committed = execution.committed()?.0;
    if committed < processed {
        return Err(ChainError::MissingBlocks { executor: committed, journal: processed });
    }

    let fetch = NonZeroDuration::new(config.timing.fetch).ok_or_else(|| ChainError::Config {
        reason: String::from("the time to fetch must not be zero"),
    })?;
    let backfill = backfill::init(
        environment.child("backfill"),
        backfill::Config {
            public_key: config.identity.clone(),
            peer_provider: peers.clone(),
            blocker: blocker.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: fetch,
            fetch_retry_delay: FETCH_PAUSE,
            priority_requests: false,
            priority_responses: false,
        },
        backfill,
    );
    let (buffer_engine, buffer) = buffered::Engine::new(
        environment.child("broadcast"),
        buffered::Config {
            public_key: config.identity.clone(),
            mailbox_size: MAILBOX,
            deque_size: 16,
            priority: true,
            codec_config: directory.clone(),
            peer_provider: peers.clone(),
            strategy: Sequential,
        },
    );
    buffer_engine.start(broadcast);

    let (blocks, final_blocks) = channel::mpsc::unbounded_channel();
    let tip = Arc::new(AtomicU64::new(committed));
    let application = Deferred::new(
        environment.child("application"),
        ChainApplication {
            directory: directory.clone(),
            execution: execution.clone(),
            tip: Arc::clone(&tip),
        },
        mailbox.clone(),
        epocher,
    );
    let marshal = actor.start(FinalBlocks { blocks, tip }, buffer, backfill);

    Conductor {
        environment,
        partition: config.partition,
        epochs: config.epochs,
        timing: config.timing,
        fetch,
        addresses: config.addresses,
        peers,
        blocker,
        directory,
        execution,
        application,
        mailbox,
        cache,
        events,
        processed,
    }
    .run(Participation { votes, certificates, resolver }, final_blocks, marshal)
    .await
}

/// Returns the most bytes of a message between validators, for committees of any size.
pub fn max_message_size() -> u32 {
    let consensus = simplex::max_payload_size::<Scheme, Digest>(MAX_SEATS);
    let block = MAX_BLOCK_BYTES.saturating_add(BLOCK_OVERHEAD);
    commonware_p2p::max_message_size(&[mux::prefixed(consensus), block])
}

fn epocher(epochs: EpochSchedule) -> Result<FixedEpocher, ChainError> {
    // A schedule has at least two blocks in an epoch, as the engine asks for.
    let length = core::num::NonZeroU64::new(epochs.length());
    length
        .map(FixedEpocher::new)
        .ok_or_else(|| ChainError::Config { reason: String::from("an epoch must have blocks") })
}
