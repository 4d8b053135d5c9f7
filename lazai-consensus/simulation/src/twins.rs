use alloc::{collections::BTreeSet, vec::Vec};

use commonware_consensus::{
    simplex::mocks::twins::{self, Framework},
    types::{TermLength, View},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Nodes with two instances under one key, and a script that decides which nodes each instance
/// communicates with.
///
/// Two unmodified instances of a node produce double votes, equivocating leaders and forgotten
/// locks (Bano et al., "Twins: BFT Systems Made Robust", 2020). The script covers the first views;
/// after it, both instances communicate with all nodes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Twins {
    /// The nodes with two instances.
    pub nodes: BTreeSet<u16>,
    /// The script, beginning with view 1.
    pub rounds: Vec<Round>,
    /// Whether, during the script, first instances communicate only with first instances of other
    /// twins, and second ones only with second ones. Otherwise each communicates with both, within
    /// the limits of the script.
    pub apart: bool,
}

/// One view of a script.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Round {
    /// The leader of the view.
    pub leader: u16,
    /// The nodes that communicate with the first instance of each twin.
    pub first: BTreeSet<u16>,
    /// The nodes that communicate with the second instance. A node may be in both sets or in
    /// neither.
    pub second: BTreeSet<u16>,
}

/// The relation between the rounds of a script.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pattern {
    /// Each round is drawn independently.
    Sampled,
    /// One round is repeated.
    Sustained,
}

impl Twins {
    /// Creates an empty script without twins.
    #[must_use]
    pub const fn none() -> Self {
        Self { nodes: BTreeSet::new(), rounds: Vec::new(), apart: false }
    }

    /// Draws a script of `rounds` views for `nodes` nodes with `faults` twins, uniformly up to a
    /// renaming of nodes. `None` if there are no twins, no rounds, or no other nodes.
    #[must_use]
    pub fn draw(nodes: u16, faults: u16, rounds: u16, pattern: Pattern, seed: u64) -> Option<Self> {
        if faults == 0 || faults >= nodes || nodes > MAX_NODES || rounds == 0 {
            return None;
        }
        let framework = Framework {
            participants: usize::from(nodes),
            faults: usize::from(faults),
            rounds: usize::from(rounds),
            mode: match pattern {
                Pattern::Sampled => twins::Mode::Sampled,
                Pattern::Sustained => twins::Mode::Sustained,
            },
            max_cases: 1,
        };
        let case = twins::cases(&mut StdRng::seed_from_u64(seed), framework).into_iter().next()?;
        let everyone: Vec<u16> = (0..nodes).collect();
        let rounds = case
            .scenario
            .rounds()
            .iter()
            .zip(1..)
            .map(|(round, view)| {
                let (first, second) =
                    case.scenario.partitions(View::new(view), TermLength::ONE, &everyone);
                Round {
                    leader: seat(round.leader()),
                    first: first.into_iter().collect(),
                    second: second.into_iter().collect(),
                }
            })
            .collect();
        let nodes = case.compromised.into_iter().map(seat).collect();
        Some(Self { nodes, rounds, apart: false })
    }

    /// Creates a script that breaks every protocol if more than a third of the nodes are twins: the
    /// other nodes form two halves, each reached by one instance of the twins, and a twin leads.
    #[must_use]
    pub fn split(nodes: u16, faults: u16, rounds: u16, seed: u64) -> Option<Self> {
        if faults == 0 || faults >= nodes || rounds == 0 {
            return None;
        }
        let mut rng = StdRng::seed_from_u64(seed);
        let mut order: Vec<u16> = (0..nodes).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        let (twins, others) = order.split_at(usize::from(faults));
        let (left, right) = others.split_at(others.len().div_ceil(2));
        let rounds = (0..rounds)
            .map(|_| Round {
                leader: twins[rng.random_range(0..twins.len())],
                first: twins.iter().chain(left).copied().collect(),
                second: twins.iter().chain(right).copied().collect(),
            })
            .collect();
        Some(Self { nodes: twins.iter().copied().collect(), rounds, apart: true })
    }

    /// Returns the script of a view, or `None` after the last.
    pub(super) fn round(&self, view: u64) -> Option<&Round> {
        self.rounds.get(usize::try_from(view.saturating_sub(1)).ok()?)
    }

    /// Returns the number of scripted views.
    #[must_use]
    pub const fn views(&self) -> u64 {
        self.rounds.len() as u64
    }
}

fn seat(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// Maximum number of nodes of a script.
const MAX_NODES: u16 = 64;
