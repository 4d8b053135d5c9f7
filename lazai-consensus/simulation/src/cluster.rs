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

/// Validators in one process, on a runtime and a network that one seed decides.
///
/// The engine is the one of the chain, unmodified. The payloads mean nothing, so that many runs fit
/// into little time.
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
    /// Begins with four nodes, 50 ms apart, without faults.
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

    /// Sets how many nodes there are, 1 to 64.
    #[must_use]
    pub const fn nodes(mut self, nodes: u16) -> Self {
        self.plan.nodes = nodes;
        self
    }

    /// Sets what decides all that is left to chance.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// Sets how messages travel between any two nodes.
    #[must_use]
    pub const fn link(mut self, link: Link) -> Self {
        self.plan.link = link;
        self
    }

    /// Sets how messages travel until `until`, in place of [`link`](Self::link).
    #[must_use]
    pub const fn unstable(mut self, until: Duration, link: Link) -> Self {
        self.plan.unstable = Some((until, link));
        self
    }

    /// Sets where the nodes stand, which decides the latency between them in place of
    /// [`link`](Self::link).
    #[must_use]
    pub fn regions(mut self, regions: &[Region]) -> Self {
        self.plan.regions = regions.to_vec();
        self
    }

    /// Splits the network for a time.
    #[must_use]
    pub fn partition(mut self, partition: Partition) -> Self {
        self.plan.partitions.push(partition);
        self
    }

    /// Crashes a node and starts it again.
    #[must_use]
    pub fn crash(mut self, crash: Crash) -> Self {
        self.plan.crashes.push(crash);
        self
    }

    /// Stops all nodes at once, in the middle of their writes.
    #[must_use]
    pub fn power_cut(mut self, cut: PowerCut) -> Self {
        self.plan.power_cuts.push(cut);
        self
    }

    /// Makes the disks refuse now and then.
    #[must_use]
    pub const fn storage_faults(mut self, faults: StorageFaults) -> Self {
        self.plan.storage = Some(faults);
        self
    }

    /// Lets nodes run twice.
    #[must_use]
    pub fn twins(mut self, twins: Twins) -> Self {
        self.plan.twins = twins;
        self
    }

    /// Sets what signs the votes.
    #[must_use]
    pub const fn signatures(mut self, signatures: Signatures) -> Self {
        self.plan.signatures = signatures;
        self
    }

    /// Sets whether a node that finds another at fault hears no more of it, as on a real network.
    /// True if not set.
    #[must_use]
    pub const fn shut_out(mut self, shut_out: bool) -> Self {
        self.plan.shut_out = shut_out;
        self
    }

    /// Sets how long the run takes at least.
    #[must_use]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.plan.duration = duration;
        self
    }

    /// Sets how many final blocks each honest node must see after the last fault, and within which
    /// time.
    #[must_use]
    pub const fn liveness(mut self, blocks: u64, within: Duration) -> Self {
        self.plan.blocks = blocks;
        self.plan.within = within;
        self
    }

    /// Sets how many views after the last fault the first block may be final.
    #[must_use]
    pub const fn max_views_to_heal(mut self, views: u64) -> Self {
        self.plan.max_views = Some(views);
        self
    }

    /// Sets how long a step of the runtime takes, which a message costs a few of. 1 ms if not set.
    #[must_use]
    pub const fn step(mut self, step: Duration) -> Self {
        self.plan.cycle = step;
        self
    }

    /// Runs whole validators of the chain in place of the bare agreement: blocks are spread, kept
    /// and executed, votes signed with BLS. `executor` gives a node its executor whenever it
    /// starts, which must hold what it had committed before, and nothing when the run begins.
    #[must_use]
    pub fn executors(
        mut self,
        executor: impl Fn(u16) -> Arc<dyn BlockExecutor> + Send + Sync + 'static,
    ) -> Self {
        self.plan.executors = Some(Executors(Arc::new(executor)));
        self
    }

    /// Sets how many blocks an epoch of validators has. 100 if not set.
    #[must_use]
    pub const fn epoch_length(mut self, blocks: u64) -> Self {
        self.plan.epoch_length = blocks;
        self
    }

    /// Runs the cluster and judges what it did.
    ///
    /// # Errors
    /// [`ClusterError`] if a fault names a node that there is not, a time runs backwards, or a
    /// number is out of range.
    pub fn run(self) -> Result<Report, ClusterError> {
        let plan = self.plan;
        validate(&plan)?;
        // The engine answers a broken disk or a broken invariant with a panic, which is a finding,
        // not the end.
        let driven = catch_unwind(AssertUnwindSafe(|| match (&plan.executors, plan.signatures) {
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
        Ok(match driven {
            Ok(Ok(driven)) => Report::judge(&plan, driven),
            Ok(Err(message)) => Report::failed(&plan, message),
            Err(panic) => Report::failed(&plan, said(&*panic)),
        })
    }
}

/// Why a cluster was not run.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClusterError {
    /// A fault names a node that there is not.
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
    /// Something ends before it begins.
    #[error("a fault that begins at {from:?} ends at {to:?}")]
    Backwards {
        /// Its beginning.
        from: Duration,
        /// Its end.
        to: Duration,
    },
    /// Validators with executors were to run twice, or to lose their disks without their executors.
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
    /// Fewer regions than nodes.
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

/// Most nodes of a cluster: more would be slow, and scripts of twins have no more.
const MAX_NODES: u16 = 64;
