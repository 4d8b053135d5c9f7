use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::time::Duration;

use alloy_primitives::B256;

/// What happened in a run, as far as the checker needs it, in terms that no engine has a part in.
///
/// Votes are taken off the wire as a node hands them to its network, not from what the node says of
/// itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The nodes that follow the protocol. What the others have heard is evidence for nobody.
    pub(super) honest: BTreeSet<u16>,
    /// The name of the block on which the first view builds.
    pub(super) genesis: B256,
    /// Every payload that a proposer made.
    pub(super) payloads: BTreeMap<B256, Payload>,
    /// The votes that each honest node sent, by view.
    pub(super) sent: BTreeMap<(u16, u64), Votes>,
    /// The votes of each node that reached an honest one and verified, by view.
    pub(super) seen: BTreeMap<(u16, u64), Votes>,
    /// What each node took for final, in the order in which it did.
    pub(super) finals: BTreeMap<u16, Vec<Final>>,
    /// The views whose finality each node has seen, and when first.
    pub(super) final_views: BTreeMap<u16, BTreeMap<u64, Duration>>,
    /// The signers that certificates in honest hands named.
    pub(super) certificates: BTreeMap<u64, Certificates>,
    /// Who accused whom, or shut whom out.
    pub(super) accusations: BTreeSet<(u16, u16)>,
    /// Nodes that took a certificate for good that is not.
    pub(super) invalid: BTreeSet<u16>,
    /// What was checked, by the digest of its bytes.
    pub(super) verified: BTreeMap<B256, bool>,
    /// The last block that each executor committed, by height and digest.
    pub(super) committed: BTreeMap<u16, (u64, B256)>,
    /// Nodes whose executor did not come back with what it had committed, or left a gap.
    pub(super) lost: BTreeSet<u16>,
    /// The state after a payload, by the digest of all that it may depend on.
    pub(super) roots: BTreeMap<B256, B256>,
    /// Nodes whose executor found another state than the first, and at which height.
    pub(super) diverging: BTreeSet<(u16, u64)>,
    /// How often each node has started.
    pub(super) lives: BTreeMap<u16, u64>,
    /// The highest view in which an honest node voted.
    pub(super) highest_view: u64,
}

/// What a proposer made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload {
    pub(super) view: u64,
    pub(super) parent: B256,
    pub(super) at: Duration,
}

/// A block that a node took for final.
#[derive(Clone, Copy, Debug)]
pub(super) struct Final {
    pub(super) view: u64,
    pub(super) payload: B256,
}

/// What a node voted for in a view.
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

/// A vote.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vote {
    Finalize(B256),
    Notarize(B256),
    Nullify,
}

/// A certificate that a node took for good.
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

    /// A vote of `signer` reached the node `by`.
    pub(super) fn seen(&mut self, by: u16, signer: u16, view: u64, vote: Vote) {
        if self.honest.contains(&by) {
            self.seen.entry((signer, view)).or_default().add(vote);
        }
    }

    /// The node `by` holds a certificate.
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

    /// A node holds a block for final from now on.
    pub(super) fn took_final(&mut self, node: u16, view: u64, payload: B256, at: Duration) {
        self.finals.entry(node).or_default().push(Final { view, payload });
        self.final_views.entry(node).or_default().entry(view).or_insert(at);
    }

    /// The blocks from the first after the genesis block to `tip`, or as many of them as were made.
    pub(super) fn chain(&self, tip: B256) -> Vec<B256> {
        let mut chain = Vec::new();
        let mut at = tip;
        let mut below = u64::MAX;
        while at != self.genesis {
            let Some(payload) = self.payloads.get(&at) else { break };
            // Views fall towards the genesis block, so the walk ends.
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

/// One number for a view of an epoch, ascending. Runs have fewer views in an epoch than that.
pub(super) const fn place(epoch: u64, view: u64) -> u64 {
    (epoch << VIEW_BITS) | view
}

/// Views from one place to a later one; into another epoch, the views of that.
pub(super) const fn views_between(from: u64, to: u64) -> u64 {
    if from >> VIEW_BITS == to >> VIEW_BITS { to.saturating_sub(from) } else { view_of(to) }
}

/// The view of a place.
pub(super) const fn view_of(place: u64) -> u64 {
    place & ((1 << VIEW_BITS) - 1)
}

const VIEW_BITS: u32 = 32;
