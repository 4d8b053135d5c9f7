use alloc::{string::String, sync::Arc, vec::Vec};

use alloy_primitives::B256;
use lazai_consensus::{Attestation, Epoch, Fact};

use super::{Holding, pending::Then};
use crate::{
    Effect,
    assignment::place,
    context::Context,
    event::{Event, Events},
};

/// What changes with the epochs, and what is removed then.
impl Holding {
    /// Begins to take what falls to this member in the next epoch, or in this one if it came late.
    pub(crate) fn sync(&mut self, context: &Context, events: &mut Events) {
        let current = context.epochs.current();
        let epoch = context.epochs.next().map_or(current, |next| next.epoch());
        let Some(committee) = context.epochs.committee(epoch) else { return };
        if place(committee, context.own).is_none() {
            return;
        }
        self.next_sync_ms = context.after_ms(context.limits.answer_ms);
        let kept = self.datasets.iter().filter(|(root, dataset)| {
            dataset.is_missing_shards(epoch)
                && !self.pending_shards.contains_key(*root)
                && !self.removing.contains(*root)
        });
        let kept: Vec<_> = kept.map(|(_, dataset)| Arc::clone(&dataset.manifest)).collect();
        let sources = context.epochs.members();
        for manifest in kept {
            let then = Then::Ready(epoch);
            let sources = sources.clone();
            if let Err(refusal) = self.prepare(context, committee, manifest, sources, then, events)
            {
                events.fault(&refusal);
            }
        }
        self.say_ready(context, epoch, events);
    }

    /// Has this member vote that it is ready for an epoch, once it is.
    pub(super) fn say_ready(&self, context: &Context, epoch: Epoch, events: &mut Events) {
        let committee = context.epochs.committee(epoch);
        let is_member =
            committee.is_some_and(|committee| committee.index_of(context.own).is_some());
        // What was taken late within an epoch needs no certificate.
        if is_member && epoch > context.epochs.current() && self.is_synced(epoch) {
            let fact = Fact::EpochSyncDone { next: epoch };
            events.push(Event::Vote(Attestation { quorum: context.quorum, epoch, fact }));
        }
    }

    /// Makes room in the epoch that has begun: what nobody has pledged to keep, or needs to be kept
    /// no longer, is removed, unless it is being read.
    pub(crate) fn enter(
        &mut self,
        epoch: Epoch,
        is_read: impl Fn(B256) -> bool,
        events: &mut Events,
    ) {
        self.missing_manifests.retain(|_, attestation| attestation.fact.is_kept_in(epoch));
        let dead = self.datasets.iter().filter(|(root, dataset)| {
            !dataset.is_promised(epoch)
                && !self.pending_shards.contains_key(*root)
                && !is_read(**root)
        });
        let dead: Vec<_> = dead.map(|(root, _)| *root).collect();
        for root in dead {
            self.datasets.remove(&root);
            self.remove(root, events);
        }
    }

    /// Removes a dataset from the disk. Until it is gone, it is not taken again.
    pub(super) fn remove(&mut self, root: B256, events: &mut Events) {
        self.removing.insert(root);
        events.run(Effect::Forget { root });
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

    /// Returns whether all that falls to this member in an epoch is on disk.
    fn is_synced(&self, epoch: Epoch) -> bool {
        let mut certified = self.missing_manifests.values();
        !certified.any(|attestation| attestation.fact.is_kept_in(epoch))
            && !self.datasets.values().any(|dataset| dataset.is_missing_shards(epoch))
    }
}
