use alloc::{boxed::Box, vec, vec::Vec};
use core::ops::Deref;

use alloy_primitives::{Address, B256};

use crate::{
    Committee, Evidence, QuorumCertificate, Signers, Slot, Vote, VoteError,
    bls::{AggregateKey, Signature},
};

/// The count of the votes in one slot, one for each member.
///
/// Signatures are checked when they may make a quorum, all of them at once, or when two votes of
/// one member contradict each other. The memory depends on the number of members alone, whatever
/// comes. `C` leads to the committee: a reference, or a shared pointer for a count that outlives
/// the caller.
#[derive(Clone, Debug)]
pub struct Tally<C> {
    committee: C,
    slot: Slot,
    /// The ballots by the place of the member.
    ballots: Vec<Option<Ballot>>,
}

#[derive(Clone, Copy, Debug)]
struct Ballot {
    vote: Vote,
    attestation: B256,
    is_verified: bool,
}

impl<C: Deref<Target = Committee>> Tally<C> {
    /// Creates a count without votes.
    ///
    /// # Errors
    /// [`VoteError`] if the slot is not this committee's.
    pub fn new(committee: C, slot: Slot) -> Result<Self, VoteError> {
        if slot.quorum != committee.quorum() {
            let (expected, got) = (committee.quorum().0, slot.quorum.0);
            return Err(VoteError::Quorum { expected, got });
        }
        if slot.epoch != committee.epoch() {
            let (expected, got) = (committee.epoch().0, slot.epoch.0);
            return Err(VoteError::Epoch { expected, got });
        }
        let ballots = vec![None; committee.members().len()];
        Ok(Self { committee, slot, ballots })
    }

    /// Counts a vote.
    ///
    /// # Errors
    /// [`VoteError`] if it is of another slot, not of a member, or seen to be forged; the count is
    /// then as it was.
    pub fn add(&mut self, vote: &Vote) -> Result<Progress, VoteError> {
        vote.member(&self.committee)?;
        let slot = vote.attestation.slot();
        if slot != self.slot {
            return Err(VoteError::Slot { expected: self.slot.hash(), got: slot.hash() });
        }
        let unknown = VoteError::UnknownVoter { voter: vote.voter };
        let index = self.committee.index_of(vote.voter).ok_or(unknown)?;
        let mut ballot =
            Ballot { vote: *vote, attestation: vote.attestation.hash(), is_verified: false };
        if let Some(earlier) = self.ballots[index] {
            if earlier.vote == *vote {
                return Ok(Progress::Repeated);
            }
            // One of the two is forged, or the member has voted twice: there is one signature per
            // key and message.
            let is_genuine = earlier.is_verified || earlier.vote.verify(&self.committee).is_ok();
            if is_genuine {
                self.ballots[index] = Some(Ballot { is_verified: true, ..earlier });
                vote.verify(&self.committee)?;
                return Ok(Progress::Conflict(Evidence::DoubleVote {
                    first: Box::new(earlier.vote),
                    second: Box::new(*vote),
                }));
            }
            self.ballots[index] = None;
            vote.verify(&self.committee)?;
            ballot.is_verified = true;
        }
        self.ballots[index] = Some(ballot);
        Ok(self.certify(ballot.attestation))
    }

    /// Returns the weight of the votes for an attestation, whether their signatures are verified
    /// yet or not.
    #[must_use]
    pub fn weight(&self, attestation: B256) -> u64 {
        self.supporters(attestation).map_or(0, |signers| signers.weight(&self.committee))
    }

    /// Returns the members that have voted, ascending.
    pub fn voters(&self) -> impl Iterator<Item = Address> {
        let members = self.committee.members().iter().zip(&self.ballots);
        members.filter(|(_, ballot)| ballot.is_some()).map(|(member, _)| member.address)
    }

    /// Returns the vote of each member that counts, in the order of the members; its signature may
    /// not be verified yet.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        self.ballots.iter().flatten().map(|ballot| &ballot.vote)
    }

    fn supporters(&self, attestation: B256) -> Option<Signers> {
        let mut signers = Signers::none(u8::try_from(self.ballots.len()).ok()?)?;
        for (index, ballot) in self.ballots.iter().enumerate() {
            if ballot.is_some_and(|ballot| ballot.attestation == attestation) {
                let _is_member = signers.insert(index);
            }
        }
        Some(signers)
    }

    /// Creates the certificate if there are enough votes and their sum is valid. If it is not,
    /// forged votes are dropped. If none is forged, their keys cancel each other out, and there is
    /// no certificate until another vote comes.
    fn certify(&mut self, attestation: B256) -> Progress {
        loop {
            let Some(signers) = self.supporters(attestation) else {
                return Progress::Pending { weight: 0 };
            };
            let weight = signers.weight(&self.committee);
            if weight < self.committee.threshold() {
                return Progress::Pending { weight };
            }
            if let Some(signature) = self.sum(attestation, signers) {
                let (quorum, epoch) = (self.slot.quorum, self.slot.epoch);
                return Progress::Certified(QuorumCertificate {
                    quorum,
                    epoch,
                    attestation,
                    signers,
                    signature,
                });
            }
            // The loop ends: votes only become fewer.
            let mut is_forged = false;
            for ballot in &mut self.ballots {
                if let Some(held) = ballot
                    && held.attestation == attestation
                    && !held.is_verified
                {
                    if held.vote.verify(&self.committee).is_ok() {
                        held.is_verified = true;
                    } else {
                        *ballot = None;
                        is_forged = true;
                    }
                }
            }
            if !is_forged {
                return Progress::Pending { weight };
            }
        }
    }

    /// Returns the sum of the supporters' signatures if it is valid for the sum of their keys.
    fn sum(&self, attestation: B256, signers: Signers) -> Option<Signature> {
        let supporting = || self.ballots.iter().flatten().filter(|b| b.attestation == attestation);
        let signature = Signature::aggregate(supporting().map(|ballot| &ballot.vote.signature))?;
        let keys = AggregateKey::of(signers.of(&self.committee).map(|member| &member.key))?;
        signature.verify_aggregate(attestation.as_slice(), &keys).then_some(signature)
    }
}

/// The effect of a vote on a count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress {
    /// The attestation has a quorum; each further vote makes a certificate of more signers.
    Certified(QuorumCertificate),
    /// The voter had signed another attestation in the slot; the first counts.
    Conflict(Evidence),
    /// The vote counts, and its attestation has no quorum yet.
    Pending {
        /// The weight of the votes for the attestation, whether verified yet or not.
        weight: u64,
    },
    /// The vote had been counted before; nothing changed.
    Repeated,
}
