use alloc::sync::Arc;

use alloy_primitives::Address;
use lazai_availability::Manifest;
use lazai_consensus::{Attestation, Epoch, Fact};

use super::member::is_kept;

/// A data set that this member knows.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    pub(super) manifest: Arc<Manifest>,
    /// Who brought it, as long as that is remembered.
    pub(super) source: Option<Address>,
    /// Bytes of the shards that this member keeps of it.
    pub(super) bytes: u64,
    /// The epoch for which this member has all its shards on disk.
    pub(super) whole_in: Option<Epoch>,
    certified: Option<Attestation>,
    /// The last epoch for which this member has said that it keeps it.
    vouched: Option<Epoch>,
    is_spoiled: bool,
}

impl Dataset {
    pub(super) const fn new(manifest: Arc<Manifest>) -> Self {
        let (source, certified, vouched, whole_in) = (None, None, None, None);
        Self { manifest, source, bytes: 0, whole_in, certified, vouched, is_spoiled: false }
    }

    /// That the quorum holds it, unless it is known to be no data.
    pub(super) fn certified(&self) -> Option<&Attestation> {
        self.certified.as_ref().filter(|_| !self.is_spoiled)
    }

    /// Notes a certificate. The same data may be certified under several names: it is kept as long as any of them says.
    pub(super) fn certify(&mut self, attestation: Attestation) {
        if self.certified.is_none_or(|known| until(&known) < until(&attestation)) {
            self.certified = Some(attestation);
        }
    }

    /// Notes that this member says that it keeps the data.
    pub(super) fn vouch(&mut self, until: Epoch) {
        self.vouched = self.vouched.max(Some(until));
    }

    pub(super) const fn spoil(&mut self) {
        self.is_spoiled = true;
    }

    pub(super) const fn is_spoiled(&self) -> bool {
        self.is_spoiled
    }

    /// Whether it is to be held, by all members together, in an epoch.
    pub(super) fn is_kept(&self, epoch: Epoch) -> bool {
        self.certified().is_some_and(|attestation| is_kept(attestation, epoch))
    }

    /// Whether it is to be held in an epoch, and what falls to this member is not yet on disk.
    pub(super) fn is_lacking(&self, epoch: Epoch) -> bool {
        self.is_kept(epoch) && self.whole_in != Some(epoch)
    }

    /// Whether this member has to keep what it has of it. What it has vouched for may be certified without its knowing.
    pub(super) fn is_promised(&self, epoch: Epoch) -> bool {
        let is_vouched = self.vouched.is_some_and(|until| until >= epoch);
        !self.is_spoiled && (is_vouched || self.is_kept(epoch))
    }

    /// Whether a peer has brought it and nobody has certified it.
    pub(super) fn is_unsettled(&self, peer: Address) -> bool {
        self.certified.is_none() && self.source == Some(peer)
    }
}

/// The last epoch in which a data set is kept.
pub(super) const fn until(attestation: &Attestation) -> Option<Epoch> {
    match attestation.fact {
        Fact::Available { until_epoch, .. } => Some(until_epoch),
        _ => None,
    }
}
