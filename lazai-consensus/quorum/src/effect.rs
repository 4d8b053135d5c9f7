use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_api_types::Job;
use lazai_availability::{
    AuditPlan, DatasetCommitment, InconsistencyError, InconsistencyProof, Manifest, Shard,
    ShardError,
};
use lazai_consensus::{Attestation, Epoch, QuorumCertificate};

use crate::Verdict;

/// Shards of one dataset, by stripe and place in the stripe.
pub type Shards = BTreeMap<(u32, u16), Shard<'static>>;

/// Slow work that a member has done for it: disk, decoding, models. A [`Worker`](crate::Worker)
/// does it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open the leaves that an audit asks for.
    Answer {
        /// The epoch of the audit.
        epoch: Epoch,
        /// The leaves to open.
        plan: AuditPlan,
    },
    /// Remove a dataset from the disk.
    Forget {
        /// The root of the dataset.
        root: B256,
    },
    /// Judge a dataset by a policy.
    Judge {
        /// The attestation that the dataset is valid.
        attestation: Attestation,
        /// The manifest of the dataset.
        manifest: Arc<Manifest>,
        /// Enough of its shards, each verified.
        shards: Arc<Shards>,
    },
    /// Check a shard and keep it on disk.
    Keep {
        /// The root of the dataset.
        root: B256,
        /// The shard.
        shard: Shard<'static>,
        /// The peer that sent it.
        from: Address,
    },
    /// Read a shard for a peer.
    Load {
        /// The root of the dataset.
        root: B256,
        /// The number of the stripe.
        stripe: u32,
        /// The place in the stripe.
        index: u16,
        /// The peer that asks, or this member itself.
        to: Address,
    },
    /// Note on disk that this member is about to say that it keeps its shards.
    Pledge {
        /// The attestation that they are available.
        attestation: Attestation,
    },
    /// Keep a manifest, and find out which shards are not kept.
    Prepare {
        /// The manifest.
        manifest: Arc<Manifest>,
        /// The shards that should be kept.
        wanted: Vec<(u32, u16)>,
    },
    /// Keep a certificate on disk.
    Record {
        /// The attestation that is certified.
        attestation: Attestation,
        /// The certificate of the attestation.
        certificate: QuorumCertificate,
    },
    /// Check that a dataset is inconsistent.
    Refute {
        /// The attestation that it is.
        attestation: Attestation,
        /// The commitment of the dataset.
        commitment: DatasetCommitment,
        /// An encoded [`InconsistencyProof`].
        proof: Vec<u8>,
        /// The peer that sent it.
        from: Address,
    },
    /// Run a job again.
    Rerun {
        /// The claimed run.
        attestation: Attestation,
        /// The job.
        job: Job,
    },
    /// Put a dataset together from shards.
    Restore {
        /// The manifest of the dataset.
        manifest: Arc<Manifest>,
        /// Enough of its shards, each verified.
        shards: Arc<Shards>,
        /// Those that are to be kept on disk then; the data itself is then not returned.
        keep: Vec<(u32, u16)>,
    },
}

/// What became of an [`Effect`], for the member that asked for it.
#[derive(Clone, Debug)]
pub enum EffectResult {
    /// Of [`Effect::Answer`].
    Answered {
        /// The epoch of the audit.
        epoch: Epoch,
        /// The encoded answer.
        answer: Vec<u8>,
    },
    /// Of [`Effect::Forget`].
    Forgotten {
        /// The root of the dataset.
        root: B256,
        /// Whether it is gone, or why not.
        result: Result<(), String>,
    },
    /// Of [`Effect::Judge`], [`Effect::Refute`] and [`Effect::Rerun`].
    Judged {
        /// The attestation.
        attestation: Attestation,
        /// The opinion of this member.
        verdict: Verdict,
        /// The peer that sent a proof that shows nothing, and what is wrong with it.
        forger: Option<(Address, InconsistencyError)>,
        /// The proof that the dataset is inconsistent, if that was found.
        inconsistency: Option<Box<InconsistencyProof>>,
    },
    /// Of [`Effect::Keep`].
    Kept {
        /// The root of the dataset.
        root: B256,
        /// The number of the stripe.
        stripe: u32,
        /// The place in the stripe.
        index: u16,
        /// The peer that sent it.
        from: Address,
        /// Whether it is on disk, or why not.
        result: Result<(), KeepError>,
    },
    /// Of [`Effect::Load`].
    Loaded {
        /// The root of the dataset.
        root: B256,
        /// The peer that asks, or this member itself.
        to: Address,
        /// The encoded shard, if it is kept here.
        shard: Option<Vec<u8>>,
    },
    /// Of [`Effect::Pledge`].
    Pledged {
        /// The attestation.
        attestation: Attestation,
        /// Whether it is on disk, or why not.
        result: Result<(), String>,
    },
    /// Of [`Effect::Prepare`].
    Prepared {
        /// The root of the dataset.
        root: B256,
        /// Which of the shards are not kept, or why that is not known.
        missing: Result<Vec<(u32, u16)>, String>,
    },
    /// Of [`Effect::Record`].
    Recorded {
        /// The attestation that is certified.
        attestation: Attestation,
        /// The certificate of the attestation.
        certificate: QuorumCertificate,
        /// Whether it is on disk, or why not.
        result: Result<(), String>,
    },
    /// Of [`Effect::Restore`].
    Restored {
        /// The root of the dataset.
        root: B256,
        /// The shards that were to be kept, or none if the data itself was wanted.
        keep: Vec<(u32, u16)>,
        /// Its bytes, or nothing if shards of it were kept instead.
        result: Result<Vec<u8>, RestoreFailure>,
    },
}

/// Why a shard is not kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeepError {
    /// The disk of this node failed, with its message.
    Fault(String),
    /// The shard does not belong to the dataset.
    Wrong(ShardError),
}

/// Why a dataset is not restored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RestoreFailure {
    /// This node failed, with its message.
    Fault(String),
    /// Its shards contradict each other.
    Inconsistent(Box<InconsistencyProof>),
}
