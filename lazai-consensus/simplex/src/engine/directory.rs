use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_consensus::types::Epoch;
use commonware_cryptography::{
    Signer,
    bls12381::primitives::{
        group::Private,
        variant::{MinSig, Variant},
    },
    certificate::{Provider, Scoped},
    ed25519,
};
use commonware_utils::{TryFromIterator, ordered::BiMap};
use lazai_consensus::{
    bls::SecretKey,
    chain::{ChainCommittee, CommitteeSource, chain_namespace},
};

use crate::{
    ChainError,
    engine::{Identity, Scheme},
};

/// The committees by epoch, in the form that the engine needs; shared by all its parts.
///
/// An epoch is known once it has been entered, and so are all before it; the source is asked again
/// for those that have been dropped from memory.
#[derive(Clone, Debug)]
pub(crate) struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Arc<dyn CommitteeSource>,
    genesis: B256,
    vote_key: SecretKey,
    /// The last epoch in which this validator must not vote.
    silent_through: OnceLock<u64>,
    /// The identity given as the proposer of a block of an unknown seat.
    nobody: Identity,
    epochs: Mutex<BTreeMap<u64, Arc<EpochCommittee>>>,
}

/// The committee of an epoch with its decoded keys.
#[derive(Debug)]
pub(crate) struct EpochCommittee {
    pub(crate) committee: ChainCommittee,
    /// The identities of the operators, by seat.
    pub(crate) identities: Vec<Identity>,
    pub(super) scheme: Arc<Scheme>,
}

impl Directory {
    pub(super) fn new(
        source: Arc<dyn CommitteeSource>,
        genesis: B256,
        vote_key: SecretKey,
    ) -> Result<Self, ChainError> {
        // Any key serves that is in no committee; this one has no owner.
        let seed = keccak256("lazvm/nobody/1");
        let nobody = ed25519::PrivateKey::decode(copied(seed.as_slice()))
            .map_err(|_| ChainError::Key { epoch: 0, field: "placeholder" })?
            .public_key();
        let epochs = Mutex::new(BTreeMap::new());
        let silent_through = OnceLock::new();
        Ok(Self(Arc::new(Inner { source, genesis, vote_key, silent_through, nobody, epochs })))
    }

    /// Returns the digest of the genesis block.
    pub(crate) fn genesis(&self) -> B256 {
        self.0.genesis
    }

    /// Keeps this validator from voting until the end of `epoch`, in which it may have cast votes
    /// that it no longer knows.
    pub(super) fn stay_silent_through(&self, epoch: u64) {
        // It is set once, before any epoch is entered.
        let _ = self.0.silent_through.set(epoch);
    }

    /// Loads the committee of an epoch once the last block of the epoch before is committed.
    pub(super) fn enter(&self, epoch: u64) -> Result<Arc<EpochCommittee>, ChainError> {
        let entered = Arc::new(self.load(epoch)?);
        let mut epochs = self.0.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        epochs.insert(epoch, Arc::clone(&entered));
        while epochs.len() > MAX_EPOCHS_IN_MEMORY {
            epochs.pop_first();
        }
        Ok(entered)
    }

    /// Returns the committee of an epoch that has been entered, or of an earlier one.
    pub(crate) fn committee(&self, epoch: u64) -> Option<Arc<EpochCommittee>> {
        {
            let epochs = self.0.epochs.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(entered) = epochs.get(&epoch) {
                return Some(Arc::clone(entered));
            }
            if epochs.last_key_value().is_none_or(|(latest, _)| epoch > *latest) {
                return None;
            }
        }
        self.load(epoch).ok().map(Arc::new)
    }

    /// Returns the identity of the operator of a seat, or that of nobody if there is no such seat.
    pub(super) fn identity(&self, epoch: u64, seat: u32) -> Identity {
        let seat = usize::try_from(seat).unwrap_or(usize::MAX);
        let committee = self.committee(epoch);
        let identity = committee.and_then(|committee| committee.identities.get(seat).cloned());
        identity.unwrap_or_else(|| self.0.nobody.clone())
    }

    fn load(&self, epoch: u64) -> Result<EpochCommittee, ChainError> {
        let committee = self.0.source.committee(epoch)?;
        let mut identities = Vec::with_capacity(committee.seats().len());
        let mut keys = Vec::with_capacity(committee.seats().len());
        for seat in committee.seats() {
            let identity = Identity::decode(copied(&seat.identity))
                .map_err(|_| ChainError::Key { epoch, field: "identity" })?;
            let key = <MinSig as Variant>::Public::decode(copied(&seat.vote_key.to_bytes()))
                .map_err(|_| ChainError::Key { epoch, field: "vote key" })?;
            identities.push(identity.clone());
            keys.push((identity, key));
        }
        let participants = BiMap::try_from_iter(keys)
            .map_err(|_| ChainError::Key { epoch, field: "set of keys" })?;
        // The engine numbers seats by its own order of identities, which must be ours.
        if !participants.keys().iter().eq(identities.iter()) {
            return Err(ChainError::Key { epoch, field: "order of identities" });
        }
        let namespace = chain_namespace(self.0.genesis);
        if self.0.silent_through.get().is_some_and(|last| epoch <= *last) {
            let scheme = Arc::new(Scheme::verifier(&namespace, participants));
            return Ok(EpochCommittee { committee, identities, scheme });
        }
        let secret = Private::decode(copied(&self.0.vote_key.to_bytes()))
            .map_err(|_| ChainError::Key { epoch, field: "secret vote key" })?;
        // Proofs of possession were checked when the committee was made.
        let scheme = Scheme::signer(&namespace, participants.clone(), secret)
            .unwrap_or_else(|| Scheme::verifier(&namespace, participants));
        Ok(EpochCommittee { committee, identities, scheme: Arc::new(scheme) })
    }
}

fn copied(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

impl EpochCommittee {
    /// Returns the number of the seat of an operator.
    pub(super) fn seat(&self, identity: &Identity) -> Option<u32> {
        let place = self.identities.iter().position(|known| known == identity)?;
        u32::try_from(place).ok()
    }
}

impl Provider for Directory {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        let committee = self.committee(epoch.get())?;
        Some(Scoped::scheme(Arc::clone(&committee.scheme)))
    }
}

const MAX_EPOCHS_IN_MEMORY: usize = 64;
