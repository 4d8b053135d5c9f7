use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};

use super::{
    KeepError, Message, Output, QuorumMember, Refusal, Request, Task, Verdict,
    epochs::{assignment, place},
    fetch::Purpose,
    member::is_kept,
    refusal::FORGERY,
};
use crate::{
    Committee, Epoch, Fact, QuorumCertificate, Statement, VoteStore,
    availability::{COMMITMENT_BYTES, DatasetCommitment, InconsistencyProof, Manifest, Shard},
};

/// A data set that this member knows.
#[derive(Clone, Debug)]
pub(super) struct DataSet {
    pub(super) manifest: Arc<Manifest>,
    certified: Option<Statement>,
    is_spoiled: bool,
    /// The epoch for which this member has all its shards on disk.
    whole_in: Option<Epoch>,
}

impl DataSet {
    pub(super) const fn new(manifest: Arc<Manifest>) -> Self {
        Self { manifest, certified: None, is_spoiled: false, whole_in: None }
    }

    /// That the quorum holds it, unless it is known to be no data.
    pub(super) fn certified(&self) -> Option<&Statement> {
        self.certified.as_ref().filter(|_| !self.is_spoiled)
    }

    pub(super) const fn certify(&mut self, statement: Statement) {
        self.certified = Some(statement);
    }

    pub(super) const fn spoil(&mut self) {
        self.is_spoiled = true;
    }
}

/// The shards of a data set that this member is about to hold.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    manifest: Arc<Manifest>,
    /// What is said once all are on disk.
    then: Then,
    /// Those who said that they have them.
    sources: Vec<Address>,
    /// `None` until it is known what is on disk.
    missing: Option<BTreeSet<(u32, u16)>>,
    asked: BTreeMap<(u32, u16), u64>,
    saving: BTreeSet<(u32, u16)>,
    /// Shards that came before it was known what is on disk.
    early: Vec<(Address, Shard<'static>)>,
    bytes: u64,
    rounds: usize,
    progress_ms: u64,
    is_restoring: bool,
}

/// What a member says once it holds its shards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    /// That the epoch may begin.
    Ready(Epoch),
    /// That it holds them.
    Vote(Statement),
}

impl<V: VoteStore> QuorumMember<V> {
    /// Begins to take the shards that fall to this member.
    pub(super) fn take_in(
        &mut self,
        from: Address,
        statement: Statement,
        manifest: Arc<Manifest>,
    ) -> Result<(), Refusal> {
        let root = manifest.root();
        if let Some(intake) = self.intakes.get_mut(&root) {
            // One who never sends must not keep others from sending.
            if intake.sources.len() < MAX_SOURCES && !intake.sources.contains(&from) {
                intake.sources.push(from);
            }
            return Ok(());
        }
        let (max, own) = (self.limits.max_intakes_per_peer, self.address());
        let from_peer =
            self.intakes.values().filter(|intake| intake.sources.first() == Some(&from));
        if from != own && from_peer.count() >= max {
            return Err(Refusal::Quota { peer: from, unit: "data sets", max: max as u64 });
        }
        let committee = Arc::clone(self.current_committee(statement.epoch)?);
        self.prepare(&committee, manifest, [from].into(), Then::Vote(statement))
    }

    /// Finds out which shards fall to this member, and which of them are on disk.
    fn prepare(
        &mut self,
        committee: &Committee,
        manifest: Arc<Manifest>,
        sources: Vec<Address>,
        then: Then,
    ) -> Result<(), Refusal> {
        let (commitment, own) = (manifest.commitment(), self.address());
        let (coding, stripes) = (commitment.coding(), commitment.stripes());
        let members = committee.members().len() as u64;
        let refusal = Refusal::Coding { expected: members, got: coding.n().into() };
        let unknown = Refusal::UnknownSender { peer: own };
        let place = place(committee, own).ok_or(unknown)?;
        if u64::from(coding.n()) < members {
            return Err(refusal);
        }
        let assignment = assignment(committee, coding).ok_or(refusal)?;
        let seats = assignment.seats(place).count() as u64;
        let (count, max) = (seats.saturating_mul(stripes.into()), self.limits.max_shards as u64);
        if count > max {
            return Err(Refusal::TooLong { got: count, max });
        }
        let wanted: Vec<_> = (0..stripes)
            .flat_map(|stripe| assignment.shards(place, stripe).map(move |index| (stripe, index)))
            .collect();
        let bytes = (commitment.shard_bytes(0) as u64).saturating_mul(count);
        let max = self.limits.max_data_sets;
        if self.data_sets.len().saturating_add(self.intakes.len()) >= max {
            return Err(Refusal::Quota { peer: own, unit: "data sets", max: max as u64 });
        }
        let kept: u64 = self
            .intakes
            .values()
            .fold(self.kept_bytes(), |sum, intake| sum.saturating_add(intake.bytes));
        let max = self.limits.max_stored_bytes;
        if kept.saturating_add(bytes) > max {
            return Err(Refusal::TooLong { got: bytes, max: max.saturating_sub(kept) });
        }
        let intake = Intake {
            manifest: Arc::clone(&manifest),
            then,
            sources,
            missing: None,
            asked: BTreeMap::new(),
            saving: BTreeSet::new(),
            early: Vec::new(),
            bytes,
            rounds: 0,
            progress_ms: self.now_ms,
            is_restoring: false,
        };
        self.intakes.insert(manifest.root(), intake);
        self.push(Output::Run(Task::Prepare { manifest, wanted }));
        Ok(())
    }

    /// An upper bound of the bytes that this member keeps.
    fn kept_bytes(&self) -> u64 {
        let sets = self.data_sets.values().map(|set| {
            let commitment = set.manifest.commitment();
            let committee = self.epochs.committee(self.epochs.current());
            let seats = committee.and_then(|committee| {
                let place = place(committee, self.address())?;
                Some(assignment(committee, commitment.coding())?.seats(place).count() as u64)
            });
            let shards = seats.unwrap_or_default().saturating_mul(commitment.stripes().into());
            (commitment.shard_bytes(0) as u64).saturating_mul(shards)
        });
        sets.fold(0, u64::saturating_add)
    }

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
                self.intakes.remove(&root);
                self.fault(reason);
            }
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
        let intake = self.intakes.get_mut(&root).ok_or(Refusal::Unasked)?;
        let shard = Shard::decode(bytes, intake.manifest.commitment())?;
        let place = (shard.stripe, shard.index);
        // Before it is known what is on disk, a shard may be one too many, but no harm.
        let is_missing = intake.missing.as_ref().is_none_or(|missing| missing.contains(&place));
        let is_bounded = intake.saving.len() < MAX_SAVING;
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
        let Some(Intake { manifest, then, .. }) = self.intakes.remove(&root) else { return };
        let set = self.data_sets.entry(root).or_insert_with(|| DataSet::new(manifest));
        match then {
            Then::Vote(statement) => {
                set.whole_in = Some(statement.epoch);
                if let Some(certified) = self.lacking.remove(&root) {
                    set.certify(certified);
                }
                self.judged(statement, Verdict::Accept { score: 0 });
            }
            Then::Ready(epoch) => {
                set.whole_in = Some(epoch);
                self.say_ready(epoch);
            }
        }
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
            let missing = intake.missing.iter().flatten().copied().collect::<Vec<_>>();
            match intake.then {
                Then::Vote(statement) if idle_ms >= limits.patience_ms => {
                    self.intakes.remove(&root);
                    self.judged(statement, Verdict::Abstain);
                }
                // Whoever had them does not give them: any k others of the stripe do as well.
                Then::Ready(_)
                    if idle_ms >= limits.resend_ms.saturating_mul(4)
                        && !missing.is_empty()
                        && !intake.is_restoring =>
                {
                    intake.is_restoring = true;
                    if let Err(refusal) = self.fetch(root, Purpose::Keep(missing)) {
                        self.fault(alloc::format!("{refusal}"));
                    }
                }
                _ => {}
            }
        }
    }

    /// The shards that were missing are on disk, made from others.
    pub(super) fn repaired(&mut self, root: B256) {
        if let Some(intake) = self.intakes.get_mut(&root) {
            intake.missing = Some(BTreeSet::new());
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
        if !self.data_sets.contains_key(&root) && !self.intakes.contains_key(&root) {
            return Err(Refusal::UnknownDataSet { root });
        }
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

    /// Learns of a data set that the quorum has certified.
    pub(super) fn hold(
        &mut self,
        statement: Statement,
        certificate: QuorumCertificate,
    ) -> Result<(), Refusal> {
        if !matches!(statement.fact, Fact::Available { .. }) {
            return Err(Refusal::Material);
        }
        self.take_certificate(self.address(), statement, certificate)?;
        self.want_manifests();
        Ok(())
    }

    /// Asks one member after the other for manifests that this one should have.
    pub(super) fn want_manifests(&mut self) {
        let (members, own, wait) = (self.epochs.members(), self.address(), self.limits.resend_ms);
        let peers: Vec<_> = members.into_iter().filter(|member| *member != own).collect();
        let round = self.now_ms.checked_div(wait).unwrap_or_default();
        let at = usize::try_from(round).unwrap_or_default().checked_rem(peers.len());
        let Some(to) = at.and_then(|at| peers.get(at).copied()) else { return };
        let roots: Vec<_> = self.lacking.keys().take(MAX_WANTED).copied().collect();
        for root in roots {
            // Those that are on their way as shards bring theirs.
            if !self.intakes.contains_key(&root) {
                self.send(to, &Message::WantManifest { root });
            }
        }
    }

    pub(super) fn manifest_wanted(&mut self, from: Address, root: B256) -> Result<(), Refusal> {
        let set = self.data_sets.get(&root).ok_or(Refusal::UnknownDataSet { root })?;
        let manifest = set.manifest.encode();
        self.send(from, &Message::Manifest { root, manifest });
        Ok(())
    }

    pub(super) fn take_manifest(&mut self, root: B256, bytes: &[u8]) -> Result<(), Refusal> {
        let statement = *self.lacking.get(&root).ok_or(Refusal::Unasked)?;
        let head = bytes.get(..COMMITMENT_BYTES).ok_or(Refusal::Material)?;
        let commitment = DatasetCommitment::decode(head).map_err(|_| Refusal::Material)?;
        if commitment.root() != root {
            return Err(Refusal::Material);
        }
        let manifest = Arc::new(Manifest::decode(bytes)?);
        self.lacking.remove(&root);
        let set = self.data_sets.entry(root).or_insert_with(|| DataSet::new(manifest));
        set.certify(statement);
        self.sync();
        Ok(())
    }

    /// Begins to take what falls to this member in the next epoch, or in this one if it came late.
    pub(super) fn sync(&mut self) {
        let current = self.epochs.current();
        let epoch = self.epochs.next().map_or(current, |next| next.epoch());
        let Some(committee) = self.epochs.committee(epoch).map(Arc::clone) else { return };
        if place(&committee, self.address()).is_none() {
            return;
        }
        let kept = self.data_sets.iter().filter(|(root, set)| {
            set.certified().is_some_and(|statement| is_kept(statement, epoch))
                && set.whole_in != Some(epoch)
                && !self.intakes.contains_key(*root)
        });
        let kept: Vec<_> = kept.map(|(_, set)| Arc::clone(&set.manifest)).collect();
        let sources = self.epochs.members();
        for manifest in kept {
            let then = Then::Ready(epoch);
            if let Err(refusal) = self.prepare(&committee, manifest, sources.clone(), then) {
                self.fault(alloc::format!("{refusal}"));
            }
        }
        self.say_ready(epoch);
    }

    /// Whether all that falls to this member is on disk.
    pub(super) fn is_synced(&self) -> bool {
        let is_sync = |intake: &Intake| matches!(intake.then, Then::Ready(_));
        self.lacking.is_empty() && !self.intakes.values().any(is_sync)
    }

    /// Tells the quorum that a data set is inconsistent.
    pub(super) fn expose(&mut self, root: B256, proof: &InconsistencyProof) {
        let Some(set) = self.data_sets.get_mut(&root) else { return };
        if set.is_spoiled {
            return;
        }
        set.spoil();
        let commitment = *set.manifest.commitment();
        let (quorum, epoch) = (self.quorum, self.epochs.current());
        let statement = Statement { quorum, epoch, fact: Fact::Inconsistent { root } };
        let asked = Request::inconsistent(statement, commitment, proof);
        if let Err(refusal) = asked.and_then(|request| self.ask(request)) {
            self.fault(alloc::format!("{refusal}"));
        }
    }
}

/// Stripes whose shards are sent to their holders without being asked for.
fn pushed_stripes(manifest: &Manifest) -> u32 {
    let n = u32::from(manifest.commitment().coding().n());
    let stripes = PUSHED_SHARDS.checked_div(n).unwrap_or_default().max(1);
    stripes.min(manifest.commitment().stripes())
}

const PUSHED_SHARDS: u32 = 64;
/// Shards that are asked for at the same time.
const MAX_WANTED: usize = 16;
/// Shards of a data set that are being written at the same time.
const MAX_SAVING: usize = 64;
/// Shards that are read for one peer at the same time.
const MAX_LOADS: usize = 128;
/// Members that are asked for the shards of a new data set.
const MAX_SOURCES: usize = 4;
