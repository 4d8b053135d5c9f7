use alloc::{
    collections::BTreeSet,
    string::{String, ToString as _},
    vec,
    vec::Vec,
};
use core::time::Duration;

use alloy_primitives::{B256, Keccak256};

use super::{
    Violation, checker,
    driver::RawOutcome,
    plan::Plan,
    record::{Record, view_of, views_between},
};

/// The outcome of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The seed of the run.
    pub seed: u64,
    /// The violated properties.
    pub violations: Vec<Violation>,
    /// The height of the highest block that an honest node finalized.
    pub finalized: u64,
    /// The highest view in which an honest node voted, in the last epoch.
    pub views: u64,
    /// Views from the last fault to the first final block, at the slowest honest node. `None` if an
    /// honest node finalized no block.
    pub views_to_heal: Option<u64>,
    /// Time from the last fault to the first final block, at the slowest honest node. `None` if an
    /// honest node finalized no block.
    pub time_to_heal: Option<Duration>,
    /// The nodes that evidence names.
    pub evidence: BTreeSet<u16>,
    /// Number of stops due to crashes and power cuts.
    pub crashes: u64,
    /// Number of stops due to disk faults.
    pub refused: u64,
    /// Simulated time.
    pub elapsed: Duration,
    /// Time from the proposal of each block until every honest node finalized it.
    pub finality: Latencies,
    /// Time from each finalized proposal to the next.
    pub block_time: Latencies,
    /// A digest of every step of the runtime and of all findings: equal for equal seeds.
    pub hash: B256,
}

impl Report {
    /// Returns whether a violation concerns safety.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        self.violations.iter().any(Violation::is_safety)
    }

    /// Returns whether honest nodes finalized conflicting blocks.
    #[must_use]
    pub fn disagrees(&self) -> bool {
        let differs = |violation: &Violation| {
            matches!(violation, Violation::Agreement { .. } | Violation::Rollback { .. })
        };
        self.violations.iter().any(differs)
    }

    pub(super) fn judge(plan: &Plan, outcome: RawOutcome) -> Self {
        let RawOutcome { record, progress, trace, elapsed } = outcome;
        let honest = plan.honest();
        let mut violations = checker::check(&record, &honest, plan.faults());
        violations.extend(progress.violations);
        let tips = honest.iter().filter_map(|node| record.finals.get(node)).flatten();
        let finalized = tips.max_by_key(|block| block.view);
        let finalized = finalized.map_or(0, |block| record.chain(block.payload).len() as u64);
        let (views_to_heal, time_to_heal) = healing(&record, &honest, progress.healed);
        if let (Some(max), Some(got)) = (plan.max_views, views_to_heal)
            && got > max
        {
            violations.push(Violation::ViewsToHeal { max, got });
        }
        let (finality, block_time) = latencies(&record, &honest);
        let mut report = Self {
            seed: plan.seed,
            violations,
            finalized,
            views: view_of(record.highest_view),
            views_to_heal,
            time_to_heal,
            evidence: checker::evidence(&record, &honest),
            crashes: progress.crashes,
            refused: progress.refused,
            elapsed,
            finality,
            block_time,
            hash: B256::ZERO,
        };
        report.hash = report.digest(&trace, &record);
        report
    }

    pub(super) fn failed(plan: &Plan, message: String) -> Self {
        let mut report = Self {
            seed: plan.seed,
            violations: vec![Violation::Panicked { message }],
            finalized: 0,
            views: 0,
            views_to_heal: None,
            time_to_heal: None,
            evidence: BTreeSet::new(),
            crashes: 0,
            refused: 0,
            elapsed: Duration::ZERO,
            finality: Latencies::default(),
            block_time: Latencies::default(),
            hash: B256::ZERO,
        };
        report.hash = report.digest("", &Record::default());
        report
    }

    fn digest(&self, trace: &str, record: &Record) -> B256 {
        let mut hasher = Keccak256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        field(trace.as_bytes());
        for number in [self.seed, self.finalized, self.views, self.crashes, self.refused] {
            field(&number.to_be_bytes());
        }
        field(&self.elapsed.as_nanos().to_be_bytes());
        for (node, finals) in &record.finals {
            for block in finals {
                field(&node.to_be_bytes());
                field(&block.view.to_be_bytes());
                field(block.payload.as_slice());
            }
        }
        for node in &self.evidence {
            field(&node.to_be_bytes());
        }
        for violation in &self.violations {
            field(violation.to_string().as_bytes());
        }
        hasher.finalize()
    }
}

/// A sorted set of durations with percentiles.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Collects durations in any order.
    #[must_use]
    pub fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// Returns the smallest duration that at least `percent` per cent of the durations do not
    /// exceed. `None` if there are none.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let rank = self.0.len().checked_mul(usize::from(percent.min(100)))?.div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied()
    }

    /// Returns the number of durations.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no durations.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a percentile in thousandths of `delay`.
    #[must_use]
    pub fn in_delays(&self, percent: u8, delay: Duration) -> Option<u64> {
        let thousandths = self.percentile(percent)?.as_nanos().checked_mul(1000)?;
        u64::try_from(thousandths.checked_div(delay.as_nanos())?).ok()
    }
}

/// Returns views and time until the slowest honest node finalized its first block after healing.
fn healing(
    record: &Record,
    honest: &BTreeSet<u16>,
    healed: Option<(Duration, u64)>,
) -> (Option<u64>, Option<Duration>) {
    let Some((since, view)) = healed else { return (None, None) };
    let (mut views, mut time) = (0, Duration::ZERO);
    for node in honest {
        let after = view.saturating_add(1);
        let first = record.final_views.get(node).and_then(|views| views.range(after..).next());
        let Some((first, at)) = first else { return (None, None) };
        views = views.max(views_between(view, *first));
        time = time.max(at.saturating_sub(since));
    }
    (Some(views), Some(time))
}

fn latencies(record: &Record, honest: &BTreeSet<u16>) -> (Latencies, Latencies) {
    let mut finality = Vec::new();
    let mut proposed = BTreeSet::new();
    for node in honest {
        let finals = record.finals.get(node).map(Vec::as_slice).unwrap_or_default();
        let mut seen = BTreeSet::new();
        for block in finals {
            let at = record.final_views.get(node).and_then(|views| views.get(&block.view));
            let made = record.payloads.get(&block.payload);
            if let (Some(at), Some(made), true) = (at, made, seen.insert(block.view)) {
                finality.push(at.saturating_sub(made.at));
                proposed.insert(made.at);
            }
        }
    }
    let next = proposed.iter().skip(1);
    let gaps = proposed.iter().zip(next).map(|(one, next)| next.saturating_sub(*one)).collect();
    (Latencies::new(finality), Latencies::new(gaps))
}
