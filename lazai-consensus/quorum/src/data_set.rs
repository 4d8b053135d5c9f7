use alloc::sync::Arc;

use alloy_primitives::Address;
use lazai_availability::Manifest;
use lazai_consensus::{Epoch, Fact, Statement};

use super::member::is_kept;

/// A data set that this member knows.
#[derive(Clone, Debug)]
pub(super) struct DataSet {
    pub(super) manifest: Arc<Manifest>,
    /// Who brought it, as long as that is remembered.
    pub(super) source: Option<Address>,
    /// Bytes of the shards that this member keeps of it.
    pub(super) bytes: u64,
    /// The epoch for which this member has all its shards on disk.
    pub(super) whole_in: Option<Epoch>,
    certified: Option<Statement>,
    /// The last epoch for which this member has said that it keeps it.
    vouched: Option<Epoch>,
    is_spoiled: bool,
}

impl DataSet {
    pub(super) const fn new(manifest: Arc<Manifest>) -> Self {
        let (source, certified, vouched, whole_in) = (None, None, None, None);
        Self { manifest, source, bytes: 0, whole_in, certified, vouched, is_spoiled: false }
    }

    /// That the quorum holds it, unless it is known to be no data.
    pub(super) fn certified(&self) -> Option<&Statement> {
        self.certified.as_ref().filter(|_| !self.is_spoiled)
    }

    /// Notes a certificate. The same data may be certified under several names: it is kept as long as any of them says.
    pub(super) fn certify(&mut self, statement: Statement) {
        if self.certified.is_none_or(|known| until(&known) < until(&statement)) {
            self.certified = Some(statement);
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
        self.certified().is_some_and(|statement| is_kept(statement, epoch))
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
pub(super) const fn until(statement: &Statement) -> Option<Epoch> {
    match statement.fact {
        Fact::Available { until_epoch, .. } => Some(until_epoch),
        _ => None,
    }
}
