use alloy_primitives::{Address, B256};
use lazai_api_types::codec::DecodeError;
use lazai_availability::{AnswerError, InconsistencyError, ManifestError, ShardError};
use lazai_consensus::{CertificateError, VoteError};

/// The reason why a message or an order was refused. Each costs its sender
/// [`penalty`](Self::penalty) points.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// An answer to an audit cannot be decoded.
    #[error("the answer to the audit cannot be read: {0}")]
    Answer(#[from] AnswerError),
    /// The sender has misbehaved too often.
    #[error("{peer} is blocked")]
    Blocked {
        /// The sender.
        peer: Address,
    },
    /// A certificate is not valid.
    #[error("the certificate does not hold: {0}")]
    Certificate(#[from] CertificateError),
    /// The coding of a dataset does not suit the weights of the committee: with the least weight
    /// that certifies, fewer shards might be kept than restore the data.
    #[error("a stripe of {got} shards does not suit the weights, one of {expected} does")]
    Coding {
        /// Shards of a stripe that suit: one for each unit of weight.
        expected: u64,
        /// Shards of a stripe in this coding.
        got: u64,
    },
    /// The bytes are not a message of this quorum.
    #[error("the message cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The message is of an epoch that is not voted in now.
    #[error("the message is of epoch {got}, members vote in epoch {expected}")]
    Epoch {
        /// The current epoch.
        expected: u64,
        /// The epoch of the message.
        got: u64,
    },
    /// The answer does not show what it was asked for.
    #[error("the answer of {member} to the audit is wrong or incomplete")]
    FailedAnswer {
        /// The member that answers.
        member: Address,
    },
    /// The sender sends more than its share.
    #[error("{peer} sends more than {max} {unit} in a window")]
    Flood {
        /// The sender.
        peer: Address,
        /// The unit that is counted.
        unit: &'static str,
        /// The limit.
        max: u64,
    },
    /// A proof of inconsistency shows nothing.
    #[error("the dataset is not shown to be inconsistent: {0}")]
    Inconsistency(#[from] InconsistencyError),
    /// A manifest does not belong to its root.
    #[error("the manifest does not hold: {0}")]
    Manifest(#[from] ManifestError),
    /// The material of a request does not fit its attestation.
    #[error("the material of the request does not belong to its attestation")]
    Material,
    /// A vote of another member is only handed on to show a contradiction.
    #[error("the vote is {voter}'s, not the sender's")]
    NotYours {
        /// The address of the voter.
        voter: Address,
    },
    /// The sender has too much open.
    #[error("{peer} has {max} {unit} open, wait until some are settled")]
    Quota {
        /// The sender.
        peer: Address,
        /// The unit that is counted.
        unit: &'static str,
        /// The limit.
        max: u64,
    },
    /// A shard is malformed, or does not belong to its dataset.
    #[error("the shard does not hold: {0}")]
    Shard(#[from] ShardError),
    /// The dataset takes more than this member has room for; another may have it.
    #[error("the dataset takes {got} {unit}, above the limit {max} of this member")]
    TooLarge {
        /// The unit that is counted.
        unit: &'static str,
        /// How many it takes.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// The message is too long to be looked at.
    #[error("the message has {got} bytes, above the limit {max}")]
    TooLong {
        /// The length in bytes.
        got: u64,
        /// The limit, in bytes.
        max: u64,
    },
    /// This member has not asked for what the message brings.
    #[error("nobody asked for this")]
    Unasked,
    /// The dataset is not known to this member.
    #[error("dataset {root} is not kept here")]
    UnknownDataset {
        /// The root of the dataset.
        root: B256,
    },
    /// The sender is not a member.
    #[error("{peer} is no member of the quorum")]
    UnknownSender {
        /// The sender.
        peer: Address,
    },
    /// Attestations of this kind are not judged on request.
    #[error("an attestation of this kind is not judged on request")]
    Unrequestable,
    /// A vote does not count.
    #[error("the vote does not count: {0}")]
    Vote(#[from] VoteError),
}

impl Refusal {
    /// Returns what the message costs its sender: 0 if an honest member can send it, [`FORGERY`] if
    /// only a dishonest one can, and something between if it is a nuisance.
    #[must_use]
    pub const fn penalty(&self) -> u32 {
        match self {
            // Delay and restarts explain these.
            Self::Blocked { .. }
            | Self::Epoch { .. }
            | Self::Quota { .. }
            | Self::TooLarge { .. }
            | Self::Unasked
            | Self::UnknownDataset { .. }
            | Self::UnknownSender { .. } => 0,
            // So do overload, a difference of versions and orders that differ, now and then.
            Self::Answer(_)
            | Self::Coding { .. }
            | Self::FailedAnswer { .. }
            | Self::Flood { .. }
            | Self::Unrequestable => NUISANCE,
            Self::Certificate(_)
            | Self::Decode(_)
            | Self::Inconsistency(_)
            | Self::Manifest(_)
            | Self::Material
            | Self::NotYours { .. }
            | Self::Shard(_)
            | Self::TooLong { .. }
            | Self::Vote(_) => FORGERY,
        }
    }
}

/// Penalty points for what no honest member sends.
pub const FORGERY: u32 = 25;
/// Penalty points for what an honest member seldom sends.
pub const NUISANCE: u32 = 1;
