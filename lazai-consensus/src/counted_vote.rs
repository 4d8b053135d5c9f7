use alloy_primitives::{Address, B256};

use crate::{
    Committee, Slot, Vote, VoteError,
    vote::{concerns, unknown},
};

/// A vote of a member, with what it takes to count it: the place of its voter, its slot and the
/// hash of its attestation. Its signature need not be checked yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CountedVote {
    vote: Vote,
    place: usize,
    slot: Slot,
    hash: B256,
}

impl CountedVote {
    /// Creates the vote of a member of `committee`.
    ///
    /// # Errors
    /// [`VoteError::UnknownVoter`] if the voter is no member, and otherwise [`VoteError::Quorum`]
    /// or [`VoteError::Epoch`] if the attestation is not of this committee.
    pub fn new(vote: Vote, committee: &Committee) -> Result<Self, VoteError> {
        let place = committee.index_of(vote.voter).ok_or(unknown(vote.voter))?;
        concerns(&vote.attestation, committee)?;
        let (slot, hash) = (vote.attestation.slot(), vote.attestation.hash());
        Ok(Self { vote, place, slot, hash })
    }

    /// Checks the signature, which takes about a millisecond.
    ///
    /// # Errors
    /// [`VoteError::Signature`] if the signature is not the voter's, and
    /// [`VoteError::UnknownVoter`] if the vote was made for another committee in which the voter
    /// has another place.
    pub fn verify(&self, committee: &Committee) -> Result<(), VoteError> {
        let voter = self.voter();
        let member = committee.members().get(self.place);
        let member = member.filter(|member| member.address == voter).ok_or(unknown(voter))?;
        if self.vote.signature.verify(self.hash.as_slice(), &member.key) {
            Ok(())
        } else {
            Err(VoteError::Signature { voter })
        }
    }

    /// Returns the vote itself.
    pub const fn vote(&self) -> &Vote {
        &self.vote
    }

    /// Returns the address of the voter.
    pub const fn voter(&self) -> Address {
        self.vote.voter
    }

    /// Returns the place of the voter in its committee.
    pub const fn place(&self) -> usize {
        self.place
    }

    /// Returns the slot of the attestation.
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// Returns the hash of the attestation.
    pub const fn hash(&self) -> B256 {
        self.hash
    }
}
