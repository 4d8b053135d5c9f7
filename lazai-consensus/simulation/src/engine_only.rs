use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec,
    vec::Vec,
};
use core::time::Duration;

use alloy_primitives::B256;
use commonware_codec::{Decode as _, DecodeExt as _};
use commonware_consensus::{
    Viewable as _,
    simplex::{
        Config, Engine, Floor, ForwardPolicy, SkipBudget, SkipPolicy, max_payload_size,
        types::{Certificate, Vote},
    },
    types::{Epoch, ViewDelta},
};
use commonware_cryptography::{
    Hasher as _, Sha256, certificate::mocks::Fixture, ed25519::PublicKey, sha256::Digest,
};
use commonware_p2p::{
    Receiver, Recipients, Sender, max_message_size,
    simulated::{SplitOrigin, SplitTarget},
    utils::mocks::inert_channel,
};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, IoBuf, Supervisor as _, buffer::paged::CacheRef, deterministic};
use commonware_utils::{NZDuration, NZU16, NZUsize, sync::Mutex};

use super::{
    Twins,
    application::Application,
    keys::Signing,
    leaders::Leaders,
    nodes::{Channel, NodeFactory, RunContext, channels, key},
    observer::{Observer, record_vote},
    plan::Plan,
    record::Record,
};

/// Starts bare consensus engines, which agree on meaningless payloads.
pub(super) struct EngineOnly<S> {
    participants: Arc<[PublicKey]>,
    schemes: Vec<S>,
    record: Arc<Mutex<Record>>,
    twins: Arc<Twins>,
    /// The twin that sent each message, for scripts that separate twins.
    senders: Arc<Mutex<TwinSenders>>,
}

type TwinSenders = BTreeMap<(PublicKey, Digest), BTreeSet<u8>>;

/// The index of an engine among the twins of a node, and its disk.
#[derive(Clone, Copy)]
struct EngineInstance {
    node: u16,
    twin: u8,
    life: u64,
    disk: usize,
}

impl<S: Signing> NodeFactory for EngineOnly<S> {
    fn participants(&self) -> &Arc<[PublicKey]> {
        &self.participants
    }

    fn record(&self) -> &Arc<Mutex<Record>> {
        &self.record
    }

    fn network(&self) -> (u32, usize) {
        let nodes = u32::try_from(self.participants.len()).unwrap_or(u32::MAX);
        (max_message_size(&[max_payload_size::<S, Digest>(nodes)]), 1)
    }

    async fn start(
        &self,
        run: RunContext<'_>,
        node: u16,
        disk: usize,
        life: u64,
    ) -> Result<Vec<Handle<()>>, String> {
        let key = key(&self.participants, node)?;
        let [votes, certificates, fetches] = channels(run, key).await?;
        let instance = EngineInstance { node, twin: 0, life, disk };
        if self.twins.nodes.contains(&node) {
            return self.twins(run, instance, votes, certificates);
        }
        let record = self.record.clone();
        let (sender, receiver) = votes;
        let (sender, _) = sender.split_with(move |_: SplitOrigin, to: &_, message: &IoBuf| {
            record_vote::<S>(&record, node, to, message)
        });
        Ok(vec![self.engine(run, instance, (sender, receiver), certificates, fetches)?])
    }
}

impl<S: Signing> EngineOnly<S> {
    pub(super) fn new(plan: &Plan) -> Self {
        let Fixture { participants, schemes, .. } = S::keys(plan.seed, plan.nodes);
        let record = Record { genesis: GENESIS, honest: plan.honest(), ..Record::default() };
        Self {
            participants: participants.into(),
            schemes,
            record: Arc::new(Mutex::new(record)),
            twins: Arc::new(plan.twins.clone()),
            senders: Arc::default(),
        }
    }

    /// Starts two engines with the key of one node, and divides the network between them by the
    /// script. Fetching is disabled for both: its messages do not name a view, so the script cannot
    /// divide them.
    fn twins(
        &self,
        run: RunContext<'_>,
        instance: EngineInstance,
        votes: Channel,
        certificates: Channel,
    ) -> Result<Vec<Handle<()>>, String> {
        let EngineInstance { node, life, .. } = instance;
        let scheme = self.scheme(node)?;
        let codec = scheme.certificate_codec_config();
        let vote = |message: &IoBuf| {
            Vote::<S, Digest>::decode(message.clone()).ok().map(|vote| vote.view().get())
        };
        let certificate = move |message: &IoBuf| {
            let certificate = Certificate::<S, Digest>::decode_cfg(message.clone(), &codec);
            certificate.ok().map(|certificate| certificate.view().get())
        };
        let context =
            run.context.child("split").with_attribute("node", node).with_attribute("life", life);
        let (first_votes, second_votes) = self.split(node, context.child("votes"), votes, vote)?;
        let (first_certificates, second_certificates) =
            self.split(node, context.child("certificates"), certificates, certificate)?;
        let none = || inert_channel(&*self.participants);
        let (first, second) = (
            EngineInstance { twin: FIRST, ..instance },
            EngineInstance { twin: SECOND, ..instance },
        );
        Ok(vec![
            self.engine(run, first, first_votes, first_certificates, none())?,
            self.engine(run, second, second_votes, second_certificates, none())?,
        ])
    }

    /// Divides a channel between twins by the script. `view` returns the view of a message.
    #[expect(clippy::type_complexity, reason = "two ends of two channels")]
    fn split(
        &self,
        node: u16,
        context: deterministic::Context,
        (sender, receiver): Channel,
        view: impl Fn(&IoBuf) -> Option<u64> + Clone + Send + Sync + 'static,
    ) -> Result<
        (
            (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
            (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
        ),
        String,
    > {
        let (script, keys) = (self.twins.clone(), self.participants.clone());
        let (senders, me, read) =
            (self.senders.clone(), key(&self.participants, node)?, view.clone());
        let (first_sender, second_sender) =
            sender.split_with(move |twin: SplitOrigin, to: &Recipients<_>, message: &IoBuf| {
                let Some(round) = script.round(read(message)?) else { return Some(to.clone()) };
                let (twin, reached) = match twin {
                    SplitOrigin::Primary => (FIRST, &round.first),
                    SplitOrigin::Secondary => (SECOND, &round.second),
                };
                if script.apart {
                    let name = (me.clone(), Sha256::hash(&[message.as_ref()]));
                    senders.lock().entry(name).or_default().insert(twin);
                }
                let name = |node: &u16| keys.get(usize::from(*node)).cloned();
                Some(Recipients::Some(reached.iter().filter_map(name).collect()))
            });
        let (script, keys) = (self.twins.clone(), self.participants.clone());
        let senders = self.senders.clone();
        let (first_receiver, second_receiver) =
            receiver.split_with(context, move |(from, message): &(PublicKey, IoBuf)| {
                let Some(view) = view(message) else { return SplitTarget::None };
                let Some(round) = script.round(view) else { return SplitTarget::Both };
                let seat = keys.iter().position(|key| key == from);
                let Some(seat) = seat.and_then(|seat| u16::try_from(seat).ok()) else {
                    return SplitTarget::None;
                };
                let speakers = if script.apart && script.nodes.contains(&seat) {
                    let name = (from.clone(), Sha256::hash(&[message.as_ref()]));
                    senders.lock().get(&name).cloned().unwrap_or_default()
                } else {
                    BTreeSet::from([FIRST, SECOND])
                };
                let first = round.first.contains(&seat) && speakers.contains(&FIRST);
                let second = round.second.contains(&seat) && speakers.contains(&SECOND);
                match (first, second) {
                    (true, true) => SplitTarget::Both,
                    (true, false) => SplitTarget::Primary,
                    (false, true) => SplitTarget::Secondary,
                    (false, false) => SplitTarget::None,
                }
            });
        Ok(((first_sender, first_receiver), (second_sender, second_receiver)))
    }

    fn engine(
        &self,
        run: RunContext<'_>,
        instance: EngineInstance,
        votes: (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
        certificates: (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
        fetches: (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
    ) -> Result<Handle<()>, String> {
        let EngineInstance { node, twin, life, disk } = instance;
        let scheme = self.scheme(node)?;
        let context = run
            .context
            .child("node")
            .with_attribute("node", node)
            .with_attribute("twin", twin)
            .with_attribute("life", life);
        let record = self.record.clone();
        let application = Application {
            context: Arc::new(context.child("application")),
            record: record.clone(),
            maker: (node, twin, life),
        };
        let reporter = Observer {
            context: Arc::new(context.child("observer")),
            record,
            node,
            scheme: scheme.clone(),
        };
        let nodes = u16::try_from(self.participants.len()).unwrap_or(u16::MAX);
        let config = Config {
            scheme,
            elector: Leaders { nodes, twins: self.twins.clone() },
            blocker: run.oracle.control(key(&self.participants, node)?),
            automaton: application.clone(),
            relay: application,
            reporter,
            track_historical_votes: true,
            strategy: Sequential,
            partition: format!("node_{node}_{twin}_{disk}"),
            mailbox_size: NZUsize!(128),
            epoch: Epoch::new(EPOCH),
            floor: Floor::Genesis(Digest(GENESIS.0)),
            replay_buffer: NZUsize!(1 << 16),
            write_buffer: NZUsize!(1 << 16),
            page_cache: CacheRef::new(NZU16!(1024), NZUsize!(10)),
            leader_timeout: LEADER_TIMEOUT,
            certification_timeout: CERTIFICATION_TIMEOUT,
            timeout_retry: Duration::from_secs(3),
            view_retention: ViewDelta::new(VIEW_RETENTION),
            skip: SkipPolicy::Enabled {
                timeout: Duration::from_secs(10),
                budget: SkipBudget::Participants,
            },
            fetch_timeout: NZDuration!(Duration::from_secs(1)),
            fetch_retry_delay: Duration::from_millis(100),
            forward: ForwardPolicy::Disabled,
        };
        Ok(Engine::new(context.child("engine"), config).start(votes, certificates, fetches))
    }

    fn scheme(&self, node: u16) -> Result<S, String> {
        let scheme = self.schemes.get(usize::from(node));
        scheme.cloned().ok_or_else(|| format!("there is no node {node}"))
    }
}

/// The parent of the first block.
pub(super) const GENESIS: B256 = B256::new([0x47; 32]);

/// Time that a leader has for its proposal.
pub(super) const LEADER_TIMEOUT: Duration = Duration::from_secs(1);
/// Time that a view has until its block is certified.
pub(super) const CERTIFICATION_TIMEOUT: Duration = Duration::from_secs(2);

const FIRST: u8 = 1;
const SECOND: u8 = 2;
const EPOCH: u64 = 0;
const VIEW_RETENTION: u64 = 10;
