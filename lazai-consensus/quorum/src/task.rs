use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use alloy_primitives::{Address, B256};
use lazai_api_types::Job;
use lazai_availability::{
    AuditPlan, DatasetCommitment, InconsistencyProof, Manifest, Shard, ShardError,
};
use lazai_consensus::{Attestation, Epoch, QuorumCertificate};

use super::Verdict;

/// Shards by stripe and place.
pub type Shards = BTreeMap<(u32, u16), Shard<'static>>;

/// Slow work that a member wants done: disk, decoding, models. A [`Worker`](super::Worker) does it.
#[derive(Clone, Debug)]
pub enum Task {
    /// Open the leaves that an audit asks for.
    Answer {
        /// The epoch of the audit.
        epoch: Epoch,
        /// The leaves.
        plan: AuditPlan,
    },
    /// Remove a data set from the disk.
    Forget {
        /// The data set.
        root: B256,
    },
    /// Judge a data set by a policy.
    Judge {
        /// What is to be judged.
        attestation: Attestation,
        /// The data set.
        manifest: Arc<Manifest>,
        /// Enough of its shards, checked.
        shards: Arc<Shards>,
    },
    /// Check a shard and keep it on disk.
    Keep {
        /// The data set.
        root: B256,
        /// The shard.
        shard: Shard<'static>,
        /// Who sent it.
        from: Address,
    },
    /// Read a shard for a peer.
    Load {
        /// The data set.
        root: B256,
        /// The stripe.
        stripe: u32,
        /// The place in the stripe.
        index: u16,
        /// For whom.
        to: Address,
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
        /// What is certified.
        attestation: Attestation,
        /// The certificate.
        certificate: QuorumCertificate,
    },
    /// Check that a data set is inconsistent.
    Refute {
        /// The attestation that it is.
        attestation: Attestation,
        /// The data set.
        commitment: DatasetCommitment,
        /// An encoded [`InconsistencyProof`].
        proof: Vec<u8>,
        /// Who sent it.
        from: Address,
    },
    /// Run a job again.
    Rerun {
        /// The claimed run.
        attestation: Attestation,
        /// The job.
        job: Job,
    },
    /// Put a data set together from shards.
    Restore {
        /// The data set.
        manifest: Arc<Manifest>,
        /// Enough of its shards, checked.
        shards: Arc<Shards>,
        /// Those that are to be kept on disk then; the data itself is then not returned.
        keep: Vec<(u32, u16)>,
    },
    /// Note on disk that this member is about to vouch for its shards.
    Vouch {
        /// That they are available.
        attestation: Attestation,
    },
}

/// What became of a [`Task`].
#[derive(Clone, Debug)]
pub enum Done {
    /// Of [`Task::Answer`].
    Answered {
        /// The epoch of the audit.
        epoch: Epoch,
        /// The encoded answer.
        answer: Vec<u8>,
    },
    /// Of [`Task::Forget`].
    Forgotten {
        /// The data set.
        root: B256,
        /// Whether it is gone.
        result: Result<(), String>,
    },
    /// Of [`Task::Judge`], [`Task::Refute`] and [`Task::Rerun`].
    Judged {
        /// The attestation.
        attestation: Attestation,
        /// What this member thinks of it.
        verdict: Verdict,
        /// Who sent a proof that shows nothing.
        liar: Option<(Address, lazai_availability::InconsistencyError)>,
        /// What shows that the data set is inconsistent, if that was found.
        inconsistency: Option<Box<InconsistencyProof>>,
    },
    /// Of [`Task::Keep`].
    Kept {
        /// The data set.
        root: B256,
        /// The stripe.
        stripe: u32,
        /// The place in the stripe.
        index: u16,
        /// Who sent it.
        from: Address,
        /// Whether it is on disk.
        result: Result<(), KeepError>,
    },
    /// Of [`Task::Load`].
    Loaded {
        /// The data set.
        root: B256,
        /// For whom.
        to: Address,
        /// The encoded shard, if it is kept here.
        shard: Option<Vec<u8>>,
    },
    /// Of [`Task::Prepare`].
    Prepared {
        /// The data set.
        root: B256,
        /// Which of the shards are not kept, or why that is not known.
        missing: Result<Vec<(u32, u16)>, String>,
    },
    /// Of [`Task::Record`].
    Recorded {
        /// What is certified.
        attestation: Attestation,
        /// The certificate.
        certificate: QuorumCertificate,
        /// Whether it is on disk.
        result: Result<(), String>,
    },
    /// Of [`Task::Restore`].
    Restored {
        /// The data set.
        root: B256,
        /// The shards that were to be kept, or none if the data itself was wanted.
        keep: Vec<(u32, u16)>,
        /// Its bytes, or nothing if shards of it were kept instead.
        result: Result<Vec<u8>, RestoreFailure>,
    },
    /// Of [`Task::Vouch`].
    Vouched {
        /// The attestation.
        attestation: Attestation,
        /// Whether it is on disk.
        result: Result<(), String>,
    },
}

/// Why a shard is not kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeepError {
    /// This node's disk is at fault.
    Fault(String),
    /// The shard is not the right one.
    Wrong(ShardError),
}

/// Why a data set is not restored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RestoreFailure {
    /// This node is at fault.
    Fault(String),
    /// Its shards contradict each other.
    Inconsistent(Box<InconsistencyProof>),
}
