use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_availability::{COMMITMENT_BYTES, DatasetCommitment, Manifest};
use lazai_consensus::{Attestation, Epoch, Fact};

use super::{dataset::Dataset, pending::PendingShards};
use crate::{
    Effect, Message, Refusal, assignment::stored_bytes, context::Context, event::Events,
    peers::Peers,
};

/// The datasets of a member: it takes the shards that fall to it, hands them out, and takes over
/// others for the next epoch.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    pub(super) datasets: BTreeMap<B256, Dataset>,
    pub(super) pending_shards: BTreeMap<B256, PendingShards>,
    /// How many shards are being read for each peer.
    pub(super) reads_in_flight: BTreeMap<Address, usize>,
    /// Certified datasets whose manifest is not known.
    pub(super) missing_manifests: BTreeMap<B256, Attestation>,
    /// Datasets that are being removed from the disk.
    pub(super) removing: BTreeSet<B256>,
    /// Commitments that are certified to be to no data.
    pub(super) inconsistent: BTreeSet<B256>,
    /// When what could not be taken over is tried again.
    pub(super) next_sync_ms: u64,
}

impl Holding {
    /// Takes a dataset of which there are shards on disk.
    pub(crate) fn recover(&mut self, context: &Context, manifest: Arc<Manifest>) {
        let mut dataset = Dataset::new(manifest);
        let committee = context.epochs.committee(context.epochs.current());
        let bytes =
            committee.and_then(|committee| stored_bytes(committee, context.own, &dataset.manifest));
        dataset.bytes = bytes.unwrap_or_default();
        self.datasets.insert(dataset.manifest.root(), dataset);
    }

    /// Takes a pledge to keep a dataset that was found on disk.
    pub(crate) fn recover_pledge(&mut self, root: B256, until: Epoch) {
        if let Some(dataset) = self.datasets.get_mut(&root) {
            dataset.pledge(until);
        }
    }

    /// Returns the manifest of a dataset, if it is known.
    pub(crate) fn manifest(&self, root: B256) -> Option<&Arc<Manifest>> {
        self.datasets.get(&root).map(|dataset| &dataset.manifest)
    }

    /// Returns whether a dataset is not known yet, but will be.
    pub(crate) fn is_coming(&self, root: B256) -> bool {
        let is_coming =
            self.missing_manifests.contains_key(&root) || self.pending_shards.contains_key(&root);
        is_coming && !self.datasets.contains_key(&root)
    }

    /// Returns the manifest of a dataset, if it is known and not known to be inconsistent.
    pub(crate) fn consistent_manifest(&self, root: B256) -> Option<&Arc<Manifest>> {
        let dataset = self.datasets.get(&root).filter(|dataset| !dataset.is_inconsistent());
        dataset.map(|dataset| &dataset.manifest)
    }

    /// Returns whether it is time to try again what could not be taken over.
    pub(crate) const fn is_sync_due(&self, context: &Context) -> bool {
        context.now_ms >= self.next_sync_ms
    }

    /// Returns the datasets that are certified as available and still to be kept in an epoch.
    pub(crate) fn available(&self, epoch: Epoch) -> impl Iterator<Item = (&B256, &Attestation)> {
        let datasets = self.datasets.iter();
        let certified = datasets.filter_map(|(root, dataset)| Some((root, dataset.certified()?)));
        certified.filter(move |(_, attestation)| attestation.fact.is_kept_in(epoch))
    }

    /// Returns how many datasets are known, and how many are being taken in.
    pub(crate) fn load(&self) -> [usize; 2] {
        [self.datasets.len(), self.pending_shards.len()]
    }

    /// Takes the consequences of a certified attestation.
    pub(crate) fn certified(
        &mut self,
        context: &Context,
        attestation: &Attestation,
        events: &mut Events,
    ) {
        match attestation.fact {
            Fact::Available { root, .. } => {
                let is_due = attestation.fact.is_kept_in(context.epochs.current());
                let has_room = self.missing_manifests.len() < context.limits.max_slots;
                if let Some(dataset) = self.datasets.get_mut(&root) {
                    dataset.certify(*attestation);
                    self.sync(context, events);
                } else if is_due && !self.inconsistent.contains(&root) && has_room {
                    // The same data may be certified under several names.
                    let known = self.missing_manifests.entry(root).or_insert(*attestation);
                    if known.fact.kept_until() < attestation.fact.kept_until() {
                        *known = *attestation;
                    }
                }
            }
            Fact::Inconsistent { root } => self.set_inconsistent(context, root, events),
            _ => {}
        }
    }

    /// Notes that a dataset is inconsistent: nobody needs to hold it.
    pub(crate) fn set_inconsistent(&mut self, context: &Context, root: B256, events: &mut Events) {
        self.missing_manifests.remove(&root);
        if self.inconsistent.len() < context.limits.max_slots {
            self.inconsistent.insert(root);
        }
        if let Some(dataset) = self.datasets.get_mut(&root) {
            dataset.set_inconsistent();
        }
        // What is missing of it cannot be made from the others.
        if self.pending_shards.get(&root).is_some_and(PendingShards::is_handover) {
            self.pending_shards.remove(&root);
        }
        self.sync(context, events);
    }

    /// Asks one member after the other for manifests that this one should have.
    pub(crate) fn want_manifests(&self, context: &Context, events: &mut Events) {
        let members = context.epochs.members().into_iter();
        let peers: Vec<_> = members.filter(|member| *member != context.own).collect();
        let round = context.now_ms.checked_div(context.limits.resend_ms).unwrap_or_default();
        let at = usize::try_from(round).unwrap_or_default().checked_rem(peers.len());
        let Some(to) = at.and_then(|at| peers.get(at).copied()) else { return };
        for root in self.missing_manifests.keys().take(MAX_WANTED) {
            // Datasets whose shards are on their way bring their manifests with them.
            if !self.pending_shards.contains_key(root) {
                events.send(to, Message::WantManifest { root: *root });
            }
        }
    }

    /// Sends a manifest to a peer that asks for it.
    pub(crate) fn manifest_wanted(
        &self,
        context: &Context,
        peers: &mut Peers,
        from: Address,
        root: B256,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let manifest = self.manifest(root).ok_or(Refusal::UnknownDataset { root })?;
        let bytes = u64::from(manifest.commitment().stripes()).saturating_mul(32);
        peers.serve(from, bytes, &context.limits)?;
        events.send(from, Message::Manifest { root, manifest: manifest.encode() });
        Ok(())
    }

    /// Takes a manifest that was asked for.
    pub(crate) fn take_manifest(
        &mut self,
        context: &Context,
        root: B256,
        bytes: &[u8],
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let attestation = *self.missing_manifests.get(&root).ok_or(Refusal::Unasked)?;
        let head = bytes.get(..COMMITMENT_BYTES).ok_or(Refusal::Material)?;
        let commitment = DatasetCommitment::decode(head).map_err(|_| Refusal::Material)?;
        if commitment.root() != root {
            return Err(Refusal::Material);
        }
        let manifest = Arc::new(Manifest::decode(bytes)?);
        self.missing_manifests.remove(&root);
        let dataset = self.datasets.entry(root).or_insert_with(|| Dataset::new(manifest));
        dataset.certify(attestation);
        if self.inconsistent.contains(&root) {
            dataset.set_inconsistent();
        }
        self.sync(context, events);
        Ok(())
    }

    /// Notes that a dataset is off the disk, or could not be removed.
    pub(crate) fn removed(
        &mut self,
        context: &Context,
        root: B256,
        result: Result<(), String>,
        events: &mut Events,
    ) {
        self.removing.remove(&root);
        if let Err(reason) = result {
            events.fault(&reason);
        }
        // It may have been certified in the meantime.
        self.sync(context, events);
    }

    /// Removes a dataset from the disk. Until it is gone, it is not taken again.
    pub(super) fn remove(&mut self, root: B256, events: &mut Events) {
        self.removing.insert(root);
        events.run(Effect::Forget { root });
    }
}

/// Shards or manifests that are asked for at the same time.
pub(super) const MAX_WANTED: usize = 16;
