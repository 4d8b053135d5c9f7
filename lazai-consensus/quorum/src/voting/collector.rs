use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_consensus::{Attestation, Committee, FactKind, QuorumCertificate, Slot, Tally, Vote};

use crate::{Limits, Refusal, Verdict, context::Context};

/// The votes of one slot, and what this member has to do with it.
#[derive(Clone, Debug)]
pub(super) struct VoteCollector {
    pub(super) tally: Tally<Arc<Committee>>,
    /// The certificate, once there is one.
    pub(super) certificate: Option<(Attestation, QuorumCertificate)>,
    /// The vote of this member.
    pub(super) own: Option<Vote>,
    /// The request as an encoded message, if this member makes it.
    pub(super) request: Option<Vec<u8>>,
    /// The hashes of attestations that are being judged, and the peers that asked.
    pub(super) judging: Vec<(Address, B256)>,
    /// The hashes of attestations that were found false, and the peers that asked: nobody has them
    /// judged again.
    pub(super) rejected: Vec<(Address, B256)>,
    /// Whether two certificates were given out as evidence.
    pub(super) is_split: bool,
    /// The members against whom evidence was given out, one bit for each place.
    convicted: u128,
    /// The peer that opened it, or this member.
    opener: Address,
    opened_ms: u64,
    next_send_ms: u64,
    sends: u32,
}

impl VoteCollector {
    /// Returns whether the vote, the request or the certificate is to be sent again now, and notes
    /// that it is.
    pub(super) const fn is_due(&mut self, context: &Context) -> bool {
        let has_something =
            self.own.is_some() || self.request.is_some() || self.certificate.is_some();
        let is_due = has_something
            && context.now_ms >= self.next_send_ms
            && self.sends < context.limits.resend_limit;
        if is_due {
            self.sent(context);
        }
        is_due
    }

    /// Notes that it was sent; the next time waits twice as long.
    pub(super) const fn sent(&mut self, context: &Context) {
        let exponent = if self.sends < 16 { self.sends } else { 16 };
        let wait_ms = context.limits.resend_ms.saturating_mul(1 << exponent);
        self.next_send_ms = context.after_ms(wait_ms);
        self.sends = self.sends.saturating_add(1);
    }

    /// Notes that there is a certificate; from now on it is sent to members that seem not to know.
    pub(super) fn settle(&mut self, context: &Context) {
        self.request = None;
        self.sends = 0;
        self.sent(context);
    }

    /// Leaves it to the members that counted the votes to send the certificate to others.
    pub(super) const fn stop_resending(&mut self, limits: &Limits) {
        self.sends = limits.resend_limit;
    }

    /// Notes that an attestation was judged.
    pub(super) fn judged(&mut self, hash: B256, verdict: Verdict) {
        if verdict == Verdict::Reject {
            let asked = self.judging.iter().filter(|(_, judged)| *judged == hash);
            self.rejected.extend(asked);
        }
        self.judging.retain(|(_, judged)| *judged != hash);
    }

    /// Notes that there is evidence against the member at `place`. Returns whether it is the first.
    pub(super) const fn convict(&mut self, place: usize) -> bool {
        let is_first = !self.is_convicted(place);
        self.convicted |= 1 << place;
        is_first
    }

    pub(super) const fn is_convicted(&self, place: usize) -> bool {
        self.convicted >> place & 1 == 1
    }

    /// Returns whether the voter of `vote` has signed another attestation in this slot.
    pub(super) fn is_contradicted_by(&self, vote: &Vote) -> bool {
        let mut votes = self.tally.votes();
        votes.any(|known| known.voter == vote.voter && known.attestation != vote.attestation)
    }

    /// Returns whether an attestation with this hash is being judged.
    pub(super) fn is_judging(&self, hash: B256) -> bool {
        self.judging.iter().any(|(_, judged)| *judged == hash)
    }

    /// Returns whether an attestation that `peer` has asked for is being judged.
    pub(super) fn is_judging_for(&self, peer: Address) -> bool {
        self.judging.iter().any(|(asker, _)| *asker == peer)
    }

    /// Returns the members that have not voted for what is certified. The others ask for the
    /// certificate by voting again.
    pub(super) fn unaware_members(&self, committee: &Committee) -> Vec<Address> {
        let certified = self.certificate.map(|(attestation, _)| attestation);
        let votes = self.tally.votes().filter(|vote| Some(vote.attestation) == certified);
        let voters: Vec<_> = votes.map(|vote| vote.voter).collect();
        let members = committee.members().iter().map(|member| member.address);
        members.filter(|member| !voters.contains(member)).collect()
    }

    const fn is_open(&self) -> bool {
        self.certificate.is_none() && self.own.is_none() && self.request.is_none()
    }
}

/// All slots that are counted or remembered. Bounded in number, and in number for each peer.
#[derive(Clone, Debug, Default)]
pub(super) struct VoteCollectors(BTreeMap<Slot, VoteCollector>);

impl VoteCollectors {
    pub(super) fn get(&self, slot: &Slot) -> Option<&VoteCollector> {
        self.0.get(slot)
    }

    pub(super) fn get_mut(&mut self, slot: &Slot) -> Option<&mut VoteCollector> {
        self.0.get_mut(slot)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Slot, &mut VoteCollector)> {
        self.0.iter_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the collector of a slot; there is a new one, opened by `opener`, if there was none.
    pub(super) fn open(
        &mut self,
        slot: Slot,
        opener: Address,
        committee: &Arc<Committee>,
        context: &Context,
    ) -> Result<&mut VoteCollector, Refusal> {
        if !self.0.contains_key(&slot) {
            let (limits, opened_ms) = (&context.limits, context.now_ms);
            let tally = Tally::new(Arc::clone(committee), slot)?;
            if opener != context.own {
                // All peers together leave room for what this member itself votes on.
                let peers = committee.members().len().saturating_add(1);
                let share = limits.max_slots.checked_div(peers).unwrap_or_default();
                let max = limits.max_slots_per_peer.min(share).max(1);
                let opened = self.0.values().filter(|collector| collector.opener == opener);
                if opened.filter(|collector| collector.certificate.is_none()).count() >= max {
                    let (unit, max) = ("slots", max as u64);
                    return Err(Refusal::Quota { peer: opener, unit, max });
                }
            }
            if self.0.len() >= limits.max_slots {
                let (unit, max) = ("slots", limits.max_slots as u64);
                let oldest = self.oldest_settled();
                self.0.remove(&oldest.ok_or(Refusal::Quota { peer: opener, unit, max })?);
            }
            let collector = VoteCollector {
                tally,
                certificate: None,
                own: None,
                request: None,
                judging: Vec::new(),
                rejected: Vec::new(),
                is_split: false,
                convicted: 0,
                opener,
                opened_ms,
                next_send_ms: opened_ms,
                sends: 0,
            };
            self.0.insert(slot, collector);
        }
        self.0.get_mut(&slot).ok_or(Refusal::Unasked)
    }

    /// Returns the number of slots of a kind in which an attestation is judged that a peer has
    /// asked for.
    pub(super) fn judged_for(&self, peer: Address, kind: FactKind) -> usize {
        let collectors = self.0.iter().filter(|(slot, _)| slot.kind == kind);
        collectors.filter(|(_, collector)| collector.is_judging_for(peer)).count()
    }

    /// Forgets slots that nobody has settled in time, and that this member has no part in.
    pub(super) fn expire(&mut self, context: &Context) {
        let limits = &context.limits;
        let is_late = |collector: &VoteCollector| {
            context.now_ms.saturating_sub(collector.opened_ms) >= limits.patience_ms
        };
        let is_spent = |collector: &VoteCollector| {
            collector.is_open()
                || (collector.certificate.is_none() && collector.sends >= limits.resend_limit)
        };
        self.0.retain(|_, collector| {
            !(is_late(collector) && is_spent(collector) && collector.judging.is_empty())
        });
    }

    fn oldest_settled(&self) -> Option<Slot> {
        let settled = self.0.iter().filter(|(_, collector)| collector.certificate.is_some());
        settled.min_by_key(|(_, collector)| collector.opened_ms).map(|(slot, _)| *slot)
    }
}
