use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, time::Duration};

use super::{ClusterError, Objection, Report, Scenario};

/// One run of a campaign.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Case {
    /// The faults of the cluster.
    pub scenario: Scenario,
    /// The number of nodes.
    pub nodes: u16,
    /// The seed of all random choices.
    pub seed: u64,
}

impl Case {
    /// Returns the case of a seed: the given scenario or else all in turn, and each of `sizes` in
    /// turn.
    #[must_use]
    pub fn of(seed: u64, scenario: Option<Scenario>, sizes: &[u16]) -> Self {
        let round = if scenario.is_some() { seed } else { seed / Scenario::PERIOD };
        let size = usize::try_from(round % (sizes.len().max(1) as u64)).unwrap_or_default();
        Self {
            scenario: scenario.unwrap_or_else(|| Scenario::of(seed)),
            nodes: sizes.get(size).copied().unwrap_or(4),
            seed,
        }
    }

    /// Returns whether the case is run twice if one in `every` seeds is. The replayed position
    /// moves within each `every` seeds, so that every scenario is replayed at times.
    #[must_use]
    pub const fn is_replayed(self, every: u64) -> bool {
        let every = if every == 0 { 1 } else { every };
        self.seed % every == self.seed / every % Scenario::PERIOD % every
    }

    /// Runs the case.
    ///
    /// # Errors
    /// [`ClusterError`] if the number of nodes is out of range.
    pub fn run(self) -> Result<Report, ClusterError> {
        self.scenario.cluster(self.nodes, self.seed).run()
    }

    /// Returns the objections to a report of this case.
    #[must_use]
    pub fn objections(self, report: &Report) -> Vec<Objection> {
        self.scenario.objections(self.nodes, report)
    }

    /// Returns the command line that repeats the case.
    #[must_use]
    pub fn command(self) -> String {
        let Self { scenario, nodes, seed } = self;
        format!(
            "cargo run --release -p lazai-simulation --example campaign -- \
             --scenario {scenario} --nodes {nodes} --seed {seed} --verbose"
        )
    }
}

/// The aggregated results of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The runs by scenario and number of nodes.
    pub groups: BTreeMap<(Scenario, u16), Group>,
    /// Each objection with its case.
    pub objections: Vec<(Case, Objection)>,
    /// Number of cases that were run twice.
    pub replayed: u64,
    /// The replayed cases with two different hashes.
    pub differing: Vec<Case>,
}

/// The aggregated results of one scenario at one number of nodes.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Number of runs.
    pub runs: u64,
    /// Number of finalized blocks.
    pub finalized: u64,
    /// Number of stops due to crashes and power cuts.
    pub crashes: u64,
    /// Number of stops due to disk faults.
    pub refused: u64,
    /// Number of runs in which honest nodes finalized conflicting blocks.
    pub broken: u64,
    /// Number of runs in which evidence named a node.
    pub accused: u64,
    /// Total simulated time.
    pub simulated: Duration,
    /// Views from the last fault to the first final block, for each run.
    pub views_to_heal: Vec<u64>,
    /// Time from the last fault to the first final block, for each run.
    pub times_to_heal: Vec<Duration>,
}

impl Summary {
    /// Adds the report of a run.
    pub fn add(&mut self, case: Case, report: &Report) {
        let group = self.groups.entry((case.scenario, case.nodes)).or_default();
        group.runs += 1;
        group.finalized += report.finalized;
        group.crashes += report.crashes;
        group.refused += report.refused;
        group.broken += u64::from(report.disagrees());
        group.accused += u64::from(!report.evidence.is_empty());
        group.simulated += report.elapsed;
        group.views_to_heal.extend(report.views_to_heal);
        group.times_to_heal.extend(report.time_to_heal);
        self.objections.extend(case.objections(report).into_iter().map(|found| (case, found)));
    }

    /// Adds the replay of a case; `same` tells whether its hash matches that of the first run.
    pub fn add_replay(&mut self, case: Case, same: bool) {
        self.replayed += 1;
        if !same {
            self.differing.push(case);
        }
    }

    /// Returns the total number of runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.groups.values().map(|group| group.runs).sum()
    }

    /// Returns the simulated time of all runs.
    #[must_use]
    pub fn simulated(&self) -> Duration {
        self.groups.values().map(|group| group.simulated).sum()
    }

    /// Returns whether there are no objections, and most of the attacks beyond the tolerated faults
    /// broke agreement: otherwise they test nothing.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let beyond = self.groups.iter().filter(|((scenario, _), _)| *scenario == Scenario::Beyond);
        let (runs, broken) = beyond
            .fold((0, 0), |(runs, broken), (_, group)| (runs + group.runs, broken + group.broken));
        self.objections.is_empty() && self.differing.is_empty() && broken * 2 >= runs
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<8} {:>5} {:>7} {:>9} {:>8} {:>8} {:>7} {:>7} {:>22} {:>22}",
            "scenario",
            "nodes",
            "runs",
            "final",
            "crashes",
            "refused",
            "broken",
            "accused",
            "views to heal 50/99/max",
            "ms to heal 50/99/max",
        )?;
        for ((scenario, nodes), group) in &self.groups {
            let views = spread(&group.views_to_heal);
            let times: Vec<u128> = group.times_to_heal.iter().map(Duration::as_millis).collect();
            writeln!(
                f,
                "{:<8} {nodes:>5} {:>7} {:>9} {:>8} {:>8} {:>7} {:>7} {views:>22} {:>22}",
                scenario.to_string(),
                group.runs,
                group.finalized,
                group.crashes,
                group.refused,
                group.broken,
                group.accused,
                spread(&times),
            )?;
        }
        let minutes = self.simulated().as_secs() / 60;
        writeln!(
            f,
            "{} runs, {}.{:02} simulated hours, {} objections, {} of {} replays differ",
            self.runs(),
            minutes / 60,
            minutes % 60 * 100 / 60,
            self.objections.len(),
            self.differing.len(),
            self.replayed,
        )
    }
}

/// Formats the median, the 99th percentile and the maximum.
#[must_use]
pub fn spread<T: Copy + Ord + fmt::Display>(values: &[T]) -> String {
    let mut values = values.to_vec();
    values.sort_unstable();
    let rank = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100);
        values.get(rank.saturating_sub(1)).map_or_else(|| "-".into(), ToString::to_string)
    };
    format!("{}/{}/{}", rank(50), rank(99), rank(100))
}
