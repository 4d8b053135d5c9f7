use alloc::{string::String, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::{DatasetCommitment, Manifest, Shard};
use lazai_consensus::Committee;

use super::{
    Holding,
    dataset::Dataset,
    manifests::MAX_WANTED,
    pending::{PendingShards, Then},
};
use crate::{
    Effect, KeepError, Message, Refusal, Verdict,
    assignment::assignment,
    context::Context,
    event::{Event, Events},
    peers::Peers,
    refusal::FORGERY,
};

/// Shards on their way to the disk of this member and from it.
impl Holding {
    /// Returns the datasets that are being taken in.
    pub(crate) fn pending(&self) -> Vec<B256> {
        self.pending_shards.keys().copied().collect()
    }

    /// Takes which shards of a dataset are not on disk.
    pub(crate) fn prepared(
        &mut self,
        context: &Context,
        root: B256,
        missing: Result<Vec<(u32, u16)>, String>,
        events: &mut Events,
    ) {
        let missing = match missing {
            Ok(missing) => missing,
            Err(reason) => {
                events.fault(&reason);
                self.give_up(context, root, events);
                return;
            }
        };
        let Some(pending) = self.pending_shards.get_mut(&root) else { return };
        if matches!(pending.then, Then::Vote(_)) {
            // These are on their way, unless they get lost.
            let offered = offered_stripes(&pending.manifest);
            let until_ms = context.after_ms(context.limits.resend_ms);
            let coming = missing.iter().filter(|(stripe, _)| *stripe < offered);
            pending.asked.extend(coming.map(|place| (*place, until_ms)));
        }
        pending.missing = Some(missing.into_iter().collect());
        // Only now is there a place for them; effects may be done in any order.
        for (from, shard) in core::mem::take(&mut pending.early) {
            events.run(Effect::Keep { root, shard, from });
        }
        self.want_shards(context, root, events);
        self.settle(context, root, events);
    }

    /// Takes a shard that a peer sends.
    pub(crate) fn take_shard(
        &mut self,
        from: Address,
        root: B256,
        bytes: &[u8],
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let saving = self.pending_shards.values().map(PendingShards::saving_bytes);
        let saving = saving.fold(0, usize::saturating_add);
        let pending = self.pending_shards.get_mut(&root).ok_or(Refusal::Unasked)?;
        let shard = Shard::decode(bytes, pending.manifest.commitment())?;
        let place = (shard.stripe, shard.index);
        // Before it is known what is on disk, a shard may be one too many, but no harm.
        let is_missing = pending.missing.as_ref().is_none_or(|missing| missing.contains(&place));
        let is_bounded = pending.saving.len() < MAX_SAVING && saving < MAX_SAVING_BYTES;
        if !is_missing || !is_bounded || !pending.saving.insert(place) {
            return Err(Refusal::Unasked);
        }
        let shard = shard.into_owned();
        if pending.missing.is_some() {
            events.run(Effect::Keep { root, shard, from });
        } else {
            pending.early.push((from, shard));
        }
        Ok(())
    }

    /// Takes what became of a shard that was to be kept on disk.
    pub(crate) fn kept(
        &mut self,
        context: &Context,
        root: B256,
        place: (u32, u16),
        from: Address,
        result: Result<(), KeepError>,
        events: &mut Events,
    ) {
        if let Some(pending) = self.pending_shards.get_mut(&root) {
            pending.saving.remove(&place);
            pending.asked.remove(&place);
            if result.is_ok() {
                pending.progress_ms = context.now_ms;
                if let Some(missing) = &mut pending.missing {
                    missing.remove(&place);
                }
            }
        }
        match result {
            Ok(()) => {}
            Err(KeepError::Fault(reason)) => events.fault(&reason),
            Err(KeepError::Wrong(_)) => events.penalize(from, FORGERY),
        }
        self.want_shards(context, root, events);
        self.settle(context, root, events);
    }

    /// Takes which missing shards are on disk, made from others; if there are none, it is tried
    /// again.
    pub(crate) fn repaired(
        &mut self,
        context: &Context,
        root: B256,
        kept: &[(u32, u16)],
        events: &mut Events,
    ) {
        if let Some(pending) = self.pending_shards.get_mut(&root) {
            pending.is_restoring = false;
            if let Some(missing) = &mut pending.missing {
                kept.iter().for_each(|place| _ = missing.remove(place));
            }
            if !kept.is_empty() {
                // The next stripes at once.
                pending.progress_ms = 0;
            }
        }
        self.settle(context, root, events);
    }

    /// Asks again for what did not come of a dataset, and gives up what takes too long.
    pub(crate) fn want_again(&mut self, context: &Context, root: B256, events: &mut Events) {
        let limits = &context.limits;
        self.want_shards(context, root, events);
        let Some(pending) = self.pending_shards.get_mut(&root) else { return };
        let idle_ms = context.now_ms.saturating_sub(pending.progress_ms);
        // As long as something of it is being written, it cannot be removed.
        let is_still = pending.missing.is_some() && pending.saving.is_empty();
        if !pending.is_handover() {
            if idle_ms >= limits.patience_ms && is_still {
                self.give_up(context, root, events);
            }
            return;
        }
        let is_late = idle_ms >= limits.resend_ms.saturating_mul(4);
        if !is_late || pending.is_restoring {
            return;
        }
        // The members that had them do not give them: any k others of the stripe do as well.
        let missing = pending.missing.iter().flatten().copied();
        let some = first_stripes(missing, pending.manifest.commitment(), limits.max_data_bytes);
        if !some.is_empty() {
            pending.is_restoring = true;
            // At worst it is tried again after as long.
            pending.progress_ms = context.now_ms;
            events.push(Event::Repair(root, some));
        }
    }

    /// Has a shard read for a peer that asks for it.
    pub(crate) fn wanted(
        &mut self,
        context: &Context,
        peers: &mut Peers,
        from: Address,
        (root, stripe, index): (B256, u32, u16),
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let pending = || self.pending_shards.get(&root).map(|pending| &pending.manifest);
        let manifest = self.manifest(root).or_else(pending);
        let manifest = manifest.ok_or(Refusal::UnknownDataset { root })?;
        let bytes = manifest.commitment().shard_bytes(stripe) as u64;
        peers.serve(from, bytes, &context.limits)?;
        let reads = self.reads_in_flight.entry(from).or_default();
        if *reads >= MAX_READS {
            return Err(Refusal::Quota { peer: from, unit: "reads", max: MAX_READS as u64 });
        }
        *reads = reads.saturating_add(1);
        events.run(Effect::Load { root, stripe, index, to: from });
        Ok(())
    }

    /// Sends a shard that was read for a peer, if it is kept here.
    pub(crate) fn loaded(
        &mut self,
        root: B256,
        to: Address,
        shard: Option<Vec<u8>>,
        events: &mut Events,
    ) {
        if let Some(reads) = self.reads_in_flight.get_mut(&to) {
            *reads = reads.saturating_sub(1);
            if *reads == 0 {
                self.reads_in_flight.remove(&to);
            }
        }
        if let Some(shard) = shard {
            events.send(to, Message::Shard { root, shard });
        }
    }

    /// Says what was promised, if all shards are on disk.
    fn settle(&mut self, context: &Context, root: B256, events: &mut Events) {
        if !self.pending_shards.get(&root).is_some_and(PendingShards::is_whole) {
            return;
        }
        let Some(pending) = self.pending_shards.remove(&root) else { return };
        let PendingShards { manifest, then, sources, bytes, .. } = pending;
        let dataset = self.datasets.entry(root).or_insert_with(|| {
            let mut dataset = Dataset::new(manifest);
            dataset.source = sources.first().copied();
            dataset
        });
        dataset.bytes = bytes;
        match then {
            Then::Vote(names) => {
                dataset.whole_in = names.first().map(|name| name.epoch);
                if let Some(certified) = self.missing_manifests.remove(&root) {
                    dataset.certify(certified);
                }
                let untils = names.iter().filter_map(|name| name.fact.kept_until());
                untils.for_each(|until| dataset.pledge(until));
                for attestation in names {
                    // The promise is on disk before the vote.
                    events.run(Effect::Pledge { attestation });
                }
                // It may have been certified in the meantime, and fall to this member in the next
                // epoch, too.
                self.sync(context, events);
            }
            Then::Ready(epoch) => {
                dataset.whole_in = Some(epoch);
                self.say_ready(context, epoch, events);
            }
        }
    }

    /// Stops to take in a dataset, and removes what it has left on disk.
    fn give_up(&mut self, context: &Context, root: B256, events: &mut Events) {
        let Some(pending) = self.pending_shards.remove(&root) else { return };
        // What this node publishes itself was on disk before.
        if !self.datasets.contains_key(&root) && !pending.sources.contains(&context.own) {
            self.remove(root, events);
        }
        if let Then::Vote(names) = pending.then {
            names.into_iter().for_each(|name| events.push(Event::Judged(name, Verdict::Abstain)));
        }
    }

    /// Asks for missing shards, a few at a time.
    fn want_shards(&mut self, context: &Context, root: B256, events: &mut Events) {
        let now_ms = context.now_ms;
        let Some(pending) = self.pending_shards.get_mut(&root) else { return };
        let Some(missing) = &pending.missing else { return };
        let waiting = pending.asked.values().filter(|until| **until > now_ms).count();
        let free = MAX_WANTED.saturating_sub(waiting.saturating_add(pending.saving.len()));
        let open = missing.iter().filter(|place| {
            !pending.saving.contains(place)
                && pending.asked.get(place).is_none_or(|until| *until <= now_ms)
        });
        let open: Vec<_> = open.take(free).copied().collect();
        let sources = pending.sources.iter().filter(|peer| **peer != context.own);
        let sources: Vec<_> = sources.copied().collect();
        if sources.is_empty() {
            return;
        }
        let until_ms = context.after_ms(context.limits.resend_ms.saturating_mul(2));
        for (stripe, index) in open {
            let at = pending.rounds.checked_rem(sources.len()).unwrap_or_default();
            pending.rounds = pending.rounds.wrapping_add(1);
            pending.asked.insert((stripe, index), until_ms);
            if let Some(to) = sources.get(at) {
                events.send(*to, Message::Want { root, stripe, index });
            }
        }
    }
}

/// Sends the first stripes of a new dataset to their holders right away; holders ask for the others
/// as fast as they can store them.
pub(crate) fn offer_shards(
    context: &Context,
    manifest: &Manifest,
    committee: &Committee,
    events: &mut Events,
) {
    let (root, coding) = (manifest.root(), manifest.commitment().coding());
    let Some(assignment) = assignment(committee, coding) else { return };
    for stripe in 0..offered_stripes(manifest) {
        for index in 0..coding.n() {
            let holder = assignment.holder(stripe, index).map(usize::from);
            let holder = holder.and_then(|place| committee.members().get(place));
            if let Some(holder) = holder.filter(|holder| holder.address != context.own) {
                events.run(Effect::Load { root, stripe, index, to: holder.address });
            }
        }
    }
}

/// Returns those of these shards that belong to the first stripes that can be restored in `max`
/// bytes; at least to one stripe.
fn first_stripes(
    missing: impl Iterator<Item = (u32, u16)>,
    commitment: &DatasetCommitment,
    max: u64,
) -> Vec<(u32, u16)> {
    let mut stripes = max.checked_div(commitment.restore_bytes()).unwrap_or_default().max(1);
    let (mut last, mut some) = (None, Vec::new());
    for (stripe, index) in missing {
        if last != Some(stripe) {
            if stripes == 0 {
                break;
            }
            stripes = stripes.saturating_sub(1);
            last = Some(stripe);
        }
        some.push((stripe, index));
    }
    some
}

/// Returns the number of stripes whose shards are sent to their holders without being asked for.
fn offered_stripes(manifest: &Manifest) -> u32 {
    let n = u32::from(manifest.commitment().coding().n());
    let stripes = OFFERED_SHARDS.checked_div(n).unwrap_or_default().max(1);
    stripes.min(manifest.commitment().stripes())
}

const OFFERED_SHARDS: u32 = 64;
/// Shards of a dataset that are being written at the same time.
const MAX_SAVING: usize = 64;
/// Bytes of shards of all datasets that are being written at the same time, before the last one.
const MAX_SAVING_BYTES: usize = 256 << 20;
/// Shards that are read for one peer at the same time.
const MAX_READS: usize = 128;
