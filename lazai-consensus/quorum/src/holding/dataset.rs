use alloc::sync::Arc;

use alloy_primitives::Address;
use lazai_availability::Manifest;
use lazai_consensus::{Attestation, Epoch};

/// A dataset that this member knows.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    pub(super) manifest: Arc<Manifest>,
    /// The peer that brought it, as long as that is remembered.
    pub(super) source: Option<Address>,
    /// Bytes of the shards that this member keeps of it.
    pub(super) bytes: u64,
    /// The epoch for which this member has all its shards on disk.
    pub(super) whole_in: Option<Epoch>,
    certified: Option<Attestation>,
    /// The last epoch for which this member has said that it keeps the dataset.
    pledged: Option<Epoch>,
    is_inconsistent: bool,
}

impl Dataset {
    pub(super) const fn new(manifest: Arc<Manifest>) -> Self {
        let (source, certified, pledged, whole_in) = (None, None, None, None);
        Self { manifest, source, bytes: 0, whole_in, certified, pledged, is_inconsistent: false }
    }

    /// Notes a certificate. The same data may be certified under several names: it is kept as long
    /// as any of them says.
    pub(super) fn certify(&mut self, attestation: Attestation) {
        let until = attestation.fact.kept_until();
        if self.certified.is_none_or(|known| known.fact.kept_until() < until) {
            self.certified = Some(attestation);
        }
    }

    /// Notes that this member says that it keeps the data until the end of an epoch.
    pub(super) fn pledge(&mut self, until: Epoch) {
        self.pledged = self.pledged.max(Some(until));
    }

    pub(super) const fn set_inconsistent(&mut self) {
        self.is_inconsistent = true;
    }

    pub(super) const fn is_inconsistent(&self) -> bool {
        self.is_inconsistent
    }

    /// Returns the attestation that the dataset is available, if it is certified and the dataset is
    /// not known to be inconsistent.
    pub(super) fn certified(&self) -> Option<&Attestation> {
        self.certified.as_ref().filter(|_| !self.is_inconsistent)
    }

    /// Returns whether all members together have to hold it in an epoch.
    pub(super) fn is_kept(&self, epoch: Epoch) -> bool {
        self.certified().is_some_and(|attestation| attestation.fact.is_kept_in(epoch))
    }

    /// Returns whether it has to be held in an epoch, and the shards of this member are not all on
    /// disk.
    pub(super) fn is_missing_shards(&self, epoch: Epoch) -> bool {
        self.is_kept(epoch) && self.whole_in != Some(epoch)
    }

    /// Returns whether this member has to keep the shards that it has in an epoch. What it has
    /// pledged to keep may be certified without its knowing.
    pub(super) fn is_promised(&self, epoch: Epoch) -> bool {
        let is_pledged = self.pledged.is_some_and(|until| until >= epoch);
        !self.is_inconsistent && (is_pledged || self.is_kept(epoch))
    }

    /// Returns whether a peer has brought it and nobody has certified it.
    pub(super) fn is_uncertified_of(&self, peer: Address) -> bool {
        self.certified.is_none() && self.source == Some(peer)
    }
}
