use alloc::collections::BTreeMap;

use alloy_primitives::B256;

use super::{VoteStore, VoteStoreError};
use crate::{Epoch, Slot};

/// Keeps votes in memory only, for simulations: a member that restarts with it can vote twice.
#[derive(Clone, Debug, Default)]
pub struct MemoryVoteStore {
    votes: BTreeMap<Slot, B256>,
    first_epoch: Epoch,
}

impl VoteStore for MemoryVoteStore {
    fn reserve(&mut self, slot: &Slot, attestation: B256) -> Result<(), VoteStoreError> {
        if slot.epoch < self.first_epoch {
            let (first, got) = (self.first_epoch.0, slot.epoch.0);
            return Err(VoteStoreError::Forgotten { first, got });
        }
        match self.votes.get(slot) {
            Some(signed) if *signed == attestation => Ok(()),
            Some(signed) => Err(VoteStoreError::Conflict { signed: *signed, got: attestation }),
            None => {
                self.votes.insert(*slot, attestation);
                Ok(())
            }
        }
    }

    fn reserved(&self, slot: &Slot) -> Option<B256> {
        self.votes.get(slot).copied()
    }

    fn forget_before(&mut self, first: Epoch) -> Result<(), VoteStoreError> {
        self.first_epoch = first.max(self.first_epoch);
        self.votes.retain(|slot, _| slot.epoch >= first);
        Ok(())
    }
}
