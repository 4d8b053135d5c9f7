use alloc::{boxed::Box, vec, vec::Vec};
use core::ops::Deref;

use alloy_primitives::{Address, B256};

use crate::{
    Committee, CountedVote, Evidence, QuorumCertificate, Signers, Slot, Vote, VoteError,
    bls::{AggregateKey, Signature},
    vote::{concerns, unknown},
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
    vote: CountedVote,
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

    /// Counts a vote, as [`count`](Self::count) does.
    ///
    /// # Errors
    /// [`VoteError`] if it is of another slot, not of a member, or seen to be forged; the count is
    /// then as it was.
    pub fn add(&mut self, vote: &Vote) -> Result<Progress, VoteError> {
        concerns(&vote.attestation, &self.committee)?;
        let vote = CountedVote::new(*vote, &self.committee)?;
        self.count(&vote).map(|counted| counted.progress)
    }

    /// Counts a vote of a member of this committee. Returns the effect, and the members whose votes
    /// are seen to be forged.
    ///
    /// # Errors
    /// [`VoteError`] if it is of another slot, not of a member, or seen to be forged; the count is
    /// then as it was.
    pub fn count(&mut self, vote: &CountedVote) -> Result<Counted, VoteError> {
        let (voter, place) = (vote.voter(), vote.place());
        let member = self.committee.members().get(place);
        if member.is_none_or(|member| member.address != voter) {
            return Err(unknown(voter));
        }
        if vote.slot() != self.slot {
            return Err(VoteError::Slot { expected: self.slot.hash(), got: vote.slot().hash() });
        }
        let mut ballot = Ballot { vote: *vote, is_verified: false };
        if let Some(earlier) = self.ballots[place] {
            if earlier.vote == *vote {
                return Ok(Progress::Repeated.into());
            }
            // One of the two is forged, or the member has voted twice: there is one signature per
            // key and message.
            let is_genuine = earlier.is_verified || earlier.vote.verify(&self.committee).is_ok();
            if is_genuine {
                self.ballots[place] = Some(Ballot { is_verified: true, ..earlier });
                vote.verify(&self.committee)?;
                let (first, second) = (*earlier.vote.vote(), *vote.vote());
                let (first, second) = (Box::new(first), Box::new(second));
                return Ok(Progress::Conflict(Evidence::DoubleVote { first, second }).into());
            }
            self.ballots[place] = None;
            vote.verify(&self.committee)?;
            ballot.is_verified = true;
        }
        self.ballots[place] = Some(ballot);
        let mut forgers = Vec::new();
        let progress = self.certify(vote.hash(), &mut forgers);
        forgers.sort_by_key(|forger| *forger == voter);
        Ok(Counted { progress, forgers })
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
        self.ballots.iter().flatten().map(|ballot| ballot.vote.vote())
    }

    fn supporters(&self, attestation: B256) -> Option<Signers> {
        let mut signers = Signers::none(u8::try_from(self.ballots.len()).ok()?)?;
        for (index, ballot) in self.ballots.iter().enumerate() {
            if ballot.is_some_and(|ballot| ballot.vote.hash() == attestation) {
                let _is_member = signers.insert(index);
            }
        }
        Some(signers)
    }

    /// Creates the certificate if there are enough votes and their sum is valid. If it is not,
    /// forged votes are dropped. If none is forged, their keys cancel each other out, and there is
    /// no certificate until another vote comes.
    fn certify(&mut self, attestation: B256, forgers: &mut Vec<Address>) -> Progress {
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
            let dropped = forgers.len();
            for ballot in &mut self.ballots {
                if let Some(held) = ballot
                    && held.vote.hash() == attestation
                    && !held.is_verified
                {
                    if held.vote.verify(&self.committee).is_ok() {
                        held.is_verified = true;
                    } else {
                        forgers.push(held.vote.voter());
                        *ballot = None;
                    }
                }
            }
            if forgers.len() == dropped {
                return Progress::Pending { weight };
            }
        }
    }

    /// Returns the sum of the supporters' signatures if it is valid for the sum of their keys.
    fn sum(&self, attestation: B256, signers: Signers) -> Option<Signature> {
        let supporting = || self.ballots.iter().flatten().filter(|b| b.vote.hash() == attestation);
        let signature =
            Signature::aggregate(supporting().map(|ballot| &ballot.vote.vote().signature))?;
        let keys = AggregateKey::of(signers.of(&self.committee).map(|member| &member.key))?;
        signature.verify_aggregate(attestation.as_slice(), &keys).then_some(signature)
    }
}

/// The effect of a vote on a count, and what came to light when it was counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counted {
    /// The effect of the vote.
    pub progress: Progress,
    /// The members whose votes were dropped because their signatures are forged: by their places,
    /// the voter last.
    pub forgers: Vec<Address>,
}

impl From<Progress> for Counted {
    fn from(progress: Progress) -> Self {
        Self { progress, forgers: Vec::new() }
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
