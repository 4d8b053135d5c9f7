use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_availability::{COMMITMENT_BYTES, DatasetCommitment, InconsistencyProof, Manifest};
use lazai_consensus::{Attestation, Epoch, Fact, QuorumCertificate, VoteStore};

use super::{
    Message, Output, QuorumMember, Refusal, Request, Task,
    dataset::Dataset,
    epochs::place,
    holding::{Intake, MAX_WANTED, Then},
    member::is_kept,
};

/// What a member learns of data sets that its quorum has certified, and takes over for the next epoch.
impl<V: VoteStore> QuorumMember<V> {
    /// Learns of a data set that the quorum has certified.
    pub(super) fn hold(
        &mut self,
        attestation: Attestation,
        certificate: QuorumCertificate,
    ) -> Result<(), Refusal> {
        if !matches!(attestation.fact, Fact::Available { .. }) {
            return Err(Refusal::Material);
        }
        self.take_certificate(attestation, certificate)?;
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
        let set = self.datasets.get(&root).ok_or(Refusal::UnknownDataset { root })?;
        let bytes = u64::from(set.manifest.commitment().stripes()).saturating_mul(32);
        self.peers.serve(from, bytes, &self.limits)?;
        let manifest = set.manifest.encode();
        self.send(from, &Message::Manifest { root, manifest });
        Ok(())
    }

    pub(super) fn take_manifest(&mut self, root: B256, bytes: &[u8]) -> Result<(), Refusal> {
        let attestation = *self.lacking.get(&root).ok_or(Refusal::Unasked)?;
        let head = bytes.get(..COMMITMENT_BYTES).ok_or(Refusal::Material)?;
        let commitment = DatasetCommitment::decode(head).map_err(|_| Refusal::Material)?;
        if commitment.root() != root {
            return Err(Refusal::Material);
        }
        let manifest = Arc::new(Manifest::decode(bytes)?);
        self.lacking.remove(&root);
        let set = self.datasets.entry(root).or_insert_with(|| Dataset::new(manifest));
        set.certify(attestation);
        if self.spoiled.contains(&root) {
            set.spoil();
        }
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
        self.next_sync_ms = self.now_ms.saturating_add(self.limits.answer_ms);
        let kept = self.datasets.iter().filter(|(root, set)| {
            set.is_lacking(epoch)
                && !self.intakes.contains_key(*root)
                && !self.forgetting.contains(*root)
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

    /// Whether all that falls to this member in an epoch is on disk.
    pub(super) fn is_synced(&self, epoch: Epoch) -> bool {
        !self.lacking.values().any(|attestation| is_kept(attestation, epoch))
            && !self.datasets.values().any(|set| set.is_lacking(epoch))
    }

    /// Takes a data set for what it is: no data, that nobody needs to hold.
    pub(super) fn spoil(&mut self, root: B256) {
        self.lacking.remove(&root);
        if self.spoiled.len() < self.limits.max_slots {
            self.spoiled.insert(root);
        }
        if let Some(set) = self.datasets.get_mut(&root) {
            set.spoil();
        }
        // What is missing of it cannot be made from the others.
        if self.intakes.get(&root).is_some_and(Intake::is_ready) {
            self.intakes.remove(&root);
        }
        self.sync();
    }

    /// Removes a data set from the disk. Until it is gone, it is not taken again.
    pub(super) fn forget(&mut self, root: B256) {
        self.forgetting.insert(root);
        self.push(Output::Run(Task::Forget { root }));
    }

    /// Tells the quorum that a data set is inconsistent.
    pub(super) fn expose(&mut self, root: B256, proof: &InconsistencyProof) {
        let Some(set) = self.datasets.get(&root) else { return };
        if set.is_spoiled() {
            return;
        }
        let commitment = *set.manifest.commitment();
        self.spoil(root);
        let (quorum, epoch) = (self.quorum, self.epochs.current());
        let attestation = Attestation { quorum, epoch, fact: Fact::Inconsistent { root } };
        let asked = Request::inconsistent(attestation, commitment, proof);
        if let Err(refusal) = asked.and_then(|request| self.ask(request)) {
            self.fault(alloc::format!("{refusal}"));
        }
    }
}
