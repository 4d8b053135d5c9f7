use core::fmt::Debug;

use alloy_primitives::B256;
use lazai_availability::DatasetCommitment;

/// What makes a data set valid in the eyes of a quorum.
///
/// The judgement may differ from member to member and from run to run: a model's opinion, a person's. It decides that
/// member's own vote and nothing else; what others ever see is whether more than two thirds of the weight agreed.
pub trait DataPolicy: Debug + Send + Sync {
    /// The hash by which attestations name the policy.
    fn id(&self) -> B256;

    /// Judges a data set that was restored and checked against its commitment. May take long.
    fn judge(&self, data: &DataView<'_>) -> Verdict;
}

/// A data set that is judged.
#[derive(Clone, Copy, Debug)]
pub struct DataView<'a> {
    /// The name of the data set.
    pub dataset: B256,
    /// Its version.
    pub version: u64,
    /// What commits to it.
    pub commitment: &'a DatasetCommitment,
    /// All of its bytes.
    pub bytes: &'a [u8],
}

/// What a member thinks of an attestation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It cannot tell, and does not vote.
    Abstain,
    /// It is true. A member votes for any proposed grade up to its own, so that honest members of different opinions agree
    /// on the grade that more than two thirds of them grant.
    Accept {
        /// The grade by the policy's own scale.
        score: u16,
    },
    /// It is false, and the member does not vote: there is no certificate for what is not so.
    Reject,
}
