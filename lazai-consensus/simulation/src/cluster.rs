use alloc::{string::String, sync::Arc, vec::Vec};
use core::{any::Any, panic::AssertUnwindSafe, time::Duration};
use std::panic::catch_unwind;

use commonware_consensus::simplex::{
    mocks::scheme as mock,
    scheme::{bls12381_multisig, ed25519},
};
use commonware_cryptography::{bls12381::primitives::variant::MinSig, ed25519::PublicKey};
use lazai_api_types::chain::BlockExecutor;

use super::{
    Crash, Disk, Link, Partition, PowerCut, Region, Report, Signatures, StorageFaults, Twins,
    driver::drive, engine_only::EngineOnly, executors::Executors, plan::Plan,
    validators::Validators,
};

/// Validators in one process, on a simulated runtime and network, determined by one seed.
///
/// The engine is that of the chain, unmodified. By default the payloads are meaningless, so that
/// runs are fast.
///
/// ```
/// use core::time::Duration;
/// use lazai_simulation::Cluster;
///
/// let report = Cluster::builder().nodes(4).seed(7).run()?;
/// assert!(report.violations.is_empty());
/// assert_eq!(report.hash, Cluster::builder().nodes(4).seed(7).run()?.hash);
/// # Ok::<(), lazai_simulation::ClusterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cluster {
    plan: Plan,
}

impl Cluster {
    /// Creates a cluster of four nodes, 50 ms apart, without faults.
    #[must_use]
    pub const fn builder() -> Self {
        Self {
            plan: Plan {
                nodes: 4,
                seed: 0,
                link: Link::fixed(Duration::from_millis(50)),
                unstable: None,
                regions: Vec::new(),
                partitions: Vec::new(),
                crashes: Vec::new(),
                power_cuts: Vec::new(),
                storage: None,
                twins: Twins::none(),
                signatures: Signatures::Mock,
                shut_out: true,
                duration: Duration::ZERO,
                blocks: 5,
                within: Duration::from_secs(120),
                max_views: None,
                cycle: Duration::from_millis(1),
                executors: None,
                epoch_length: 100,
            },
        }
    }

    /// Sets the number of nodes, 1 to 64.
    #[must_use]
    pub const fn nodes(mut self, nodes: u16) -> Self {
        self.plan.nodes = nodes;
        self
    }

    /// Sets the seed of all random choices.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// Sets the latency and loss of messages between any two nodes.
    #[must_use]
    pub const fn link(mut self, link: Link) -> Self {
        self.plan.link = link;
        self
    }

    /// Replaces [`link`](Self::link) by another link until `until`.
    #[must_use]
    pub const fn unstable(mut self, until: Duration, link: Link) -> Self {
        self.plan.unstable = Some((until, link));
        self
    }

    /// Places the nodes in regions, which determine the latency between them in place of
    /// [`link`](Self::link).
    #[must_use]
    pub fn regions(mut self, regions: &[Region]) -> Self {
        self.plan.regions = regions.to_vec();
        self
    }

    /// Adds a temporary partition of the network.
    #[must_use]
    pub fn partition(mut self, partition: Partition) -> Self {
        self.plan.partitions.push(partition);
        self
    }

    /// Adds a crash and restart of a node.
    #[must_use]
    pub fn crash(mut self, crash: Crash) -> Self {
        self.plan.crashes.push(crash);
        self
    }

    /// Adds a stop of all nodes at once, in the middle of their writes.
    #[must_use]
    pub fn power_cut(mut self, cut: PowerCut) -> Self {
        self.plan.power_cuts.push(cut);
        self
    }

    /// Makes disk operations fail at random.
    #[must_use]
    pub const fn storage_faults(mut self, faults: StorageFaults) -> Self {
        self.plan.storage = Some(faults);
        self
    }

    /// Runs two instances of some nodes under one key each.
    #[must_use]
    pub fn twins(mut self, twins: Twins) -> Self {
        self.plan.twins = twins;
        self
    }

    /// Sets the signature scheme of the votes.
    #[must_use]
    pub const fn signatures(mut self, signatures: Signatures) -> Self {
        self.plan.signatures = signatures;
        self
    }

    /// Sets whether a node ignores peers that it found faulty, as on a real network. The default is
    /// true.
    #[must_use]
    pub const fn shut_out(mut self, shut_out: bool) -> Self {
        self.plan.shut_out = shut_out;
        self
    }

    /// Sets the minimum simulated time of the run.
    #[must_use]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.plan.duration = duration;
        self
    }

    /// Sets the number of blocks that each honest node must finalize after the last fault, and the
    /// time limit for them.
    #[must_use]
    pub const fn liveness(mut self, blocks: u64, within: Duration) -> Self {
        self.plan.blocks = blocks;
        self.plan.within = within;
        self
    }

    /// Sets the maximum number of views from the last fault to the first final block.
    #[must_use]
    pub const fn max_views_to_heal(mut self, views: u64) -> Self {
        self.plan.max_views = Some(views);
        self
    }

    /// Sets the duration of a step of the runtime; a message takes a few steps. The default is 1
    /// ms.
    #[must_use]
    pub const fn step(mut self, step: Duration) -> Self {
        self.plan.cycle = step;
        self
    }

    /// Runs complete validators instead of bare engines: blocks are disseminated, stored and
    /// executed, and votes signed with BLS. `executor` is called at each start of a node. It must
    /// return an executor that holds the blocks committed before, none at the start of the run.
    #[must_use]
    pub fn executors(
        mut self,
        executor: impl Fn(u16) -> Arc<dyn BlockExecutor> + Send + Sync + 'static,
    ) -> Self {
        self.plan.executors = Some(Executors(Arc::new(executor)));
        self
    }

    /// Sets the number of blocks in an epoch of validators. The default is 100.
    #[must_use]
    pub const fn epoch_length(mut self, blocks: u64) -> Self {
        self.plan.epoch_length = blocks;
        self
    }

    /// Runs the cluster and checks the outcome.
    ///
    /// # Errors
    /// [`ClusterError`] if a fault names an unknown node, a time interval is negative, or a number
    /// is out of range.
    pub fn run(self) -> Result<Report, ClusterError> {
        let plan = self.plan;
        validate(&plan)?;
        // The engine panics on a broken disk or invariant. That is a result of the run, not a
        // failure of the simulation.
        let outcome = catch_unwind(AssertUnwindSafe(|| match (&plan.executors, plan.signatures) {
            (Some(executors), _) => drive(&plan, &Validators::new(&plan, executors.clone())?),
            (None, Signatures::Bls) => {
                let factory =
                    EngineOnly::<bls12381_multisig::Scheme<PublicKey, MinSig>>::new(&plan);
                drive(&plan, &factory)
            }
            (None, Signatures::Ed25519) => drive(&plan, &EngineOnly::<ed25519::Scheme>::new(&plan)),
            (None, Signatures::Mock) => {
                drive(&plan, &EngineOnly::<mock::Scheme<PublicKey>>::new(&plan))
            }
        }));
        Ok(match outcome {
            Ok(Ok(outcome)) => Report::judge(&plan, outcome),
            Ok(Err(message)) => Report::failed(&plan, message),
            Err(panic) => Report::failed(&plan, said(&*panic)),
        })
    }
}

/// The settings of a cluster are invalid.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClusterError {
    /// A fault names an unknown node.
    #[error("there is no node {got}, only {nodes}, counted from 0")]
    NoSuchNode {
        /// The number of nodes.
        nodes: u16,
        /// The node named.
        got: u16,
    },
    /// The number of nodes is out of range.
    #[error("a cluster has 1 to {max} nodes, not {got}")]
    Nodes {
        /// The limit.
        max: u16,
        /// Nodes asked for.
        got: u16,
    },
    /// An interval ends before it begins.
    #[error("a fault that begins at {from:?} ends at {to:?}")]
    Backwards {
        /// Start of the interval.
        from: Duration,
        /// End of the interval.
        to: Duration,
    },
    /// Validators with executors cannot be twins, nor lose their disks without their executors.
    #[error("twins and lost disks are for clusters without executors")]
    Executors,
    /// An epoch is too short.
    #[error("an epoch has at least 2 blocks, not {got}")]
    EpochLength {
        /// Blocks asked for.
        got: u64,
    },
    /// The step of the runtime is zero.
    #[error("a step of the runtime takes some time")]
    NoStep,
    /// There are fewer regions than nodes.
    #[error("{got} regions are named for {expected} nodes")]
    Regions {
        /// The number of nodes.
        expected: u16,
        /// Regions named.
        got: usize,
    },
}

fn validate(plan: &Plan) -> Result<(), ClusterError> {
    if plan.nodes == 0 || plan.nodes > MAX_NODES {
        return Err(ClusterError::Nodes { max: MAX_NODES, got: plan.nodes });
    }
    if plan.cycle.is_zero() {
        return Err(ClusterError::NoStep);
    }
    if plan.epoch_length < 2 {
        return Err(ClusterError::EpochLength { got: plan.epoch_length });
    }
    let lost = plan.crashes.iter().any(|crash| crash.disk == Disk::Lost);
    if plan.executors.is_some() && (lost || !plan.twins.nodes.is_empty()) {
        return Err(ClusterError::Executors);
    }
    if !plan.regions.is_empty() && plan.regions.len() < usize::from(plan.nodes) {
        return Err(ClusterError::Regions { expected: plan.nodes, got: plan.regions.len() });
    }
    let split = plan.partitions.iter().flat_map(|split| split.groups.iter().flatten().copied());
    let crashed = plan.crashes.iter().map(|crash| crash.node);
    let leaders = plan.twins.rounds.iter().map(|round| round.leader);
    let twins = plan.twins.nodes.iter().copied();
    if let Some(got) = split.chain(crashed).chain(leaders).chain(twins).find(|n| *n >= plan.nodes) {
        return Err(ClusterError::NoSuchNode { nodes: plan.nodes, got });
    }
    let times = plan.partitions.iter().map(|split| (split.from, split.to));
    let times = times.chain(plan.crashes.iter().map(|crash| (crash.at, crash.until)));
    let times = times.chain(plan.power_cuts.iter().map(|cut| (cut.at, cut.until)));
    match times.into_iter().find(|(from, to)| from >= to) {
        Some((from, to)) => Err(ClusterError::Backwards { from, to }),
        None => Ok(()),
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| String::from(*text));
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked without a word".into())
}

/// Maximum number of nodes: more would be slow, and scripts of twins have the same limit.
const MAX_NODES: u16 = 64;
