use std::sync::{Arc, mpsc::Sender};

use commonware_consensus::{
    marshal::{
        core::Mailbox,
        standard::{Deferred, Standard},
    },
    simplex::{self, Floor, ForwardPolicy, SkipPolicy},
    types::{Epoch, FixedEpocher, Height, ViewDelta},
};
use commonware_cryptography::{Digested, Digestible};
use commonware_macros::select;
use commonware_p2p::{
    Address, AddressableManager, AddressableTrackedPeers, Blocker, Channel, Message, Receiver,
    utils::mux::{Builder, MuxHandle, Muxer},
};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_utils::{
    Acknowledgement, NonZeroDuration, TryFromIterator, acknowledgement::Exact, channel::mpsc,
    ordered::Map, vec::NonEmptyVec,
};
use lazai_consensus::chain::{EpochSchedule, epoch_seed};

use crate::{
    ChainError, ChainEvent, ChainTiming,
    engine::{
        Environment, Identity, Scheme,
        application::ChainApplication,
        block::{ChainBlock, to_b256},
        directory::Directory,
        elector::SeatElector,
        execution::Execution,
        limits::{
            FETCH_PAUSE, MAILBOX, MAX_UNACKNOWLEDGED, REPLAY_BUFFER, VIEW_RETENTION, WRITE_BUFFER,
        },
        reporter::{Watcher, certificate},
    },
};

type Application<E> = Deferred<E, Scheme, ChainApplication, ChainBlock, FixedEpocher>;

/// Leads a validator from epoch to epoch: commits final blocks, and lets one consensus engine after
/// another agree on them.
pub(super) struct Conductor<E: Environment, M, B> {
    pub(super) environment: E,
    pub(super) partition: String,
    pub(super) epochs: EpochSchedule,
    pub(super) timing: ChainTiming,
    pub(super) fetch: NonZeroDuration,
    pub(super) addresses: Map<Identity, Address>,
    pub(super) peers: M,
    pub(super) blocker: B,
    pub(super) directory: Directory,
    pub(super) execution: Execution,
    pub(super) application: Application<E>,
    pub(super) mailbox: Mailbox<Scheme, Standard<ChainBlock>>,
    pub(super) cache: CacheRef,
    pub(super) events: Sender<ChainEvent>,
    /// The last height that the engine knows to be committed, from an earlier run.
    pub(super) processed: u64,
}

/// The channels of consensus, shared by the engines of all epochs.
pub(super) struct Participation<S, R> {
    pub(super) votes: (S, R),
    pub(super) certificates: (S, R),
    pub(super) resolver: (S, R),
}

struct Channels<S: commonware_p2p::Sender> {
    votes: MuxHandle<S>,
    certificates: MuxHandle<S>,
    resolver: MuxHandle<S>,
}

/// The engine of an epoch, which ends when it is dropped.
struct Running {
    epoch: u64,
    handle: Handle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl<E, M, B> Conductor<E, M, B>
where
    E: Environment,
    M: AddressableManager<PublicKey = Identity>,
    B: Blocker<PublicKey = Identity>,
{
    pub(super) async fn run<S, R>(
        mut self,
        participation: Participation<S, R>,
        mut final_blocks: mpsc::UnboundedReceiver<(Digested<ChainBlock>, Exact)>,
        mut marshal: Handle<()>,
    ) -> Result<(), ChainError>
    where
        S: commonware_p2p::Sender<PublicKey = Identity>,
        R: Receiver<PublicKey = Identity>,
    {
        let Participation { votes, certificates, resolver } = participation;
        let (muxer, votes, mut early_votes) =
            Muxer::builder(self.environment.child("votes"), votes.0, votes.1).with_backup().build();
        muxer.start();
        let (muxer, certificates, mut early_certificates) =
            Muxer::builder(self.environment.child("certificates"), certificates.0, certificates.1)
                .with_backup()
                .build();
        muxer.start();
        let (muxer, resolver) =
            Muxer::new(self.environment.child("resolver"), resolver.0, resolver.1);
        muxer.start();
        let mut channels = Channels { votes, certificates, resolver };

        // An epoch begins when the last block of the one before has been handled.
        let epoch = self.epochs.epoch_of(self.processed.saturating_add(1));
        let mut running = self.enter(epoch, &mut channels).await?;
        let mut stopped = self.environment.stopped();
        loop {
            select! {
                _ = &mut stopped => return Ok(()),
                next = final_blocks.recv() => {
                    let (block, acknowledgement) = next.ok_or_else(|| ended("marshal"))?;
                    self.finalize(block.inner()).await?;
                    if block.inner().block.height == self.epochs.last(running.epoch) {
                        let epoch = running.epoch.saturating_add(1);
                        drop(running);
                        running = self.enter(epoch, &mut channels).await?;
                    }
                    acknowledgement.acknowledge();
                },
                _ = &mut running.handle => return Err(ended("consensus")),
                _ = &mut marshal => return Err(ended("marshal")),
                early = early_votes.recv() => {
                    self.follow(running.epoch, early.ok_or_else(|| ended("votes"))?);
                },
                early = early_certificates.recv() => {
                    self.follow(running.epoch, early.ok_or_else(|| ended("certificates"))?);
                },
            }
        }
    }

    /// Lets the executor commit a final block, unless it has.
    async fn finalize(&mut self, block: &ChainBlock) -> Result<(), ChainError> {
        let execution = self.execution.clone();
        let committed = block.block.clone();
        let commit = self.environment.child("commit").shared(true);
        let commit = commit.spawn(move |_| async move { execution.commit(&committed) });
        if commit.await.map_err(|_| ended("commit"))?? {
            let height = Height::new(block.block.height);
            let finalization = self.mailbox.get_finalization(height).await;
            let certificate = finalization.and_then(|found| certificate(&found));
            self.emit(ChainEvent::Finalized { block: block.block.clone(), certificate });
        }
        Ok(())
    }

    /// Asks for the end of the current epoch, because a peer has sent a message of a later one.
    fn follow(&self, epoch: u64, (theirs, (from, _)): (Channel, Message<Identity>)) {
        if theirs > epoch {
            let boundary = Height::new(self.epochs.last(epoch));
            self.mailbox.hint_finalized(boundary, NonEmptyVec::new(from));
        }
    }

    /// Starts the engine of an epoch, whose first parent is the last block of the epoch before.
    async fn enter<S>(
        &mut self,
        epoch: u64,
        channels: &mut Channels<S>,
    ) -> Result<Running, ChainError>
    where
        S: commonware_p2p::Sender<PublicKey = Identity>,
    {
        let boundary = self.epochs.first(epoch).saturating_sub(1);
        let boundary = self.mailbox.get_block(Height::new(boundary)).await;
        let boundary = boundary.ok_or_else(|| ended("marshal"))?.digest();
        let committee = self.directory.enter(epoch)?;
        let leaders = committee.committee.leaders(epoch_seed(epoch, to_b256(&boundary)))?;
        self.track(epoch, &committee.identities)?;

        let reporter = Watcher {
            inner: self.application.clone(),
            directory: self.directory.clone(),
            events: self.events.clone(),
        };
        let environment = self.environment.child("consensus").with_attribute("epoch", epoch);
        let engine = simplex::Engine::new(
            environment,
            simplex::Config {
                scheme: committee.scheme.as_ref().clone(),
                elector: SeatElector(Arc::new(leaders)),
                blocker: self.blocker.clone(),
                automaton: self.application.clone(),
                relay: self.application.clone(),
                reporter,
                // Evidence against a seat must not be lost because its view was certified.
                track_historical_votes: true,
                strategy: Sequential,
                partition: self.votes(epoch),
                mailbox_size: MAILBOX,
                epoch: Epoch::new(epoch),
                floor: Floor::Genesis(boundary),
                replay_buffer: REPLAY_BUFFER,
                write_buffer: WRITE_BUFFER,
                page_cache: self.cache.clone(),
                leader_timeout: self.timing.leader,
                certification_timeout: self.timing.certification,
                timeout_retry: self.timing.retry,
                view_retention: ViewDelta::new(VIEW_RETENTION),
                skip: SkipPolicy::Disabled,
                fetch_timeout: self.fetch,
                fetch_retry_delay: FETCH_PAUSE,
                forward: ForwardPolicy::SilentVoters,
            },
        );
        let votes = channels.votes.register(epoch).await.map_err(|_| ended("votes"))?;
        let certificates = channels.certificates.register(epoch).await;
        let certificates = certificates.map_err(|_| ended("certificates"))?;
        let resolver = channels.resolver.register(epoch).await.map_err(|_| ended("resolver"))?;
        let handle = engine.start(votes, certificates, resolver);
        let committee = committee.committee.clone();
        self.emit(ChainEvent::EpochChange { epoch, committee });
        if let Some(over) = self.over(epoch) {
            // Votes that cannot be removed take room and do no harm.
            let _ = self.environment.remove(&self.votes(over), None).await;
        }
        Ok(Running { epoch, handle })
    }

    /// Returns the storage partition of the votes of an epoch.
    fn votes(&self, epoch: u64) -> String {
        format!("{}-consensus-{epoch}", self.partition)
    }

    /// Returns the epoch to which this node cannot return once it enters `epoch`, not even after a
    /// crash. Epochs are entered one after the other, so it is a different one each time.
    const fn over(&self, epoch: u64) -> Option<u64> {
        // The first block that may have to be handled again.
        let again = self.epochs.first(epoch).saturating_sub(MAX_UNACKNOWLEDGED.get() as u64);
        self.epochs.epoch_of(again).checked_sub(1)
    }

    /// Tells the network the identities of an epoch: it connects to members, and accepts all other
    /// known peers.
    fn track(&mut self, epoch: u64, members: &[Identity]) -> Result<(), ChainError> {
        let mut primary = Vec::new();
        let mut secondary = Vec::new();
        for (identity, address) in self.addresses.iter_pairs() {
            let entry = (identity.clone(), address.clone());
            if members.contains(identity) { primary.push(entry) } else { secondary.push(entry) }
        }
        let map = |pairs| {
            Map::try_from_iter(pairs)
                .map_err(|_| ChainError::Config { reason: String::from("a peer is listed twice") })
        };
        self.peers.track(epoch, AddressableTrackedPeers::new(map(primary)?, map(secondary)?));
        Ok(())
    }

    fn emit(&self, event: ChainEvent) {
        // Nobody listens any more: the node goes on.
        let _ = self.events.send(event);
    }
}

fn ended(part: &str) -> ChainError {
    ChainError::Ended { part: part.to_owned() }
}
