use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::{COMMITMENT_BYTES, DatasetCommitment, Manifest};
use lazai_consensus::{Attestation, Fact};

use super::{Holding, dataset::Dataset, pending::PendingShards};
use crate::{Message, Refusal, context::Context, event::Events, peers::Peers};

/// What is certified of datasets, and their manifests, which are asked for after it.
impl Holding {
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
}

/// Shards or manifests that are asked for at the same time.
pub(super) const MAX_WANTED: usize = 16;
