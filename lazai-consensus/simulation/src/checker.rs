use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::time::Duration;

use alloy_primitives::B256;

use super::record::{Record, Votes};

/// A violated property of the protocol.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Violation {
    /// Two honest nodes finalized different blocks at one height.
    #[error("height {height}: {a} is final for one node and {b} for another")]
    Agreement {
        /// The height.
        height: u64,
        /// A finalized block.
        a: B256,
        /// A conflicting block.
        b: B256,
    },
    /// A finalized block has an ancestor that was never proposed, or another view than its
    /// certificate.
    #[error("node {node} holds a block of view {view} for final that is not on any chain")]
    Detached {
        /// The node.
        node: u16,
        /// The view of the certificate.
        view: u64,
    },
    /// An honest node sent two conflicting votes in one view.
    #[error("honest node {node} voted twice in view {view}")]
    DoubleVote {
        /// The node.
        node: u16,
        /// The view.
        view: u64,
    },
    /// An honest node was accused by evidence, or blocked as faulty.
    #[error("honest node {node} is accused")]
    FalseEvidence {
        /// The accused.
        node: u16,
    },
    /// An honest node accepted an invalid certificate.
    #[error("node {node} accepted an invalid certificate")]
    InvalidCertificate {
        /// The node.
        node: u16,
    },
    /// A run panicked: a defect of the engine or of the simulation.
    #[error("the run failed: {message}")]
    Panicked {
        /// The panic message.
        message: String,
    },
    /// A node finalized a block that does not extend its earlier final blocks.
    #[error("node {node} gave up a block of view {view} that it had held for final")]
    Rollback {
        /// The node.
        node: u16,
        /// The view of the block.
        view: u64,
    },
    /// An honest node finalized too few blocks after healing.
    #[error("node {node} finalized {got} of {expected} blocks within {within:?} after healing")]
    Stalled {
        /// The node.
        node: u16,
        /// Blocks required.
        expected: u64,
        /// Blocks finalized.
        got: u64,
        /// The time limit.
        within: Duration,
    },
    /// A node stopped without a planned fault.
    #[error("node {node} stopped at {at:?} by itself")]
    Stopped {
        /// The node.
        node: u16,
        /// The time of the stop.
        at: Duration,
    },
    /// An executor lost a committed block, or skipped one.
    #[error("the executor of node {node} lost a block that it had committed, or left one out")]
    Lost {
        /// The node.
        node: u16,
    },
    /// An executor computed another state after a block than another executor.
    #[error("the executor of node {node} found a state of its own at height {height}")]
    StateDivergence {
        /// The node.
        node: u16,
        /// The height.
        height: u64,
    },
    /// Nodes disagree, and the evidence names too few faulty nodes.
    #[error("honest nodes disagree and evidence names {got} nodes, at least {expected} are guilty")]
    Unattributed {
        /// Least number of faulty nodes.
        expected: u16,
        /// Nodes named.
        got: u16,
    },
    /// The first final block after healing came too late.
    #[error("the first block was final {got} views after healing, at most {max} are allowed")]
    ViewsToHeal {
        /// The limit.
        max: u64,
        /// Views taken.
        got: u64,
    },
}

impl Violation {
    /// Returns whether the violation concerns safety, which must hold under any network conditions.
    #[must_use]
    pub const fn is_safety(&self) -> bool {
        !matches!(self, Self::Stalled { .. } | Self::ViewsToHeal { .. })
    }
}

/// Checks a record against all safety properties. `honest` are the nodes that follow the protocol,
/// `faults` is the number of other nodes that the protocol tolerates.
pub(super) fn check(record: &Record, honest: &BTreeSet<u16>, faults: u16) -> Vec<Violation> {
    let mut violations = Vec::new();
    let disagree = agreement(record, honest, &mut violations);
    for node in honest {
        prefix(record, *node, &mut violations);
    }
    for ((node, view), votes) in &record.sent {
        if honest.contains(node) && conflict(votes) {
            violations.push(Violation::DoubleVote { node: *node, view: *view });
        }
    }
    for node in record.invalid.intersection(honest) {
        violations.push(Violation::InvalidCertificate { node: *node });
    }
    for node in record.lost.intersection(honest) {
        violations.push(Violation::Lost { node: *node });
    }
    for (node, height) in record.diverging.iter().filter(|(node, _)| honest.contains(node)) {
        violations.push(Violation::StateDivergence { node: *node, height: *height });
    }
    let named = evidence(record, honest);
    for node in named.intersection(honest) {
        violations.push(Violation::FalseEvidence { node: *node });
    }
    let guilty = u16::try_from(named.difference(honest).count()).unwrap_or(u16::MAX);
    if disagree && guilty <= faults {
        violations
            .push(Violation::Unattributed { expected: faults.saturating_add(1), got: guilty });
    }
    violations
}

/// Returns the nodes that evidence names: accusations by honest nodes, pairs of conflicting
/// certificates with a common signer, and conflicting votes that reached honest nodes.
pub(super) fn evidence(record: &Record, honest: &BTreeSet<u16>) -> BTreeSet<u16> {
    let mut named: BTreeSet<u16> = record
        .accusations
        .iter()
        .filter(|(by, _)| honest.contains(by))
        .map(|(_, accused)| *accused)
        .collect();
    for certificates in record.certificates.values() {
        named.extend(twice(&certificates.notarized));
        named.extend(twice(&certificates.finalized));
        for signers in certificates.finalized.values() {
            named.extend(signers.intersection(&certificates.nullified));
        }
    }
    for ((node, _), votes) in &record.seen {
        if conflict(votes) {
            named.insert(*node);
        }
    }
    named
}

/// Checks that the final blocks of honest nodes lie on one chain. Returns whether they do not.
fn agreement(record: &Record, honest: &BTreeSet<u16>, violations: &mut Vec<Violation>) -> bool {
    let mut by_height: BTreeMap<usize, B256> = BTreeMap::new();
    let mut disagree = false;
    for node in honest {
        let Some(finals) = record.finals.get(node) else { continue };
        let mut tips: Vec<_> = finals.iter().map(|block| (block.view, block.payload)).collect();
        tips.sort_unstable();
        tips.dedup();
        // In descending order, so that most blocks are skipped as ancestors of an earlier one.
        let mut seen = BTreeSet::new();
        for (view, tip) in tips.into_iter().rev() {
            let made = record.payloads.get(&tip).map(|payload| payload.view);
            let chain = if seen.contains(&tip) { Vec::new() } else { record.chain(tip) };
            if made != Some(view) || chain.first().is_some_and(|first| !grounded(record, first)) {
                violations.push(Violation::Detached { node: *node, view });
            }
            for (height, block) in (1_usize..).zip(&chain) {
                seen.insert(*block);
                let known = *by_height.entry(height).or_insert(*block);
                if known != *block {
                    disagree = true;
                    let height = height as u64;
                    violations.push(Violation::Agreement { height, a: known, b: *block });
                    break;
                }
            }
        }
    }
    disagree
}

fn grounded(record: &Record, first: &B256) -> bool {
    record.payloads.get(first).is_some_and(|payload| payload.parent == record.genesis)
}

/// Checks that each block that a node finalizes extends, or is part of, its longest chain so far.
fn prefix(record: &Record, node: u16, violations: &mut Vec<Violation>) {
    let Some(finals) = record.finals.get(&node) else { return };
    let mut held = BTreeSet::new();
    let mut tip = record.genesis;
    for block in finals {
        if held.contains(&block.payload) {
            continue;
        }
        let mut at = block.payload;
        while at != tip {
            let below = record.payloads.get(&at).filter(|_| held.insert(at));
            let Some(payload) = below else {
                violations.push(Violation::Rollback { node, view: block.view });
                return;
            };
            at = payload.parent;
        }
        tip = block.payload;
    }
}

/// Returns whether the votes of a node in one view conflict.
fn conflict(votes: &Votes) -> bool {
    votes.notarize.len() > 1
        || votes.finalize.len() > 1
        || (votes.nullify && !votes.finalize.is_empty())
}

/// Returns the nodes that signed more than one of the certificates.
fn twice(certificates: &BTreeMap<B256, BTreeSet<u16>>) -> BTreeSet<u16> {
    let mut once = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for signers in certificates.values() {
        for signer in signers {
            if !once.insert(*signer) {
                twice.insert(*signer);
            }
        }
    }
    twice
}

#[cfg(test)]
mod tests;
