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
    /// What happens to the cluster.
    pub scenario: Scenario,
    /// How many nodes it has.
    pub nodes: u16,
    /// What decides the rest.
    pub seed: u64,
}

impl Case {
    /// Returns the case of a seed: all scenarios in turn if none is named, on each of the sizes in
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

    /// Returns whether it is run twice if one in `every` seeds is. Of each `every` seeds in a row
    /// it is another one, or else one scenario would always be replayed and the others never.
    #[must_use]
    pub const fn is_replayed(self, every: u64) -> bool {
        let every = if every == 0 { 1 } else { every };
        self.seed % every == self.seed / every % Scenario::PERIOD % every
    }

    /// Runs it.
    ///
    /// # Errors
    /// [`ClusterError`] if the number of nodes is out of range.
    pub fn run(self) -> Result<Report, ClusterError> {
        self.scenario.cluster(self.nodes, self.seed).run()
    }

    /// Returns what speaks against a run of it.
    #[must_use]
    pub fn objections(self, report: &Report) -> Vec<Objection> {
        self.scenario.objections(self.nodes, report)
    }

    /// Returns the command that runs it again.
    #[must_use]
    pub fn command(self) -> String {
        let Self { scenario, nodes, seed } = self;
        format!(
            "cargo run --release -p lazai-simulation --example campaign -- \
             --scenario {scenario} --nodes {nodes} --seed {seed} --verbose"
        )
    }
}

/// What the runs of a campaign did together.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The runs by scenario and number of nodes.
    pub groups: BTreeMap<(Scenario, u16), Group>,
    /// What speaks against a run, and which.
    pub objections: Vec<(Case, Objection)>,
    /// Runs that were run twice.
    pub replayed: u64,
    /// Those of them whose two hashes differ.
    pub differing: Vec<Case>,
}

/// What the runs of one scenario on one number of nodes did.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// How many there were.
    pub runs: u64,
    /// Blocks that became final.
    pub finalized: u64,
    /// Nodes stopped by crashes and power cuts.
    pub crashes: u64,
    /// Nodes that stopped because their disk refused.
    pub refused: u64,
    /// Runs in which honest nodes came to hold different blocks for final.
    pub broken: u64,
    /// Runs in which evidence named a node.
    pub accused: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Views to the first final block after the last fault, run by run.
    pub views_to_heal: Vec<u64>,
    /// The same in time.
    pub times_to_heal: Vec<Duration>,
}

impl Summary {
    /// Adds a run.
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

    /// Adds a second run of a case, of which `same` says whether it has the hash of the first.
    pub fn add_replay(&mut self, case: Case, same: bool) {
        self.replayed += 1;
        if !same {
            self.differing.push(case);
        }
    }

    /// Returns how many runs there were.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.groups.values().map(|group| group.runs).sum()
    }

    /// Returns the simulated time of all runs.
    #[must_use]
    pub fn simulated(&self) -> Duration {
        self.groups.values().map(|group| group.simulated).sum()
    }

    /// Returns whether nothing speaks against any run, and the attack that must break agreement
    /// mostly did: otherwise it tests nothing.
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

/// Returns the median, the 99th percentile and the maximum, as text.
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
