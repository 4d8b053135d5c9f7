use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::time::Duration;

use alloy_primitives::B256;

/// The events of a run that the checker needs, independent of the engine's types.
///
/// Votes are recorded when a node passes them to its network, not as reported by the node.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The nodes that follow the protocol. Observations of other nodes are no evidence.
    pub(super) honest: BTreeSet<u16>,
    /// The digest of the genesis block.
    pub(super) genesis: B256,
    /// The proposed payloads, by digest.
    pub(super) payloads: BTreeMap<B256, Payload>,
    /// The votes that each honest node sent, by view.
    pub(super) sent: BTreeMap<(u16, u64), Votes>,
    /// The verified votes of each node that reached an honest one, by view.
    pub(super) seen: BTreeMap<(u16, u64), Votes>,
    /// The blocks that each node finalized, in that order.
    pub(super) finals: BTreeMap<u16, Vec<Final>>,
    /// The views that each node saw finalized, with the time of the first report.
    pub(super) final_views: BTreeMap<u16, BTreeMap<u64, Duration>>,
    /// The signers of certificates held by honest nodes, by view.
    pub(super) certificates: BTreeMap<u64, Certificates>,
    /// Pairs of a node and another that it accused or blocked.
    pub(super) accusations: BTreeSet<(u16, u16)>,
    /// Nodes that accepted an invalid certificate.
    pub(super) invalid: BTreeSet<u16>,
    /// Results of verification, by the digest of the verified bytes.
    pub(super) verified: BTreeMap<B256, bool>,
    /// The last block that each executor committed, by height and digest.
    pub(super) committed: BTreeMap<u16, (u64, B256)>,
    /// Nodes with an executor that lost a committed block, or skipped one.
    pub(super) lost: BTreeSet<u16>,
    /// State roots, by the digest of all inputs of the execution.
    pub(super) roots: BTreeMap<B256, B256>,
    /// Nodes with an executor that computed another state root than the first one, with the height.
    pub(super) diverging: BTreeSet<(u16, u64)>,
    /// Number of starts of each node.
    pub(super) lives: BTreeMap<u16, u64>,
    /// The highest view in which an honest node voted.
    pub(super) highest_view: u64,
}

/// A proposed payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload {
    pub(super) view: u64,
    pub(super) parent: B256,
    pub(super) at: Duration,
}

/// A block that a node finalized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Final {
    pub(super) view: u64,
    pub(super) payload: B256,
}

/// The votes of a node in a view.
#[derive(Clone, Debug, Default)]
pub(super) struct Votes {
    pub(super) notarize: BTreeSet<B256>,
    pub(super) finalize: BTreeSet<B256>,
    pub(super) nullify: bool,
}

impl Votes {
    fn add(&mut self, vote: Vote) {
        match vote {
            Vote::Finalize(payload) => {
                self.finalize.insert(payload);
            }
            Vote::Notarize(payload) => {
                self.notarize.insert(payload);
            }
            Vote::Nullify => self.nullify = true,
        }
    }
}

/// The signers of the certificates of a view.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates {
    pub(super) notarized: BTreeMap<B256, BTreeSet<u16>>,
    pub(super) finalized: BTreeMap<B256, BTreeSet<u16>>,
    pub(super) nullified: BTreeSet<u16>,
}

/// A vote of the consensus protocol.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vote {
    Finalize(B256),
    Notarize(B256),
    Nullify,
}

/// The subject of a certificate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Certified {
    Finalized(B256),
    Notarized(B256),
    Nullified,
}

impl Record {
    pub(super) fn sent(&mut self, node: u16, view: u64, vote: Vote) {
        self.sent.entry((node, view)).or_default().add(vote);
        self.highest_view = self.highest_view.max(view);
    }

    /// Records that a vote of `signer` reached the node `by`.
    pub(super) fn seen(&mut self, by: u16, signer: u16, view: u64, vote: Vote) {
        if self.honest.contains(&by) {
            self.seen.entry((signer, view)).or_default().add(vote);
        }
    }

    /// Records that the node `by` holds a certificate.
    pub(super) fn certified(&mut self, by: u16, view: u64, what: Certified, signers: &[u16]) {
        if !self.honest.contains(&by) {
            return;
        }
        let certificates = self.certificates.entry(view).or_default();
        let named = match what {
            Certified::Finalized(payload) => certificates.finalized.entry(payload).or_default(),
            Certified::Notarized(payload) => certificates.notarized.entry(payload).or_default(),
            Certified::Nullified => &mut certificates.nullified,
        };
        named.extend(signers);
    }

    /// Records that a node finalized a block.
    pub(super) fn finalized(&mut self, node: u16, view: u64, payload: B256, at: Duration) {
        self.finals.entry(node).or_default().push(Final { view, payload });
        self.final_views.entry(node).or_default().entry(view).or_insert(at);
    }

    /// Returns the blocks from the child of the genesis block to `tip`, without those below a
    /// missing payload.
    pub(super) fn chain(&self, tip: B256) -> Vec<B256> {
        let mut chain = Vec::new();
        let mut at = tip;
        let mut below = u64::MAX;
        while at != self.genesis {
            let Some(payload) = self.payloads.get(&at) else { break };
            // Views decrease towards the genesis block, so the loop ends.
            if payload.view >= below {
                break;
            }
            below = payload.view;
            chain.push(at);
            at = payload.parent;
        }
        chain.reverse();
        chain
    }
}

/// Combines epoch and view into one ascending number. No run has 2^32 views in an epoch.
pub(super) const fn place(epoch: u64, view: u64) -> u64 {
    (epoch << VIEW_BITS) | view
}

/// Returns the number of views between two places; across epochs, the view in the later epoch.
pub(super) const fn views_between(from: u64, to: u64) -> u64 {
    if from >> VIEW_BITS == to >> VIEW_BITS { to.saturating_sub(from) } else { view_of(to) }
}

/// Returns the view of a place.
pub(super) const fn view_of(place: u64) -> u64 {
    place & ((1 << VIEW_BITS) - 1)
}

const VIEW_BITS: u32 = 32;
