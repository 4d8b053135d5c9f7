use core::fmt::Debug;

use alloy_primitives::B256;
use lazai_availability::DatasetCommitment;

/// The rule by which a member judges whether a dataset is valid.
///
/// The judgement may differ from member to member and from run to run, like that of a model or a
/// person. It decides the vote of this member and nothing else; others see only whether more than
/// two thirds of the weight agreed.
pub trait DataPolicy: Debug + Send + Sync {
    /// Returns the hash by which attestations name the policy.
    fn id(&self) -> B256;

    /// Judges a dataset that was restored and checked against its commitment. May take long.
    fn judge(&self, data: &DataView<'_>) -> Verdict;
}

/// A dataset that is judged.
#[derive(Clone, Copy, Debug)]
pub struct DataView<'a> {
    /// The name of the dataset.
    pub dataset: B256,
    /// The version of the dataset.
    pub version: u64,
    /// The commitment to the encoded data.
    pub commitment: &'a DatasetCommitment,
    /// All bytes of the dataset.
    pub bytes: &'a [u8],
}

/// The opinion of a member on an attestation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The member cannot tell, and does not vote.
    Abstain,
    /// The attestation is true. A member votes for any proposed grade up to its own, so that honest
    /// members of different opinions agree on the grade that more than two thirds of them grant.
    Accept {
        /// The grade on the scale of the policy.
        score: u16,
    },
    /// The attestation is false, and the member does not vote: there are no certificates of
    /// negations.
    Reject,
}
