use alloc::sync::Arc;

use alloy_primitives::{B256, keccak256};

use super::QuorumVerifierError;
use crate::{Committee, Roster};

/// The last used committees by the hash of their rosters, whose proofs of possession were verified.
///
/// Without feature `std` there is no lock, so nothing is remembered; the answers are the same.
#[derive(Debug, Default)]
pub(super) struct CommitteeCache {
    #[cfg(feature = "std")]
    recent: std::sync::Mutex<alloc::collections::VecDeque<(B256, Arc<Committee>)>>,
}

impl CommitteeCache {
    /// Returns the committee of an encoded roster, whose points and proofs of possession are
    /// verified unless it is cached.
    pub(super) fn get_or_verify(
        &self,
        roster: &[u8],
    ) -> Result<Arc<Committee>, QuorumVerifierError> {
        let hash = keccak256(roster);
        if let Some(committee) = self.find(hash) {
            return Ok(committee);
        }
        // The lock is not held meanwhile, so one slow roster does not hold up the others.
        let committee = Arc::new(Roster::decode(roster)?.seat()?);
        self.keep(hash, &committee);
        Ok(committee)
    }
}

#[cfg(feature = "std")]
impl CommitteeCache {
    fn find(&self, hash: B256) -> Option<Arc<Committee>> {
        let mut recent = self.lock();
        let place = recent.iter().position(|(known, _)| *known == hash)?;
        let found = recent.remove(place)?;
        let committee = Arc::clone(&found.1);
        recent.push_front(found);
        Some(committee)
    }

    fn keep(&self, hash: B256, committee: &Arc<Committee>) {
        let mut recent = self.lock();
        if recent.iter().all(|(known, _)| *known != hash) {
            recent.truncate(MAX_COMMITTEES - 1);
            recent.push_front((hash, Arc::clone(committee)));
        }
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, alloc::collections::VecDeque<(B256, Arc<Committee>)>> {
        // A panic elsewhere leaves whole entries: each is a function of the bytes that its hash
        // names.
        self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(not(feature = "std"))]
impl CommitteeCache {
    #[allow(clippy::unused_self)]
    const fn find(&self, _: B256) -> Option<Arc<Committee>> {
        None
    }

    #[allow(clippy::unused_self)]
    const fn keep(&self, _: B256, _: &Arc<Committee>) {}
}

/// Most committees in the cache: 64 of the largest take about 3 MB.
#[cfg(feature = "std")]
const MAX_COMMITTEES: usize = 64;

#[cfg(feature = "std")]
#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use alloy_primitives::Address;

    use super::*;
    use crate::{Candidate, Epoch, QuorumId, bls::SecretKey};

    fn roster(epoch: u64) -> Vec<u8> {
        let secret = SecretKey::from_seed(&[7; 32]).unwrap();
        let (address, key) = (Address::repeat_byte(1), secret.public_key());
        let possession = secret.prove_possession(address);
        let candidates = [Candidate { address, weight: 1, key, possession }].into();
        Roster { quorum: QuorumId::default(), epoch: Epoch(epoch), candidates }.encode()
    }

    #[test]
    fn no_more_than_the_last_used_are_remembered() {
        let cache = CommitteeCache::default();
        let first = cache.get_or_verify(&roster(0)).unwrap();
        for epoch in 1..=MAX_COMMITTEES as u64 {
            cache.get_or_verify(&roster(epoch)).unwrap();
            assert!(Arc::ptr_eq(&first, &cache.get_or_verify(&roster(0)).unwrap()), "{epoch}");
            assert!(cache.lock().len() <= MAX_COMMITTEES);
        }
        assert!(cache.find(keccak256(roster(1))).is_none(), "the one that was used least");
        assert!(cache.find(keccak256(roster(2))).is_some());
        assert_eq!(cache.get_or_verify(&roster(1)).unwrap().epoch(), Epoch(1));
    }

    #[test]
    fn what_is_refused_is_not_remembered() {
        let cache = CommitteeCache::default();
        let mut forged = roster(0);
        let other = SecretKey::from_seed(&[8; 32]).unwrap().sign(b"").to_bytes();
        let end = forged.len();
        forged[end - other.len()..].copy_from_slice(&other);
        for _ in 0..2 {
            assert!(matches!(cache.get_or_verify(&forged), Err(QuorumVerifierError::Committee(_))));
            assert!(cache.lock().is_empty());
        }
    }

    #[test]
    fn a_poisoned_lock_changes_no_answer() {
        let cache = Arc::new(CommitteeCache::default());
        let first = cache.get_or_verify(&roster(0)).unwrap();
        let other = Arc::clone(&cache);
        let panicked = std::thread::spawn(move || {
            let _guard = other.lock();
            panic!("with the lock in hand");
        });
        assert!(panicked.join().is_err());
        assert!(cache.recent.is_poisoned());
        assert_eq!(*cache.get_or_verify(&roster(0)).unwrap(), *first);
        assert_eq!(cache.get_or_verify(&roster(1)).unwrap().epoch(), Epoch(1));
    }
}
