use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_availability::{COMMITMENT_BYTES, Manifest};
use lazai_consensus::{Attestation, Committee, VoteStore};

use super::{
    MESSAGE_HEAD_BYTES, Output, QuorumMember, Refusal, Task,
    epochs::{assignment, is_sound, place},
    holding::{Intake, Then},
};

/// Which data sets a member takes, and how much of them.
impl<V: VoteStore> QuorumMember<V> {
    /// Begins to take the shards that fall to this member.
    pub(super) fn take_in(
        &mut self,
        from: Address,
        attestation: Attestation,
        manifest: Arc<Manifest>,
    ) -> Result<(), Refusal> {
        let root = manifest.root();
        self.add_source(root, from);
        if let Some(intake) = self.intakes.get_mut(&root) {
            return match &mut intake.then {
                Then::Vote(names)
                    if names.len() < MAX_NAMES
                        && names.iter().all(|name| name.epoch == attestation.epoch) =>
                {
                    names.push(attestation);
                    Ok(())
                }
                // What is taken over for the next epoch may be less than what falls to this member in this one.
                _ => Err(Refusal::Quota {
                    peer: from,
                    unit: "names of a data set",
                    max: MAX_NAMES as u64,
                }),
            };
        }
        let (limits, own) = (self.limits, self.address());
        let committee = Arc::clone(self.current_committee(attestation.epoch)?);
        let (coding, members) = (manifest.commitment().coding(), committee.members().len());
        if usize::from(coding.n()) < members || !is_sound(&committee, coding) {
            let (expected, got) = (committee.total_weight(), coding.n().into());
            return Err(Refusal::Coding { expected, got });
        }
        // A stripe whose shards contradict each other must be shown to others, in one message.
        let shard = manifest.commitment().shard_bytes(0).saturating_add(SHARD_HEAD_BYTES);
        let got = shard.saturating_mul(coding.k().into()).saturating_add(PROOF_HEAD_BYTES);
        if got > limits.max_message_bytes {
            let (got, max) = (got as u64, limits.max_message_bytes as u64);
            return Err(Refusal::TooLarge { unit: "bytes in a stripe", got, max });
        }
        if from != own {
            self.check_share(from, &committee, &manifest)?;
        }
        self.prepare(&committee, manifest, [from].into(), Then::Vote([attestation].into()))
    }

    /// Notes that a peer has the shards of a data set that is taken in: one who never sends them must not keep others from
    /// sending.
    pub(super) fn add_source(&mut self, root: B256, from: Address) {
        if let Some(intake) = self.intakes.get_mut(&root)
            && intake.sources.len() < MAX_SOURCES
            && !intake.sources.contains(&from)
        {
            intake.sources.push(from);
        }
    }

    /// Refuses a peer that has brought more than its share of what nobody has certified.
    fn check_share(
        &self,
        from: Address,
        committee: &Committee,
        manifest: &Manifest,
    ) -> Result<(), Refusal> {
        let limits = &self.limits;
        let (mut open, mut unsettled) = (0_usize, 0_usize);
        let mut bytes = self.bytes_of(committee, manifest).unwrap_or_default();
        for intake in self.intakes.values() {
            if !intake.is_ready() && intake.sources.first() == Some(&from) {
                open = open.saturating_add(1);
                bytes = bytes.saturating_add(intake.bytes);
            }
        }
        for (root, set) in &self.datasets {
            if set.is_unsettled(from) && *root != manifest.root() {
                unsettled = unsettled.saturating_add(1);
                bytes = bytes.saturating_add(set.bytes);
            }
        }
        let max = limits.max_intakes_per_peer;
        if open >= max {
            return Err(Refusal::Quota { peer: from, unit: "data sets", max: max as u64 });
        }
        let max = limits.max_unsettled_per_peer;
        if unsettled.saturating_add(open) >= max {
            let (unit, max) = ("data sets that nobody certified", max as u64);
            return Err(Refusal::Quota { peer: from, unit, max });
        }
        let members = committee.members().len() as u64;
        let max = limits.max_stored_bytes.checked_div(members).unwrap_or_default();
        if bytes > max {
            return Err(Refusal::TooLarge {
                unit: "bytes of what nobody certified",
                got: bytes,
                max,
            });
        }
        Ok(())
    }

    /// Bytes of the shards of a data set that fall to this member.
    pub(super) fn bytes_of(&self, committee: &Committee, manifest: &Manifest) -> Option<u64> {
        let (commitment, place) = (manifest.commitment(), place(committee, self.address())?);
        let seats = assignment(committee, commitment.coding())?.seats(place).count() as u64;
        let shards = seats.saturating_mul(commitment.stripes().into());
        Some((commitment.shard_bytes(0) as u64).saturating_mul(shards))
    }

    /// Finds out which shards fall to this member, and which of them are on disk.
    pub(super) fn prepare(
        &mut self,
        committee: &Committee,
        manifest: Arc<Manifest>,
        sources: Vec<Address>,
        then: Then,
    ) -> Result<(), Refusal> {
        let (commitment, own) = (manifest.commitment(), self.address());
        let (coding, stripes) = (commitment.coding(), commitment.stripes());
        let root = manifest.root();
        if self.forgetting.contains(&root) {
            return Err(Refusal::Quota { peer: own, unit: "removals of a data set", max: 1 });
        }
        let refusal =
            Refusal::Coding { expected: committee.total_weight(), got: coding.n().into() };
        let unknown = Refusal::UnknownSender { peer: own };
        let place = place(committee, own).ok_or(unknown)?;
        let assignment = assignment(committee, coding).ok_or(refusal)?;
        let seats = assignment.seats(place).count() as u64;
        let (got, max) = (seats.saturating_mul(stripes.into()), self.limits.max_shards as u64);
        if got > max {
            return Err(Refusal::TooLarge { unit: "shards", got, max });
        }
        let wanted: Vec<_> = (0..stripes)
            .flat_map(|stripe| assignment.shards(place, stripe).map(move |index| (stripe, index)))
            .collect();
        let bytes = (commitment.shard_bytes(0) as u64).saturating_mul(got);
        let is_new = !self.datasets.contains_key(&root);
        let max = self.limits.max_datasets;
        if is_new && self.datasets.len().saturating_add(self.intakes.len()) >= max {
            return Err(Refusal::Quota { peer: own, unit: "data sets", max: max as u64 });
        }
        let (kept, max) = (self.kept_bytes(root), self.limits.max_stored_bytes);
        if kept.saturating_add(bytes) > max {
            let max = max.saturating_sub(kept);
            return Err(Refusal::TooLarge { unit: "bytes", got: bytes, max });
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
        self.intakes.insert(root, intake);
        self.push(Output::Run(Task::Prepare { manifest, wanted }));
        Ok(())
    }

    /// The bytes that this member keeps, or is about to keep, of all data sets but one.
    fn kept_bytes(&self, but: B256) -> u64 {
        let sets = self.datasets.iter().map(|(root, set)| (root, set.bytes));
        let intakes = self.intakes.iter().map(|(root, intake)| (root, intake.bytes));
        let others = sets.filter(|(root, _)| !self.intakes.contains_key(*root)).chain(intakes);
        others
            .filter(|(root, _)| **root != but)
            .fold(0, |sum, (_, bytes)| sum.saturating_add(bytes))
    }
}

/// Names under which a data set is taken in at the same time.
const MAX_NAMES: usize = 16;
/// Stripe, place and longest path of a shard.
const SHARD_HEAD_BYTES: usize = 4 + 2 + 32 * 10;
/// What a message of a proof has beside its shards: its head, the commitment, and the path of a stripe.
const PROOF_HEAD_BYTES: usize = MESSAGE_HEAD_BYTES + COMMITMENT_BYTES + 1 + 32 * 24;
/// Members that are asked for the shards of a new data set.
const MAX_SOURCES: usize = 4;
