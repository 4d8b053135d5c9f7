use alloc::{sync::Arc, vec::Vec};
use core::{fmt, str::FromStr, time::Duration};

use lazai_api_types::chain::BlockExecutor;
use rand::{Rng, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    Cluster, Crash, Disk, HashLedger, Link, Partition, Pattern, PowerCut, Report, Signatures,
    StorageFaults, Twins, Violation,
};

/// A family of runs; seed and number of nodes select one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scenario {
    /// One twin more than the protocol tolerates: agreement must break, and the evidence must name
    /// the faulty nodes.
    Beyond,
    /// Complete validators that execute blocks, in short epochs, under the faults of a sweep
    /// without twins. It is run only by name, since it takes many times as long as the others.
    Chain,
    /// No group has a quorum for half a minute.
    Heal,
    /// Lost and late messages, partitions, crashes, power cuts, disk faults, and in a quarter of
    /// the runs twins.
    Sweep,
    /// As many twins as the protocol tolerates, with a random script.
    Twins,
}

impl Scenario {
    /// All scenarios.
    pub const ALL: [Self; 5] = [Self::Beyond, Self::Chain, Self::Heal, Self::Sweep, Self::Twins];

    /// Number of seeds after which [`of`](Self::of) repeats.
    pub const PERIOD: u64 = 20;

    /// Returns the default scenario of a seed. Of twenty seeds, nine have twins, nine are sweeps,
    /// one heals, and one exceeds the tolerated faults.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        match seed % Self::PERIOD {
            0 => Self::Beyond,
            1 => Self::Heal,
            2..=10 => Self::Sweep,
            _ => Self::Twins,
        }
    }

    /// Returns the cluster of a seed.
    #[must_use]
    pub fn cluster(self, nodes: u16, seed: u64) -> Cluster {
        // Separate from the generator of the run, which has the same seed.
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let faults = nodes.saturating_sub(1) / 3;
        // BLS only in some runs: it costs a hundred times as much.
        let real = rng.random_ratio(1, BLS_EVERY);
        let signatures = if real { Signatures::Bls } else { Signatures::Mock };
        let cluster = Cluster::builder().nodes(nodes).seed(seed).signatures(signatures);
        match self {
            Self::Beyond => {
                let twins = Twins::split(nodes, faults.saturating_add(1), 4, rng.random());
                let twins = twins.unwrap_or_default();
                // The honest halves learn of each other too late.
                let groups = twins.rounds.iter().take(1);
                let groups = groups.flat_map(|round| [&round.first, &round.second]);
                let groups = groups.map(|group| group.iter().copied().collect()).collect();
                cluster
                    .partition(Partition { from: Duration::ZERO, to: millis(2_000), groups })
                    .link(Link { jitter: millis(10), ..Link::fixed(millis(50)) })
                    .signatures(Signatures::Ed25519)
                    .twins(twins)
                    .liveness(1, Duration::from_secs(5))
            }
            Self::Chain => {
                let ledgers: Vec<HashLedger> = (0..nodes).map(|_| HashLedger::default()).collect();
                let ledger = move |node: u16| -> Arc<dyn BlockExecutor> {
                    Arc::new(ledgers.get(usize::from(node)).cloned().unwrap_or_default())
                };
                sweep(cluster, nodes, false, &mut rng)
                    .epoch_length(rng.random_range(8..40))
                    .executors(ledger)
                    .max_views_to_heal(max_views(nodes))
            }
            Self::Heal => heal(cluster, nodes, &mut rng).max_views_to_heal(max_views(nodes)),
            Self::Sweep => {
                sweep(cluster, nodes, true, &mut rng).max_views_to_heal(max_views(nodes))
            }
            Self::Twins => {
                let pattern = if rng.random() { Pattern::Sampled } else { Pattern::Sustained };
                let rounds = rng.random_range(3..=6);
                let twins = Twins::draw(nodes, faults, rounds, pattern, rng.random());
                let (latency, jitter) = match rng.random_range(0..4) {
                    0 => (10, 10),
                    1 => (50, 20),
                    2 => (150, 50),
                    _ => (300, 150),
                };
                cluster
                    .link(Link { jitter: millis(jitter), ..Link::fixed(millis(latency)) })
                    .shut_out(rng.random())
                    .twins(twins.unwrap_or_default())
                    .max_views_to_heal(max_views(nodes))
            }
        }
    }

    /// Returns the objections to a run: its violations, except those that the scenario must cause.
    #[must_use]
    pub fn objections(self, nodes: u16, report: &Report) -> Vec<Objection> {
        if self != Self::Beyond {
            return report.violations.iter().cloned().map(Objection::Violation).collect();
        }
        // Disagreement and stalling are expected here, missing evidence is not.
        let expected = |violation: &&Violation| {
            matches!(
                violation,
                Violation::Agreement { .. }
                    | Violation::Rollback { .. }
                    | Violation::Stalled { .. }
                    | Violation::ViewsToHeal { .. }
            )
        };
        let others = report.violations.iter().filter(|violation| !expected(violation)).cloned();
        let mut objections: Vec<Objection> = others.map(Objection::Violation).collect();
        let needed = nodes.saturating_sub(1) / 3 + 1;
        let got = u16::try_from(report.evidence.len()).unwrap_or(u16::MAX);
        if report.disagrees() && got < needed {
            objections.push(Objection::NotNamed { expected: needed, got });
        }
        objections
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Beyond => "beyond",
            Self::Chain => "chain",
            Self::Heal => "heal",
            Self::Sweep => "sweep",
            Self::Twins => "twins",
        })
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, UnknownScenario> {
        match name {
            "beyond" => Ok(Self::Beyond),
            "chain" => Ok(Self::Chain),
            "heal" => Ok(Self::Heal),
            "sweep" => Ok(Self::Sweep),
            "twins" => Ok(Self::Twins),
            _ => Err(UnknownScenario),
        }
    }
}

/// No scenario has this name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the scenarios are beyond, chain, heal, sweep and twins")]
pub struct UnknownScenario;

/// A reason to reject the outcome of a run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Objection {
    /// Evidence names fewer nodes than are needed to break agreement.
    #[error("evidence names {got} nodes, {expected} are guilty")]
    NotNamed {
        /// Least number of faulty nodes.
        expected: u16,
        /// Nodes named.
        got: u16,
    },
    /// A violated property.
    #[error(transparent)]
    Violation(Violation),
}

/// Returns the maximum number of views from the last fault to the first final block: one for each
/// faulty leader, one that the fault interrupted, and some for nodes that lag and skip to a later
/// block.
#[must_use]
pub const fn max_views(nodes: u16) -> u64 {
    nodes as u64 * 2 + 4
}

fn heal(cluster: Cluster, nodes: u16, rng: &mut impl Rng) -> Cluster {
    let from = millis(rng.random_range(500..3_000));
    let quorum = usize::from(nodes - nodes.saturating_sub(1) / 3);
    let order = shuffled(nodes, rng);
    let size = rng.random_range(1..quorum);
    let groups = order.chunks(size).map(<[u16]>::to_vec).collect();
    let link = Link { jitter: millis(20), ..Link::fixed(millis(rng.random_range(20..120))) };
    cluster.link(link).partition(Partition { from, to: from + Duration::from_secs(30), groups })
}

fn sweep(mut cluster: Cluster, nodes: u16, twins: bool, rng: &mut impl Rng) -> Cluster {
    let trouble_ms = rng.random_range(4_000..20_000);
    let latency = millis(rng.random_range(40..150));
    let calm = Link { jitter: latency / 5, ..Link::fixed(latency) };
    let rough = Link {
        latency,
        jitter: latency * rng.random_range(0..=10) / 10,
        loss_permille: rng.random_range(0..=300),
    };
    cluster = cluster.link(calm).unstable(millis(trouble_ms), rough);
    for _ in 0..rng.random_range(0..=2) {
        let (from, to) = span(trouble_ms, rng);
        let groups = shuffled(nodes, rng);
        let groups = groups.chunks(rng.random_range(1..=usize::from(nodes)));
        cluster = cluster.partition(Partition {
            from,
            to,
            groups: groups.map(<[u16]>::to_vec).collect(),
        });
    }
    let faults = nodes.saturating_sub(1) / 3;
    if twins && rng.random_ratio(1, 4) {
        let rounds = rng.random_range(3..=6);
        let twins = Twins::draw(nodes, faults, rounds, Pattern::Sampled, rng.random());
        cluster = cluster.twins(twins.unwrap_or_default()).shut_out(rng.random());
    }
    // Mostly as many as are tolerated, sometimes all, one after the other or together: the disks
    // must preserve the state through that too.
    let crashing = if rng.random_ratio(1, 4) { nodes } else { faults };
    for node in shuffled(nodes, rng).into_iter().take(usize::from(crashing)) {
        let (at, until) = span(trouble_ms, rng);
        cluster = cluster.crash(Crash { node, at, until, disk: Disk::Kept });
    }
    if rng.random_ratio(1, 4) {
        let (at, until) = span(trouble_ms, rng);
        cluster = cluster.power_cut(PowerCut { at, until });
    }
    if rng.random_ratio(1, 3) {
        cluster = cluster.storage_faults(StorageFaults {
            until: millis(trouble_ms),
            open_ppm: rng.random_range(0..2_000),
            read_ppm: rng.random_range(0..2_000),
            write_ppm: rng.random_range(0..2_000),
            sync_ppm: rng.random_range(0..2_000),
        });
    }
    cluster
}

/// Draws an interval within the time of faults.
fn span(trouble_ms: u64, rng: &mut impl Rng) -> (Duration, Duration) {
    let from = rng.random_range(0..trouble_ms - 1_000);
    (millis(from), millis(rng.random_range(from + 200..trouble_ms)))
}

fn shuffled(nodes: u16, rng: &mut impl Rng) -> Vec<u16> {
    let mut order: Vec<u16> = (0..nodes).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

/// One in this many runs signs with BLS.
const BLS_EVERY: u32 = 25;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
