use alloc::{boxed::Box, sync::Arc, vec::Vec};

use alloy_primitives::B256;
use lazai_api_types::Job;
use lazai_availability::{COMMITMENT_BYTES, DatasetCommitment, InconsistencyProof, Manifest};
use lazai_consensus::{Fact, Statement};

use super::{Limits, Refusal, decode_job, encode_job};

/// A statement that members are to judge, with what it takes to do so.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) statement: Statement,
    pub(super) matter: Matter,
}

/// What it takes to judge a statement of each kind.
#[derive(Clone, Debug)]
pub(super) enum Matter {
    /// The members that passed, by their places in the committee.
    Audit(u128),
    Available(Arc<Manifest>),
    Inconsistent(DatasetCommitment, Vec<u8>),
    Valid,
    Workflow(Box<Job>),
}

impl Request {
    /// Asks members to hold a data set.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the statement is not that this data set is available.
    pub fn available(statement: Statement, manifest: Arc<Manifest>) -> Result<Self, Refusal> {
        let commitment = manifest.commitment();
        match statement.fact {
            Fact::Available { root, bytes, k, n, .. }
                if root == manifest.root()
                    && bytes == commitment.bytes()
                    && k == commitment.coding().k()
                    && n == commitment.coding().n() =>
            {
                Ok(Self { statement, matter: Matter::Available(manifest) })
            }
            _ => Err(Refusal::Material),
        }
    }

    /// Asks members to judge a data set that the quorum holds.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the statement is not of validity.
    pub const fn valid(statement: Statement) -> Result<Self, Refusal> {
        match statement.fact {
            Fact::Valid { .. } => Ok(Self { statement, matter: Matter::Valid }),
            _ => Err(Refusal::Material),
        }
    }

    /// Asks members to run a job again.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the statement is not of a run of this job.
    pub fn workflow(statement: Statement, job: Job) -> Result<Self, Refusal> {
        match statement.fact {
            Fact::Workflow { run } if run.model == job.model && run.input == job.hash() => {
                Ok(Self { statement, matter: Matter::Workflow(Box::new(job)) })
            }
            _ => Err(Refusal::Material),
        }
    }

    /// Asks members to certify that a data set is inconsistent.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the statement is of something else.
    pub fn inconsistent(
        statement: Statement,
        commitment: DatasetCommitment,
        proof: &InconsistencyProof,
    ) -> Result<Self, Refusal> {
        Self::inconsistent_bytes(statement, commitment, proof.encode())
    }

    pub(super) const fn audit(statement: Statement, passed: u128) -> Self {
        Self { statement, matter: Matter::Audit(passed) }
    }

    fn inconsistent_bytes(
        statement: Statement,
        commitment: DatasetCommitment,
        proof: Vec<u8>,
    ) -> Result<Self, Refusal> {
        match statement.fact {
            Fact::Inconsistent { root } if root == commitment.root() => {
                Ok(Self { statement, matter: Matter::Inconsistent(commitment, proof) })
            }
            _ => Err(Refusal::Material),
        }
    }

    /// What goes with the statement in a message.
    pub(super) fn material(&self) -> Vec<u8> {
        match &self.matter {
            Matter::Audit(passed) => passed.to_be_bytes().to_vec(),
            Matter::Available(manifest) => manifest.encode(),
            Matter::Inconsistent(commitment, proof) => {
                [commitment.encode().as_slice(), proof].concat()
            }
            Matter::Valid => Vec::new(),
            Matter::Workflow(job) => encode_job(job),
        }
    }

    /// Reads what [`material`](Self::material) wrote; the cost is bounded by the limits, whatever is claimed.
    pub(super) fn read(
        statement: Statement,
        material: &[u8],
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let commitment = || {
            let (head, rest) =
                material.split_at_checked(COMMITMENT_BYTES).ok_or(Refusal::Material)?;
            let head = DatasetCommitment::decode(head).map_err(|_| Refusal::Material)?;
            Ok::<_, Refusal>((head, rest))
        };
        match statement.fact {
            Fact::Audit { .. } => {
                let passed = material.try_into().map_err(|_| Refusal::Material)?;
                Ok(Self::audit(statement, u128::from_be_bytes(passed)))
            }
            Fact::Available { .. } => {
                // Before the tree over its stripes is made.
                let got = u64::from(commitment()?.0.stripes());
                let max = limits.max_shards as u64;
                if got > max {
                    return Err(Refusal::TooLarge { unit: "stripes", got, max });
                }
                Self::available(statement, Arc::new(Manifest::decode(material)?))
            }
            Fact::Inconsistent { .. } => {
                let (commitment, proof) = commitment()?;
                Self::inconsistent_bytes(statement, commitment, proof.to_vec())
            }
            Fact::Valid { .. } if material.is_empty() => Self::valid(statement),
            Fact::Workflow { .. } => Self::workflow(statement, decode_job(material)?),
            Fact::Valid { .. } => Err(Refusal::Material),
            _ => Err(Refusal::Unrequestable),
        }
    }

    /// The data set that the statement is about, if it is about one.
    pub(super) const fn root(&self) -> Option<B256> {
        match self.statement.fact {
            Fact::Available { root, .. }
            | Fact::Inconsistent { root }
            | Fact::Valid { root, .. } => Some(root),
            _ => None,
        }
    }
}
