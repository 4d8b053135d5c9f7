use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::time::Duration;

use alloy_primitives::B256;

use super::record::{Record, Votes};

/// A property that a run broke.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Violation {
    /// Two honest nodes hold different blocks for final at one height.
    #[error("height {height}: {a} is final for one node and {b} for another")]
    Agreement {
        /// The height.
        height: u64,
        /// A block.
        a: B256,
        /// The other.
        b: B256,
    },
    /// A block is final whose parent no proposer made, or that stands in another view than its
    /// certificate.
    #[error("node {node} holds a block of view {view} for final that is not on any chain")]
    Detached {
        /// The node.
        node: u16,
        /// The view of the certificate.
        view: u64,
    },
    /// An honest node sent two votes in a view that exclude each other.
    #[error("honest node {node} voted twice in view {view}")]
    DoubleVote {
        /// The node.
        node: u16,
        /// The view.
        view: u64,
    },
    /// An honest node was named by evidence, or shut out as if it were faulty.
    #[error("honest node {node} is accused")]
    FalseEvidence {
        /// The accused.
        node: u16,
    },
    /// An honest node took a certificate for good that does not verify.
    #[error("node {node} accepted an invalid certificate")]
    InvalidCertificate {
        /// The node.
        node: u16,
    },
    /// The process of a run failed: a defect of the engine or of the simulation.
    #[error("the run failed: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// What a node holds for final does not continue what it held for final before.
    #[error("node {node} gave up a block of view {view} that it had held for final")]
    Rollback {
        /// The node.
        node: u16,
        /// The view of the block.
        view: u64,
    },
    /// An honest node finalized too little after healing.
    #[error("node {node} finalized {got} of {expected} blocks within {within:?} after healing")]
    Stalled {
        /// The node.
        node: u16,
        /// Blocks asked for.
        expected: u64,
        /// Blocks that came.
        got: u64,
        /// The time it had.
        within: Duration,
    },
    /// A node stopped without being told to.
    #[error("node {node} stopped at {at:?} by itself")]
    Stopped {
        /// The node.
        node: u16,
        /// When.
        at: Duration,
    },
    /// An executor came back without a block that it had committed, or left one out.
    #[error("the executor of node {node} lost a block that it had committed, or left one out")]
    Lost {
        /// The node.
        node: u16,
    },
    /// An executor found another state after a block than another executor.
    #[error("the executor of node {node} found a state of its own at height {height}")]
    StateDivergence {
        /// The node.
        node: u16,
        /// The height.
        height: u64,
    },
    /// Nodes disagree, and evidence names fewer than it must.
    #[error("honest nodes disagree and evidence names {got} nodes, at least {expected} are guilty")]
    Unattributed {
        /// Guilty nodes, at least.
        expected: u16,
        /// Nodes named.
        got: u16,
    },
    /// The first final block after healing came too late.
    #[error("the first block was final {got} views after healing, at most {max} are allowed")]
    ViewsToHeal {
        /// The limit.
        max: u64,
        /// Views that it took.
        got: u64,
    },
}

impl Violation {
    /// Returns whether it is about safety: what must never happen, however bad the network.
    #[must_use]
    pub const fn is_safety(&self) -> bool {
        !matches!(self, Self::Stalled { .. } | Self::ViewsToHeal { .. })
    }
}

/// Holds a record against all properties of safety. `honest` are the nodes that follow the
/// protocol, `faults` the number of others that the protocol tolerates.
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

/// The nodes that evidence names: by accusations of honest nodes, by pairs of certificates whose
/// signers can't all be honest, and by votes that reached honest nodes.
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

/// The blocks that honest nodes hold for final must lie on one chain. Returns whether they don't.
fn agreement(record: &Record, honest: &BTreeSet<u16>, violations: &mut Vec<Violation>) -> bool {
    let mut by_height: BTreeMap<usize, B256> = BTreeMap::new();
    let mut disagree = false;
    for node in honest {
        let Some(finals) = record.finals.get(node) else { continue };
        let mut tips: Vec<_> = finals.iter().map(|block| (block.view, block.payload)).collect();
        tips.sort_unstable();
        tips.dedup();
        // From the highest down, so that most blocks are met as ancestors of one that has been
        // walked.
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

/// Each block that a node takes for final must continue, or be part of, the longest chain that it
/// held before.
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

/// Whether the votes of a node in one view exclude each other.
fn conflict(votes: &Votes) -> bool {
    votes.notarize.len() > 1
        || votes.finalize.len() > 1
        || (votes.nullify && !votes.finalize.is_empty())
}

/// The signers of more than one of the certificates.
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
