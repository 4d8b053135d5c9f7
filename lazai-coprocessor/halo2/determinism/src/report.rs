use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use lazai_halo2::{Call, Site};

use crate::{Constraint, cases::ALONE};

/// What a sweep found out about one gadget.
#[derive(Clone, Debug, Default)]
pub struct GadgetReport {
    /// Name.
    pub name: String,
    /// Circuits: parameters times widths.
    pub circuits: usize,
    /// Witnesses that were tried.
    pub inputs: usize,
    /// Witnesses that are the only solution.
    pub unique: usize,
    /// What is wrong with the others.
    pub failures: Vec<String>,
    /// Lookups that were left out.
    pub lookups: LeftOut,
    /// Constraints that were left out which say that a value is 0, a bit or another value.
    pub zeros: LeftOut,
    /// Other constraints that were left out.
    pub sums: LeftOut,
}

/// Constraints that were left out, one at a time, by where in the source they are made.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    pub(crate) sites: BTreeMap<Origin, SiteReport>,
}

/// Where constraints come from. The constraints of one origin differ by parameters, by the width of
/// the range table, or by the turn of a loop.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Origin {
    /// A gate that gadgets do not make one by one, by its name.
    Gate(String),
    /// Calls in the source.
    Site(Site),
}

/// What was found out by leaving out constraints of one origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct SiteReport {
    /// Constraints that were left out, each with the number of its circuit.
    pub(crate) tried: BTreeSet<(usize, Constraint)>,
    /// Constraints without which a witness was refused.
    pub(crate) refused: usize,
    /// Whether a second solution was found without one, which keeps all other constraints.
    pub(crate) second: bool,
    /// Whether one was found whose results are others, too, or lie beyond what the gadget bounds.
    pub(crate) other_result: bool,
    /// The gadget that is nothing but a method, in which such a constraint is needed.
    pub(crate) alone: Option<&'static str>,
    /// A constraint that was left out.
    pub(crate) example: String,
    /// Whether a question without one was given up.
    pub(crate) is_exhausted: bool,
    /// Steps that the questions took.
    pub(crate) steps: u64,
}

impl SiteReport {
    /// Returns whether the checker refused a witness of the gadget itself.
    const fn is_noticed_here(&self) -> bool {
        self.refused > 0
    }

    const fn is_noticed(&self) -> bool {
        self.is_noticed_here() || self.alone.is_some()
    }
}

impl LeftOut {
    /// Returns the number of origins whose constraints were left out.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sites.len()
    }

    /// Returns the number of constraints that were left out.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.sites.values().map(|site| site.tried.len()).sum()
    }

    /// Returns the number of origins of which the checker misses a constraint: without it, it
    /// refuses a witness.
    #[must_use]
    pub fn noticed(&self) -> usize {
        self.number(SiteReport::is_noticed)
    }

    /// Returns the number of origins of which it misses a constraint by a second solution, which
    /// keeps all others.
    #[must_use]
    pub fn second(&self) -> usize {
        self.number(|site| site.second)
    }

    /// Returns the number of origins of which it misses a constraint by a second solution with
    /// other results: the constraint keeps a prover from choosing them.
    #[must_use]
    pub fn other_result(&self) -> usize {
        self.number(|site| site.other_result)
    }

    /// Returns the number of origins of which it misses a constraint only in the gadget that is
    /// nothing but the method that makes it.
    #[must_use]
    pub fn alone(&self) -> usize {
        self.number(|site| site.alone.is_some())
    }

    /// Names the origins of which every constraint that was left out is implied by others, with an
    /// example of each.
    pub fn unnoticed(&self) -> impl Iterator<Item = String> {
        let unnoticed = self.sites.iter().filter(|(_, site)| !site.is_noticed());
        unnoticed.map(|(origin, site)| {
            let ended = if site.is_exhausted { ", not searched to the end" } else { "" };
            format!("{origin}: {}{ended}", site.example)
        })
    }

    /// Names the origins of which it misses a constraint, but found no second solution without one.
    pub fn open(&self) -> impl Iterator<Item = String> {
        let open = self.sites.iter().filter(|(_, site)| site.is_noticed_here() && !site.second);
        open.map(|(origin, site)| format!("{origin}: {}", site.example))
    }

    /// Names the origins of which a constraint is missed only where its method stands alone, and
    /// the gadget that is the method.
    pub fn noticed_alone(&self) -> impl Iterator<Item = String> {
        let alone = self.sites.iter().filter_map(|(origin, site)| Some((origin, site.alone?)));
        alone.map(|(origin, gadget)| format!("{origin}: in {gadget}"))
    }

    fn number(&self, is: impl Fn(&SiteReport) -> bool) -> usize {
        self.sites.values().filter(|site| is(site)).count()
    }

    /// Returns the calls of some of the origins.
    fn calls(&self, of: impl Fn(&SiteReport) -> bool) -> impl Iterator<Item = &[Call]> {
        self.sites.iter().filter_map(move |(origin, site)| match origin {
            Origin::Site(made) if of(site) => Some(made.calls()),
            _ => None,
        })
    }
}

impl GadgetReport {
    /// Returns whether every witness is the only solution, and constraints of every origin were
    /// noticed.
    #[must_use]
    pub fn passes(&self) -> bool {
        let [lookups, zeros, sums] = self.left_out();
        self.failures.is_empty()
            && self.unique == self.inputs
            && [lookups, zeros, sums].iter().all(|left_out| left_out.noticed() == left_out.count())
    }

    /// Returns the lookups, zeros and sums that were left out.
    #[must_use]
    pub const fn left_out(&self) -> [&LeftOut; 3] {
        [&self.lookups, &self.zeros, &self.sums]
    }

    /// Writes the sums of several reports.
    #[must_use]
    pub fn total(reports: &[Self]) -> String {
        let sum = |number: &dyn Fn(&Self) -> usize| reports.iter().map(number).sum::<usize>();
        let [lookups, zeros, sums] = [0, 1, 2].map(|kind| {
            let of = |number: fn(&LeftOut) -> usize| {
                sum(&move |report: &Self| number(report.left_out()[kind]))
            };
            Score {
                count: of(LeftOut::count),
                noticed: of(LeftOut::noticed),
                second: of(LeftOut::second),
                other_result: of(LeftOut::other_result),
                alone: of(LeftOut::alone),
                tried: of(LeftOut::tried),
            }
        });
        format!(
            "{} gadgets: {} circuits, {} inputs, {} unique; left out and noticed: lookups \
             {lookups}, zeros {zeros}, sums {sums}",
            reports.len(),
            sum(&|report| report.circuits),
            sum(&|report| report.inputs),
            sum(&|report| report.unique),
        )
    }

    /// Finds the origins that are implied where their gadget calls a method, although the gadget
    /// needs the call, and that are noticed where the method stands alone.
    pub(crate) fn compare_methods(reports: &mut [Self]) {
        // What is noticed of each method where it stands alone: the calls behind that of the
        // method, by kind.
        let mut needed: BTreeSet<(usize, &'static str, Vec<Call>)> = BTreeSet::new();
        for (method, gadget) in ALONE {
            for report in reports.iter().filter(|report| report.name == gadget) {
                for (kind, left_out) in report.left_out().into_iter().enumerate() {
                    for calls in left_out.calls(SiteReport::is_noticed_here) {
                        if let Some(at) = calls.iter().position(|call| call.method == method) {
                            needed.insert((kind, method, calls[at + 1..].to_vec()));
                        }
                    }
                }
            }
        }
        for report in reports {
            let mut called: BTreeSet<Vec<Call>> = BTreeSet::new();
            let noticed = |kind| LeftOut::calls(kind, SiteReport::is_noticed_here);
            for calls in report.left_out().into_iter().flat_map(noticed) {
                called.extend((1..=calls.len()).map(|length| calls[..length].to_vec()));
            }
            let own = report.name.clone();
            let kinds = [&mut report.lookups, &mut report.zeros, &mut report.sums];
            for (kind, left_out) in kinds.into_iter().enumerate() {
                for (origin, site) in &mut left_out.sites {
                    let Origin::Site(made) = origin else { continue };
                    if site.is_noticed_here() {
                        continue;
                    }
                    let calls = made.calls();
                    site.alone = calls.iter().enumerate().find_map(|(at, call)| {
                        let (method, gadget) =
                            ALONE.into_iter().find(|(method, _)| *method == call.method)?;
                        let is_needed = needed.contains(&(kind, method, calls[at + 1..].to_vec()));
                        let is_called = called.contains(&calls[..=at]);
                        (gadget != own && is_needed && is_called).then_some(gadget)
                    });
                }
            }
        }
    }
}

impl fmt::Display for GadgetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, circuits, inputs, unique, lookups, zeros, sums, .. } = self;
        write!(
            f,
            "{name}: {circuits} circuits, {inputs} inputs, {unique} unique; left out and noticed: "
        )?;
        write!(f, "lookups {lookups}, zeros {zeros}, sums {sums}")
    }
}

/// How many origins were left out and noticed.
struct Score {
    count: usize,
    noticed: usize,
    second: usize,
    other_result: usize,
    alone: usize,
    tried: usize,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, noticed, second, other_result, alone, tried } = self;
        write!(f, "{noticed} of {count} ({second} by a second solution")?;
        write!(f, ", {other_result} of them with other results")?;
        if *alone > 0 {
            write!(f, ", {alone} where the method stands alone")?;
        }
        write!(f, "; {tried} tried)")
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let score = Score {
            count: self.count(),
            noticed: self.noticed(),
            second: self.second(),
            other_result: self.other_result(),
            alone: self.alone(),
            tried: self.tried(),
        };
        score.fmt(f)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate(name) => write!(f, "gate {name}"),
            Self::Site(site) => site.fmt(f),
        }
    }
}
