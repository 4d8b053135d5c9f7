use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_consensus::{Attestation, Committee, FactKind, QuorumCertificate, Slot, Tally, Vote};

use super::{Limits, Refusal};

/// The count of one slot, and what this member has to do with it.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    pub(super) tally: Tally<Arc<Committee>>,
    /// The certificate, once there is one.
    pub(super) certificate: Option<(Attestation, QuorumCertificate)>,
    /// This member's vote.
    pub(super) own: Option<Vote>,
    /// The request, if this member makes it, as a message.
    pub(super) request: Option<Vec<u8>>,
    /// Attestations that are being judged, and who asked.
    pub(super) judging: Vec<(Address, B256)>,
    /// Attestations that were found false, and who asked: nobody has them judged again.
    pub(super) rejected: Vec<(Address, B256)>,
    /// Those against whom evidence was given out, by their places.
    pub(super) convicted: u128,
    /// Whether two certificates were given out as evidence.
    pub(super) is_split: bool,
    /// Who opened it.
    opener: Address,
    opened_ms: u64,
    next_send_ms: u64,
    sends: u32,
}

impl Poll {
    /// Whether the vote, the request or the certificate is to be sent again now.
    pub(super) fn is_due(&mut self, now_ms: u64, limits: &Limits) -> bool {
        let has_something =
            self.own.is_some() || self.request.is_some() || self.certificate.is_some();
        let is_due =
            has_something && now_ms >= self.next_send_ms && self.sends < limits.resend_limit;
        if is_due {
            self.sent(now_ms, limits);
        }
        is_due
    }

    /// Notes that it was sent; the next time waits twice as long.
    pub(super) fn sent(&mut self, now_ms: u64, limits: &Limits) {
        let wait = limits.resend_ms.saturating_mul(1 << self.sends.min(16));
        self.next_send_ms = now_ms.saturating_add(wait);
        self.sends = self.sends.saturating_add(1);
    }

    /// Notes that there is a certificate; those who seem not to know are told from now on.
    pub(super) fn settle(&mut self, now_ms: u64, limits: &Limits) {
        self.request = None;
        self.sends = 0;
        self.sent(now_ms, limits);
    }

    /// Leaves it to those who counted the votes to tell others of the certificate.
    pub(super) const fn mute(&mut self, limits: &Limits) {
        self.sends = limits.resend_limit;
    }

    /// Members that have not voted for what is certified. The others ask for the certificate by voting again.
    pub(super) fn silent(&self, committee: &Committee) -> Vec<Address> {
        let certified = self.certificate.map(|(attestation, _)| attestation);
        let votes = self.tally.votes().filter(|vote| Some(vote.attestation) == certified);
        let voters: Vec<_> = votes.map(|vote| vote.voter).collect();
        let members = committee.members().iter().map(|member| member.address);
        members.filter(|member| !voters.contains(member)).collect()
    }

    const fn is_open(&self) -> bool {
        self.certificate.is_none() && self.own.is_none() && self.request.is_none()
    }

    /// Whether an attestation that a peer has asked for is being judged.
    fn is_judged_for(&self, peer: Address) -> bool {
        self.judging.iter().any(|(asker, _)| *asker == peer)
    }
}

/// All slots that are counted or remembered. Bounded in number, and in number for each peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Polls {
    polls: BTreeMap<Slot, Poll>,
}

impl Polls {
    pub(super) fn get(&self, slot: &Slot) -> Option<&Poll> {
        self.polls.get(slot)
    }

    pub(super) fn get_mut(&mut self, slot: &Slot) -> Option<&mut Poll> {
        self.polls.get_mut(slot)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Slot, &mut Poll)> {
        self.polls.iter_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.polls.len()
    }

    /// The count of a slot, opened by `opener` if there is none.
    pub(super) fn open(
        &mut self,
        slot: Slot,
        opener: Address,
        committee: &Arc<Committee>,
        own: Address,
        now_ms: u64,
        limits: &Limits,
    ) -> Result<&mut Poll, Refusal> {
        if !self.polls.contains_key(&slot) {
            let tally = Tally::new(Arc::clone(committee), slot)?;
            if opener != own {
                // All peers together leave room for what this member itself votes on.
                let peers = committee.members().len().saturating_add(1);
                let share = limits.max_slots.checked_div(peers).unwrap_or_default();
                let max = limits.max_slots_per_peer.min(share).max(1);
                let open = self.polls.values();
                let open = open.filter(|poll| poll.opener == opener && poll.certificate.is_none());
                if open.count() >= max {
                    let (unit, max) = ("slots", max as u64);
                    return Err(Refusal::Quota { peer: opener, unit, max });
                }
            }
            if self.polls.len() >= limits.max_slots {
                let settled = self.polls.iter().filter(|(_, poll)| poll.certificate.is_some());
                let oldest = settled.min_by_key(|(_, poll)| poll.opened_ms).map(|(slot, _)| *slot);
                let (unit, max) = ("slots", limits.max_slots as u64);
                let oldest = oldest.ok_or(Refusal::Quota { peer: opener, unit, max })?;
                self.polls.remove(&oldest);
            }
            let poll = Poll {
                tally,
                certificate: None,
                own: None,
                request: None,
                judging: Vec::new(),
                rejected: Vec::new(),
                convicted: 0,
                is_split: false,
                opener,
                opened_ms: now_ms,
                next_send_ms: now_ms,
                sends: 0,
            };
            self.polls.insert(slot, poll);
        }
        self.polls.get_mut(&slot).ok_or(Refusal::Unasked)
    }

    /// How many slots of a kind there are in which an attestation is judged that a peer has asked for.
    pub(super) fn judged_for(&self, peer: Address, kind: FactKind) -> usize {
        let polls = self.polls.iter().filter(|(slot, _)| slot.kind == kind);
        polls.filter(|(_, poll)| poll.is_judged_for(peer)).count()
    }

    /// Forgets slots that nobody has settled in time, and that this member has no part in.
    pub(super) fn expire(&mut self, now_ms: u64, limits: &Limits) {
        let is_late = |poll: &Poll| now_ms.saturating_sub(poll.opened_ms) >= limits.patience_ms;
        let is_spent = |poll: &Poll| {
            poll.is_open() || (poll.certificate.is_none() && poll.sends >= limits.resend_limit)
        };
        self.polls.retain(|_, poll| !(is_late(poll) && is_spent(poll) && poll.judging.is_empty()));
    }
}
