use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::{COMMITMENT_BYTES, Manifest};
use lazai_consensus::{Attestation, Committee};

use super::{
    Holding,
    pending::{PendingShards, Then},
};
use crate::{
    Effect, MESSAGE_HEAD_BYTES, Refusal,
    assignment::{assignment, is_sound, place, stored_bytes},
    context::Context,
    event::Events,
};

/// Which datasets a member takes, and how much of them.
impl Holding {
    /// Begins to take the shards of a new dataset that fall to this member.
    pub(crate) fn take_in(
        &mut self,
        context: &Context,
        from: Address,
        attestation: Attestation,
        manifest: Arc<Manifest>,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let root = manifest.root();
        self.add_source(root, from);
        if let Some(pending) = self.pending_shards.get_mut(&root) {
            return match &mut pending.then {
                Then::Vote(names)
                    if names.len() < MAX_NAMES
                        && names.iter().all(|name| name.epoch == attestation.epoch) =>
                {
                    names.push(attestation);
                    Ok(())
                }
                // What is taken over for the next epoch may be less than what falls to this member
                // in this one.
                _ => Err(Refusal::Quota {
                    peer: from,
                    unit: "names of a dataset",
                    max: MAX_NAMES as u64,
                }),
            };
        }
        let committee = context.epochs.current_committee(attestation.epoch)?;
        let (coding, members) = (manifest.commitment().coding(), committee.members().len());
        if usize::from(coding.n()) < members || !is_sound(committee, coding) {
            let (expected, got) = (committee.total_weight(), coding.n().into());
            return Err(Refusal::Coding { expected, got });
        }
        // A stripe whose shards contradict each other must be shown to others, in one message.
        let shard = manifest.commitment().shard_bytes(0).saturating_add(SHARD_HEAD_BYTES);
        let got = shard.saturating_mul(coding.k().into()).saturating_add(PROOF_HEAD_BYTES);
        if got > context.limits.max_message_bytes {
            let (got, max) = (got as u64, context.limits.max_message_bytes as u64);
            return Err(Refusal::TooLarge { unit: "bytes in a stripe", got, max });
        }
        if from != context.own {
            self.check_share(context, from, committee, &manifest)?;
        }
        let then = Then::Vote([attestation].into());
        self.prepare(context, committee, manifest, [from].into(), then, events)
    }

    /// Notes that a peer has the shards of a dataset that is taken in: a peer that never sends them
    /// must not keep others from sending.
    pub(crate) fn add_source(&mut self, root: B256, from: Address) {
        if let Some(pending) = self.pending_shards.get_mut(&root)
            && pending.sources.len() < MAX_SOURCES
            && !pending.sources.contains(&from)
        {
            pending.sources.push(from);
        }
    }

    /// Finds out which shards fall to this member, and which of them are on disk.
    pub(super) fn prepare(
        &mut self,
        context: &Context,
        committee: &Committee,
        manifest: Arc<Manifest>,
        sources: Vec<Address>,
        then: Then,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let (commitment, own, limits) = (manifest.commitment(), context.own, &context.limits);
        let (coding, stripes) = (commitment.coding(), commitment.stripes());
        let root = manifest.root();
        if self.removing.contains(&root) {
            return Err(Refusal::Quota { peer: own, unit: "removals of a dataset", max: 1 });
        }
        let refusal =
            Refusal::Coding { expected: committee.total_weight(), got: coding.n().into() };
        let place = place(committee, own).ok_or(Refusal::UnknownSender { peer: own })?;
        let assignment = assignment(committee, coding).ok_or(refusal)?;
        let seats = assignment.seats(place).count() as u64;
        let (got, max) = (seats.saturating_mul(stripes.into()), limits.max_shards as u64);
        if got > max {
            return Err(Refusal::TooLarge { unit: "shards", got, max });
        }
        let wanted: Vec<_> = (0..stripes)
            .flat_map(|stripe| assignment.shards(place, stripe).map(move |index| (stripe, index)))
            .collect();
        let bytes = (commitment.shard_bytes(0) as u64).saturating_mul(got);
        let is_new = !self.datasets.contains_key(&root);
        let max = limits.max_datasets;
        if is_new && self.datasets.len().saturating_add(self.pending_shards.len()) >= max {
            return Err(Refusal::Quota { peer: own, unit: "datasets", max: max as u64 });
        }
        let (kept, max) = (self.kept_bytes(root), limits.max_stored_bytes);
        if kept.saturating_add(bytes) > max {
            let max = max.saturating_sub(kept);
            return Err(Refusal::TooLarge { unit: "bytes", got: bytes, max });
        }
        let pending =
            PendingShards::new(Arc::clone(&manifest), then, sources, bytes, context.now_ms);
        self.pending_shards.insert(root, pending);
        events.run(Effect::Prepare { manifest, wanted });
        Ok(())
    }

    /// Refuses a peer that has brought more than its share of what nobody has certified.
    fn check_share(
        &self,
        context: &Context,
        from: Address,
        committee: &Committee,
        manifest: &Manifest,
    ) -> Result<(), Refusal> {
        let limits = &context.limits;
        let (mut open, mut uncertified) = (0_usize, 0_usize);
        let mut bytes = stored_bytes(committee, context.own, manifest).unwrap_or_default();
        for pending in self.pending_shards.values() {
            if !pending.is_handover() && pending.sources.first() == Some(&from) {
                open = open.saturating_add(1);
                bytes = bytes.saturating_add(pending.bytes);
            }
        }
        for (root, dataset) in &self.datasets {
            if dataset.is_uncertified_of(from) && *root != manifest.root() {
                uncertified = uncertified.saturating_add(1);
                bytes = bytes.saturating_add(dataset.bytes);
            }
        }
        let max = limits.max_pending_per_peer;
        if open >= max {
            return Err(Refusal::Quota { peer: from, unit: "datasets", max: max as u64 });
        }
        let max = limits.max_uncertified_per_peer;
        if uncertified.saturating_add(open) >= max {
            let (unit, max) = ("datasets that nobody certified", max as u64);
            return Err(Refusal::Quota { peer: from, unit, max });
        }
        let members = committee.members().len() as u64;
        let max = limits.max_stored_bytes.checked_div(members).unwrap_or_default();
        if bytes > max {
            let unit = "bytes of what nobody certified";
            return Err(Refusal::TooLarge { unit, got: bytes, max });
        }
        Ok(())
    }

    /// Returns the bytes that this member keeps, or is about to keep, of all datasets but one.
    fn kept_bytes(&self, but: B256) -> u64 {
        let datasets = self.datasets.iter().map(|(root, dataset)| (root, dataset.bytes));
        let pending = self.pending_shards.iter().map(|(root, pending)| (root, pending.bytes));
        let others = datasets.filter(|(root, _)| !self.pending_shards.contains_key(*root));
        let others = others.chain(pending).filter(|(root, _)| **root != but);
        others.fold(0, |sum, (_, bytes)| sum.saturating_add(bytes))
    }
}

/// Names under which a dataset is taken in at the same time.
const MAX_NAMES: usize = 16;
/// Stripe, place and longest path of a shard.
const SHARD_HEAD_BYTES: usize = 4 + 2 + 32 * 10;
/// What a message with a proof has beside its shards: its head, the commitment, and the path of a
/// stripe.
const PROOF_HEAD_BYTES: usize = MESSAGE_HEAD_BYTES + COMMITMENT_BYTES + 1 + 32 * 24;
/// Members that are asked for the shards of a new dataset.
const MAX_SOURCES: usize = 4;
