use alloc::{boxed::Box, sync::Arc, vec::Vec};

use lazai_api_types::Job;
use lazai_availability::{COMMITMENT_BYTES, DatasetCommitment, InconsistencyProof, Manifest};
use lazai_consensus::{Attestation, Fact};

use crate::{Limits, Refusal};

/// An attestation that members are to judge, with what it takes to do so.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) attestation: Attestation,
    pub(super) matter: Matter,
}

/// The input that members need to judge an attestation, for each kind.
#[derive(Clone, Debug)]
pub(super) enum Matter {
    /// The members that passed, one bit for the place of each in the committee.
    Audit(u128),
    Available(Arc<Manifest>),
    Inconsistent(DatasetCommitment, Vec<u8>),
    Valid,
    Workflow(Box<Job>),
}

impl Request {
    /// Asks members to hold a dataset.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the attestation is not that this dataset is available.
    pub fn available(attestation: Attestation, manifest: Arc<Manifest>) -> Result<Self, Refusal> {
        let commitment = manifest.commitment();
        match attestation.fact {
            Fact::Available { root, bytes, k, n, .. }
                if root == manifest.root()
                    && bytes == commitment.bytes()
                    && k == commitment.coding().k()
                    && n == commitment.coding().n() =>
            {
                Ok(Self { attestation, matter: Matter::Available(manifest) })
            }
            _ => Err(Refusal::Material),
        }
    }

    /// Asks members to judge a dataset that the quorum holds.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the attestation is not of validity.
    pub const fn valid(attestation: Attestation) -> Result<Self, Refusal> {
        match attestation.fact {
            Fact::Valid { .. } => Ok(Self { attestation, matter: Matter::Valid }),
            _ => Err(Refusal::Material),
        }
    }

    /// Asks members to run a job again.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the attestation is not of a run of this job.
    pub fn workflow(attestation: Attestation, job: Job) -> Result<Self, Refusal> {
        match attestation.fact {
            Fact::Workflow { run } if run.model == job.model && run.input == job.hash() => {
                Ok(Self { attestation, matter: Matter::Workflow(Box::new(job)) })
            }
            _ => Err(Refusal::Material),
        }
    }

    /// Asks members to certify that a dataset is inconsistent.
    ///
    /// # Errors
    /// [`Refusal::Material`] if the attestation is of something else.
    pub fn inconsistent(
        attestation: Attestation,
        commitment: DatasetCommitment,
        proof: &InconsistencyProof,
    ) -> Result<Self, Refusal> {
        Self::inconsistent_bytes(attestation, commitment, proof.encode())
    }

    pub(super) const fn audit(attestation: Attestation, passed: u128) -> Self {
        Self { attestation, matter: Matter::Audit(passed) }
    }

    fn inconsistent_bytes(
        attestation: Attestation,
        commitment: DatasetCommitment,
        proof: Vec<u8>,
    ) -> Result<Self, Refusal> {
        match attestation.fact {
            Fact::Inconsistent { root } if root == commitment.root() => {
                Ok(Self { attestation, matter: Matter::Inconsistent(commitment, proof) })
            }
            _ => Err(Refusal::Material),
        }
    }

    /// Returns the bytes that go with the attestation in a message.
    pub(super) fn material(&self) -> Vec<u8> {
        match &self.matter {
            Matter::Audit(passed) => passed.to_be_bytes().to_vec(),
            Matter::Available(manifest) => manifest.encode(),
            Matter::Inconsistent(commitment, proof) => {
                [commitment.encode().as_slice(), proof].concat()
            }
            Matter::Valid => Vec::new(),
            Matter::Workflow(job) => job.encode(),
        }
    }

    /// Decodes what [`material`](Self::material) wrote; the cost is bounded by the limits, whatever
    /// is claimed.
    pub(super) fn read(
        attestation: Attestation,
        material: &[u8],
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let commitment = || {
            let (head, rest) =
                material.split_at_checked(COMMITMENT_BYTES).ok_or(Refusal::Material)?;
            let head = DatasetCommitment::decode(head).map_err(|_| Refusal::Material)?;
            Ok::<_, Refusal>((head, rest))
        };
        match attestation.fact {
            Fact::Audit { .. } => {
                let passed = material.try_into().map_err(|_| Refusal::Material)?;
                Ok(Self::audit(attestation, u128::from_be_bytes(passed)))
            }
            Fact::Available { .. } => {
                // Before the tree over its stripes is made.
                let got = u64::from(commitment()?.0.stripes());
                let max = limits.max_shards as u64;
                if got > max {
                    return Err(Refusal::TooLarge { unit: "stripes", got, max });
                }
                Self::available(attestation, Arc::new(Manifest::decode(material)?))
            }
            Fact::Inconsistent { .. } => {
                let (commitment, proof) = commitment()?;
                Self::inconsistent_bytes(attestation, commitment, proof.to_vec())
            }
            Fact::Valid { .. } if material.is_empty() => Self::valid(attestation),
            Fact::Workflow { .. } => Self::workflow(attestation, Job::decode(material)?),
            Fact::Valid { .. } => Err(Refusal::Material),
            _ => Err(Refusal::Unrequestable),
        }
    }
}
