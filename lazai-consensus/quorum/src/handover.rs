use alloc::{string::ToString, sync::Arc, vec::Vec};

use alloy_primitives::B256;
use lazai_consensus::{Attestation, Committee, Epoch, Fact, VoteStore};

use super::{Output, QuorumMember, Refusal, member::is_kept};

impl<V: VoteStore> QuorumMember<V> {
    /// Learns of a committee: the next one, whose shards are then taken over, or a past one.
    ///
    /// This committee certifies the next for light clients; the next one says when its members hold what they must, and
    /// with that certificate its epoch begins.
    pub(super) fn announce(&mut self, committee: Arc<Committee>) -> Result<(), Refusal> {
        let (next, root, current) = (committee.epoch(), committee.root(), self.epochs.current());
        let known = self.epochs.committee(next).map(|known| known.root());
        if known == Some(root) {
            return Ok(());
        }
        // A committee that was announced is not replaced: votes may have been counted by it.
        if known.is_some() || !self.epochs.add(committee, self.quorum) {
            return Err(Refusal::Epoch { expected: current.0, got: next.0 });
        }
        if next <= current {
            return Ok(());
        }
        let fact = Fact::HandOver { next, committee: root };
        let is_member = self.current_committee(current)?.index_of(self.address()).is_some();
        if is_member {
            self.cast(Attestation { quorum: self.quorum, epoch: current, fact });
        }
        self.sync();
        Ok(())
    }

    /// Says that this member is ready for an epoch, once it is.
    pub(super) fn say_ready(&mut self, epoch: Epoch) {
        let is_member = self
            .epochs
            .committee(epoch)
            .is_some_and(|committee| committee.index_of(self.address()).is_some());
        // What was taken late within an epoch needs no certificate.
        if is_member && epoch > self.epochs.current() && self.is_synced(epoch) {
            let fact = Fact::EpochSyncDone { next: epoch };
            self.cast(Attestation { quorum: self.quorum, epoch, fact });
        }
    }

    /// Begins an epoch whose committee is ready.
    pub(super) fn enter(&mut self, epoch: Epoch) {
        if !self.epochs.enter(epoch) {
            return;
        }
        self.audit = None;
        let epochs = &self.epochs;
        self.peers.retain(|peer| epochs.is_member(peer));
        self.lacking.retain(|_, attestation| is_kept(attestation, epoch));
        // What nobody vouched for, or need not be kept any longer, makes room.
        let dead = self.datasets.iter().filter(|(root, set)| {
            !set.is_promised(epoch)
                && !self.intakes.contains_key(*root)
                && !self.fetches.contains_key(*root)
        });
        let dead: Vec<_> = dead.map(|(root, _)| *root).collect();
        for root in dead {
            self.datasets.remove(&root);
            self.forget(root);
        }
        // Votes of the epoch before are still given; of earlier ones none, and the store refuses them from now on.
        let first = Epoch(epoch.0.saturating_sub(1));
        if let Err(error) = self.pen.store_mut().forget_before(first) {
            self.fault(error.to_string());
        }
        self.push(Output::Entered { epoch });
    }

    /// Notes that a data set is off the disk.
    pub(super) fn forgotten(&mut self, root: B256, result: Result<(), impl ToString>) {
        self.forgetting.remove(&root);
        if let Err(error) = result {
            self.fault(error.to_string());
        }
        // It may have been certified in the meantime.
        self.sync();
    }
}
