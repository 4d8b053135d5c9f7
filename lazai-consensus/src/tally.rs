use alloc::{vec, vec::Vec};

use alloy_primitives::Address;

use crate::Committee;

/// The count of one question: which members have spoken for it, each of them once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tally<'a> {
    committee: &'a Committee,
    /// By the place of the member.
    has_voted: Vec<bool>,
    weight: u64,
}

impl<'a> Tally<'a> {
    /// A count in which nobody has spoken yet.
    #[must_use]
    pub fn new(committee: &'a Committee) -> Self {
        Self { committee, has_voted: vec![false; committee.members().len()], weight: 0 }
    }

    /// Counts a vote. The caller has checked that it comes from `voter` and answers this question.
    ///
    /// # Errors
    /// [`TallyError::UnknownVoter`] if `voter` is no member; the count is then as it was.
    pub fn record(&mut self, voter: Address) -> Result<Vote, TallyError> {
        let index = self.committee.index_of(voter).ok_or(TallyError::UnknownVoter { voter })?;
        if core::mem::replace(&mut self.has_voted[index], true) {
            return Ok(Vote::Repeated);
        }
        // Each member is added once, so the sum never exceeds the total, which fits.
        self.weight = self.weight.saturating_add(self.committee.members()[index].weight);
        Ok(Vote::Counted)
    }

    /// The weight of the members that have spoken.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether they are a quorum: their weight has reached the committee's threshold.
    #[must_use]
    pub const fn is_quorum(&self) -> bool {
        self.weight >= self.committee.threshold()
    }

    /// The members that have spoken, ascending.
    pub fn voters(&self) -> impl Iterator<Item = Address> {
        let members = self.committee.members().iter().zip(&self.has_voted);
        members.filter(|(_, has_voted)| **has_voted).map(|(member, _)| member.address)
    }
}

/// What a vote changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vote {
    /// It was the first of its voter.
    Counted,
    /// Its voter had spoken before; nothing changed.
    Repeated,
}

/// Why a vote does not count.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TallyError {
    /// The voter is no member.
    #[error("{voter} is not a member of the committee")]
    UnknownVoter {
        /// The voter.
        voter: Address,
    },
}
