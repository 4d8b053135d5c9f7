use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_availability::{DatasetCommitment, Manifest, Shard};
use lazai_consensus::{Attestation, Committee, Epoch, VoteStore};

use super::{
    KeepError, Message, Output, QuorumMember, Refusal, Task, Verdict,
    dataset::{Dataset, until},
    epochs::assignment,
    fetch::Purpose,
    refusal::FORGERY,
};

/// The shards of a data set that this member is about to hold.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    pub(super) manifest: Arc<Manifest>,
    /// What is said once all are on disk.
    pub(super) then: Then,
    /// Those who said that they have them.
    pub(super) sources: Vec<Address>,
    /// `None` until it is known what is on disk.
    pub(super) missing: Option<BTreeSet<(u32, u16)>>,
    pub(super) asked: BTreeMap<(u32, u16), u64>,
    pub(super) saving: BTreeSet<(u32, u16)>,
    /// Shards that came before it was known what is on disk.
    pub(super) early: Vec<(Address, Shard<'static>)>,
    pub(super) bytes: u64,
    pub(super) rounds: usize,
    pub(super) progress_ms: u64,
    pub(super) is_restoring: bool,
}

/// What a member says once it holds its shards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Then {
    /// That the epoch may begin.
    Ready(Epoch),
    /// That it holds them, under each of these names.
    Vote(Vec<Attestation>),
}

impl Intake {
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.then, Then::Ready(_))
    }

    /// Bytes of shards that are here and not on disk.
    fn saving_bytes(&self) -> usize {
        self.saving.len().saturating_mul(self.manifest.commitment().shard_bytes(0))
    }
}

impl<V: VoteStore> QuorumMember<V> {
    pub(super) fn prepared(&mut self, root: B256, missing: Result<Vec<(u32, u16)>, String>) {
        let pushed = self.intakes.get(&root).map_or(0, |intake| pushed_stripes(&intake.manifest));
        match missing {
            Ok(missing) => {
                let (now_ms, wait) = (self.now_ms, self.limits.resend_ms);
                let Some(intake) = self.intakes.get_mut(&root) else { return };
                if matches!(intake.then, Then::Vote(_)) {
                    // These are on their way, unless they get lost.
                    let coming = missing.iter().filter(|(stripe, _)| *stripe < pushed);
                    intake.asked.extend(coming.map(|place| (*place, now_ms.saturating_add(wait))));
                }
                intake.missing = Some(missing.into_iter().collect());
                // Only now is there a place for them; tasks may be done in any order.
                for (from, shard) in core::mem::take(&mut intake.early) {
                    self.push(Output::Run(Task::Keep { root, shard, from }));
                }
                self.want_shards(root);
                self.settle(root);
            }
            Err(reason) => {
                self.fault(reason);
                self.give_up_intake(root);
            }
        }
    }

    /// Ends an intake that comes to nothing, and removes what it has left on disk.
    fn give_up_intake(&mut self, root: B256) {
        let Some(Intake { then, sources, .. }) = self.intakes.remove(&root) else { return };
        // What this node publishes itself was on disk before.
        if !self.datasets.contains_key(&root) && !sources.contains(&self.address()) {
            self.forget(root);
        }
        if let Then::Vote(names) = then {
            names.into_iter().for_each(|name| self.judged(name, Verdict::Abstain));
        }
    }

    /// Sends the first stripes to their holders right away; holders ask for the others as fast as they can store them.
    pub(super) fn push_shards(&mut self, manifest: &Manifest, committee: &Committee) {
        let (root, coding) = (manifest.root(), manifest.commitment().coding());
        let Some(assignment) = assignment(committee, coding) else { return };
        for stripe in 0..pushed_stripes(manifest) {
            for index in 0..coding.n() {
                let holder = assignment.holder(stripe, index).map(usize::from);
                let holder = holder.and_then(|place| committee.members().get(place));
                if let Some(holder) = holder.filter(|holder| holder.address != self.address()) {
                    let to = holder.address;
                    self.push(Output::Run(Task::Load { root, stripe, index, to }));
                }
            }
        }
    }

    pub(super) fn take_shard(
        &mut self,
        from: Address,
        root: B256,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        if self.fetches.contains_key(&root) && self.take_fetched(from, root, bytes)? {
            return Ok(());
        }
        let saving = self.intakes.values().map(Intake::saving_bytes).fold(0, usize::saturating_add);
        let intake = self.intakes.get_mut(&root).ok_or(Refusal::Unasked)?;
        let shard = Shard::decode(bytes, intake.manifest.commitment())?;
        let place = (shard.stripe, shard.index);
        // Before it is known what is on disk, a shard may be one too many, but no harm.
        let is_missing = intake.missing.as_ref().is_none_or(|missing| missing.contains(&place));
        let is_bounded = intake.saving.len() < MAX_SAVING && saving < MAX_SAVING_BYTES;
        if !is_missing || !is_bounded || !intake.saving.insert(place) {
            return Err(Refusal::Unasked);
        }
        let shard = shard.into_owned();
        if intake.missing.is_some() {
            self.push(Output::Run(Task::Keep { root, shard, from }));
        } else {
            intake.early.push((from, shard));
        }
        Ok(())
    }

    pub(super) fn kept(
        &mut self,
        root: B256,
        place: (u32, u16),
        from: Address,
        result: Result<(), KeepError>,
    ) {
        let now_ms = self.now_ms;
        if let Some(intake) = self.intakes.get_mut(&root) {
            intake.saving.remove(&place);
            intake.asked.remove(&place);
            if result.is_ok() {
                intake.progress_ms = now_ms;
                if let Some(missing) = &mut intake.missing {
                    missing.remove(&place);
                }
            }
        }
        match result {
            Ok(()) => {}
            Err(KeepError::Fault(reason)) => self.fault(reason),
            Err(KeepError::Wrong(_)) => self.punish(from, FORGERY),
        }
        self.want_shards(root);
        self.settle(root);
    }

    /// Says what was promised, if all shards are on disk.
    fn settle(&mut self, root: B256) {
        let is_whole = |intake: &Intake| {
            intake.missing.as_ref().is_some_and(BTreeSet::is_empty) && intake.saving.is_empty()
        };
        if !self.intakes.get(&root).is_some_and(is_whole) {
            return;
        }
        let Some(intake) = self.intakes.remove(&root) else { return };
        let Intake { manifest, then, sources, bytes, .. } = intake;
        let set = self.datasets.entry(root).or_insert_with(|| {
            let mut set = Dataset::new(manifest);
            set.source = sources.first().copied();
            set
        });
        set.bytes = bytes;
        match then {
            Then::Vote(names) => {
                set.whole_in = names.first().map(|name| name.epoch);
                if let Some(certified) = self.lacking.remove(&root) {
                    set.certify(certified);
                }
                names.iter().filter_map(until).for_each(|until| set.vouch(until));
                for attestation in names {
                    // The promise is on disk before the vote.
                    self.push(Output::Run(Task::Vouch { attestation }));
                }
                // It may have been certified in the meantime, and fall to this member in the next epoch, too.
                self.sync();
            }
            Then::Ready(epoch) => {
                set.whole_in = Some(epoch);
                self.say_ready(epoch);
            }
        }
    }

    /// Votes for what is on disk, and is to stay there.
    pub(super) fn vouched(&mut self, attestation: Attestation, result: Result<(), String>) {
        let verdict = match result {
            Ok(()) => Verdict::Accept { score: 0 },
            Err(reason) => {
                self.fault(reason);
                Verdict::Abstain
            }
        };
        self.judged(attestation, verdict);
    }

    /// Asks for missing shards, a few at a time.
    fn want_shards(&mut self, root: B256) {
        let (now_ms, own, wait) = (self.now_ms, self.address(), self.limits.resend_ms);
        let Some(intake) = self.intakes.get_mut(&root) else { return };
        let Some(missing) = &intake.missing else { return };
        let waiting = intake.asked.values().filter(|until| **until > now_ms).count();
        let free = MAX_WANTED.saturating_sub(waiting.saturating_add(intake.saving.len()));
        let open = missing.iter().filter(|place| {
            !intake.saving.contains(place)
                && intake.asked.get(place).is_none_or(|until| *until <= now_ms)
        });
        let open: Vec<_> = open.take(free).copied().collect();
        let sources: Vec<_> = intake.sources.iter().filter(|peer| **peer != own).copied().collect();
        if sources.is_empty() {
            return;
        }
        let mut wants = Vec::new();
        for (stripe, index) in open {
            let at = intake.rounds.checked_rem(sources.len()).unwrap_or_default();
            intake.rounds = intake.rounds.wrapping_add(1);
            intake.asked.insert((stripe, index), now_ms.saturating_add(wait.saturating_mul(2)));
            wants.extend(sources.get(at).map(|to| (*to, Message::Want { root, stripe, index })));
        }
        for (to, message) in wants {
            self.send(to, &message);
        }
    }

    /// Asks again for what did not come, and gives up what takes too long.
    pub(super) fn want_again(&mut self) {
        let (now_ms, limits) = (self.now_ms, self.limits);
        let roots: Vec<_> = self.intakes.keys().copied().collect();
        for root in roots {
            self.want_shards(root);
            let Some(intake) = self.intakes.get_mut(&root) else { continue };
            let idle_ms = now_ms.saturating_sub(intake.progress_ms);
            // As long as something of it is being written, it cannot be removed.
            let is_still = intake.missing.is_some() && intake.saving.is_empty();
            if !intake.is_ready() {
                if idle_ms >= limits.patience_ms && is_still {
                    self.give_up_intake(root);
                }
                continue;
            }
            let is_late = idle_ms >= limits.resend_ms.saturating_mul(4);
            if !is_late || intake.is_restoring {
                continue;
            }
            // Whoever had them does not give them: any k others of the stripe do as well.
            let missing = intake.missing.iter().flatten().copied();
            let some = first_stripes(missing, intake.manifest.commitment(), limits.max_data_bytes);
            if !some.is_empty() {
                intake.is_restoring = true;
                // At worst it is tried again after as long.
                intake.progress_ms = now_ms;
                if let Err(refusal) = self.fetch(root, Purpose::Keep(some)) {
                    self.repaired(root, &[]);
                    // Other repairs are under way.
                    if !matches!(refusal, Refusal::Quota { .. }) {
                        self.fault(alloc::format!("{refusal}"));
                    }
                }
            }
        }
    }

    /// Shards that were missing are on disk, made from others; or none are, and it is tried again.
    pub(super) fn repaired(&mut self, root: B256, kept: &[(u32, u16)]) {
        if let Some(intake) = self.intakes.get_mut(&root) {
            intake.is_restoring = false;
            if let Some(missing) = &mut intake.missing {
                kept.iter().for_each(|place| _ = missing.remove(place));
            }
            if !kept.is_empty() {
                // The next stripes at once.
                intake.progress_ms = 0;
            }
        }
        self.settle(root);
    }

    pub(super) fn wanted(
        &mut self,
        from: Address,
        root: B256,
        stripe: u32,
        index: u16,
    ) -> Result<(), Refusal> {
        let manifest = self.datasets.get(&root).map(|set| &set.manifest);
        let manifest = manifest.or_else(|| self.intakes.get(&root).map(|intake| &intake.manifest));
        let manifest = manifest.ok_or(Refusal::UnknownDataset { root })?;
        let bytes = manifest.commitment().shard_bytes(stripe) as u64;
        self.peers.serve(from, bytes, &self.limits)?;
        let loads = self.loads.entry(from).or_default();
        if *loads >= MAX_LOADS {
            return Err(Refusal::Quota { peer: from, unit: "reads", max: MAX_LOADS as u64 });
        }
        *loads = loads.saturating_add(1);
        self.push(Output::Run(Task::Load { root, stripe, index, to: from }));
        Ok(())
    }

    pub(super) fn loaded(&mut self, root: B256, to: Address, shard: Option<Vec<u8>>) {
        if to == self.address() {
            if let Some(shard) = shard
                && let Err(refusal) = self.take_fetched(to, root, &shard)
            {
                self.fault(alloc::format!("{refusal}"));
            }
            return;
        }
        if let Some(loads) = self.loads.get_mut(&to) {
            *loads = loads.saturating_sub(1);
            if *loads == 0 {
                self.loads.remove(&to);
            }
        }
        if let Some(shard) = shard {
            self.send(to, &Message::Shard { root, shard });
        }
    }
}

/// Of these shards, those of the first stripes that can be restored in `max` bytes; at least of one stripe.
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

/// Stripes whose shards are sent to their holders without being asked for.
fn pushed_stripes(manifest: &Manifest) -> u32 {
    let n = u32::from(manifest.commitment().coding().n());
    let stripes = PUSHED_SHARDS.checked_div(n).unwrap_or_default().max(1);
    stripes.min(manifest.commitment().stripes())
}

const PUSHED_SHARDS: u32 = 64;
/// Shards that are asked for at the same time.
pub(super) const MAX_WANTED: usize = 16;
/// Shards of a data set that are being written at the same time.
const MAX_SAVING: usize = 64;
/// Bytes of shards of all data sets that are being written at the same time, before the last one.
const MAX_SAVING_BYTES: usize = 256 << 20;
/// Shards that are read for one peer at the same time.
const MAX_LOADS: usize = 128;
