use alloc::vec::Vec;

use alloy_primitives::Address;
use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    Attestation, Committee, Member, Slot,
    attestation::MAX_ATTESTATION_BYTES,
    bls::{SIGNATURE_BYTES, SecretKey, Signature},
    vote_store::{VoteStore, VoteStoreError},
};

/// The signed vote of a member for an attestation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Vote {
    /// The attestation that is voted for.
    pub attestation: Attestation,
    /// The address of the member that votes.
    pub voter: Address,
    /// The voter's signature of the attestation's hash.
    pub signature: Signature,
}

impl Vote {
    /// Verifies that the vote is a member's, for the quorum and the epoch of this committee, and
    /// returns the member.
    ///
    /// # Errors
    /// [`VoteError`]; the signature is checked last, as it takes a millisecond.
    pub fn verify<'c>(&self, committee: &'c Committee) -> Result<&'c Member, VoteError> {
        let member = self.member(committee)?;
        if self.signature.verify(self.attestation.hash().as_slice(), &member.key) {
            Ok(member)
        } else {
            Err(VoteError::Signature { voter: self.voter })
        }
    }

    /// Checks as [`verify`](Self::verify) does, without the signature.
    fn member<'c>(&self, committee: &'c Committee) -> Result<&'c Member, VoteError> {
        concerns(&self.attestation, committee)?;
        let index = committee.index_of(self.voter);
        index
            .and_then(|index| committee.members().get(index))
            .ok_or(VoteError::UnknownVoter { voter: self.voter })
    }

    /// Returns the canonical bytes: version 1 ‖ voter ‖ signature ‖ attestation.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_VOTE_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.voter.as_slice());
        bytes.extend_from_slice(&self.signature.to_bytes());
        bytes.extend_from_slice(&self.attestation.encode());
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical or the signature is no point of its group.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let voter = reader.address()?;
        let signature = reader.array()?;
        let attestation = Attestation::read(&mut reader)?;
        reader.finish()?;
        // Last, because a point takes long to check.
        Ok(Self { attestation, voter, signature: Signature::from_bytes(&signature)? })
    }
}

/// Returns the error that a voter is no member.
pub(crate) const fn unknown(voter: Address) -> VoteError {
    VoteError::UnknownVoter { voter }
}

/// Returns an error if the attestation is of another quorum or epoch.
pub(crate) fn concerns(attestation: &Attestation, committee: &Committee) -> Result<(), VoteError> {
    let (quorum, epoch) = (attestation.quorum, attestation.epoch);
    if quorum != committee.quorum() {
        return Err(VoteError::Quorum { expected: committee.quorum().0, got: quorum.0 });
    }
    if epoch != committee.epoch() {
        return Err(VoteError::Epoch { expected: committee.epoch().0, got: epoch.0 });
    }
    Ok(())
}

/// The signer of a member. It signs at most one attestation per slot, and only after the store has
/// kept it.
#[derive(Debug)]
pub struct Attestor<S> {
    address: Address,
    secret: SecretKey,
    store: S,
}

impl<S: VoteStore> Attestor<S> {
    /// Creates the signer of the member `address`, whose earlier votes `store` keeps.
    pub const fn new(address: Address, secret: SecretKey, store: S) -> Self {
        Self { address, secret, store }
    }

    /// Votes for `attestation`. One that was voted for before gets the same vote again.
    ///
    /// # Errors
    /// [`AttestError::Refused`] if the attestation is not this committee's or the voter is no
    /// member with this key; [`AttestError::Store`] if another attestation was signed in the slot,
    /// or if the store cannot keep the vote.
    pub fn attest(
        &mut self,
        attestation: Attestation,
        committee: &Committee,
    ) -> Result<Vote, AttestError> {
        concerns(&attestation, committee)?;
        let index = committee.index_of(self.address);
        let member = index.and_then(|index| committee.members().get(index));
        if member.is_none_or(|member| member.key != self.secret.public_key()) {
            return Err(VoteError::UnknownVoter { voter: self.address }.into());
        }
        let hash = attestation.hash();
        self.store.reserve(&attestation.slot(), hash)?;
        let signature = self.secret.sign(hash.as_slice());
        Ok(Vote { attestation, voter: self.address, signature })
    }

    /// Returns the wallet of the member.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Returns the hash of the attestation that was signed in a slot.
    pub fn signed(&self, slot: &Slot) -> Option<alloy_primitives::B256> {
        self.store.reserved(slot)
    }

    /// Returns the store of its votes.
    pub const fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }
}

/// Why a vote does not count.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VoteError {
    /// The attestation is of another epoch.
    #[error("the attestation is of epoch {got}, this committee speaks in epoch {expected}")]
    Epoch {
        /// The epoch of the committee.
        expected: u64,
        /// The epoch of the attestation.
        got: u64,
    },
    /// The attestation is of another quorum.
    #[error("the attestation is of quorum {got}, this committee speaks for {expected}")]
    Quorum {
        /// The quorum of the committee.
        expected: alloy_primitives::B256,
        /// The quorum of the attestation.
        got: alloy_primitives::B256,
    },
    /// The signature is not the voter's.
    #[error("the signature is not {voter}'s for this attestation")]
    Signature {
        /// The claimed voter.
        voter: Address,
    },
    /// The attestation belongs to another slot than the one that is counted.
    #[error("the attestation belongs to slot {got}, this count is of {expected}")]
    Slot {
        /// The slot that is counted.
        expected: alloy_primitives::B256,
        /// The slot of the attestation.
        got: alloy_primitives::B256,
    },
    /// The voter is not a member.
    #[error("{voter} is not a member of the committee")]
    UnknownVoter {
        /// The claimed voter.
        voter: Address,
    },
}

/// Why a member did not vote.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AttestError {
    /// The vote would not count.
    #[error("the vote would not count: {0}")]
    Refused(#[from] VoteError),
    /// The vote may not be given, or could not be kept.
    #[error(transparent)]
    Store(#[from] VoteStoreError),
}

/// Most bytes of a vote.
pub const MAX_VOTE_BYTES: usize = 1 + 20 + SIGNATURE_BYTES + MAX_ATTESTATION_BYTES;

const VERSION: u8 = 1;
