use alloc::vec::Vec;

use alloy_primitives::{Address, B256, Keccak256, keccak256};
use lazai_api_types::{
    InferenceStatement as Run, ModelId, Work,
    codec::{DecodeError, Reader},
};

use crate::{Epoch, QuorumId};

/// What a quorum says in an epoch: the thing that is voted on and certified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attestation {
    /// Who says it.
    pub quorum: QuorumId,
    /// In which epoch; only that epoch's committee can.
    pub epoch: Epoch,
    /// What is said.
    pub fact: Fact,
}

impl Attestation {
    /// The question that it answers; a member answers each question at most once.
    #[must_use]
    pub fn slot(&self) -> Slot {
        let (subject, version) = self.fact.subject();
        let (quorum, epoch, kind) = (self.quorum, self.epoch, self.fact.kind());
        Slot { quorum, epoch, kind, subject, version }
    }

    /// What members sign: `keccak256("lazvm/quorum-statement/1" ‖ canonical bytes)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(b"lazvm/quorum-statement/1");
        hasher.update(self.encode());
        hasher.finalize()
    }

    /// The canonical bytes: version 1 ‖ quorum ‖ epoch u64 ‖ kind u8 ‖ the fields of the fact in their order, integers
    /// big-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_ATTESTATION_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.quorum.0.as_slice());
        bytes.extend_from_slice(&self.epoch.0.to_be_bytes());
        bytes.push(self.fact.kind() as u8);
        self.fact.write(&mut bytes);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let attestation = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(attestation)
    }

    /// Reads an attestation from the front of what `reader` has left, as part of a larger encoding.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.version(VERSION)?;
        let (quorum, epoch) = (QuorumId(reader.hash()?), Epoch(reader.u64()?));
        let fact = Fact::read(reader)?;
        Ok(Self { quorum, epoch, fact })
    }
}

/// What a quorum can vouch for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact {
    /// Each signer has verified and durably stored its shards of a data set.
    Available {
        /// The name of the data set.
        dataset: B256,
        /// Its version.
        version: u64,
        /// The commitment to the encoded data.
        root: B256,
        /// Bytes of the data before encoding.
        bytes: u64,
        /// Shards that give the data back.
        k: u16,
        /// Shards of a stripe.
        n: u16,
        /// The last epoch in which it is kept.
        until_epoch: Epoch,
    },
    /// Each signer has read the whole data set and found it to satisfy a policy.
    Valid {
        /// The name of the data set.
        dataset: B256,
        /// Its version.
        version: u64,
        /// The commitment to the encoded data.
        root: B256,
        /// The hash of the policy.
        policy: B256,
        /// A grade by the policy's own scale.
        score: u16,
    },
    /// Each signer has run the model again and got this output for this work.
    Workflow {
        /// The run.
        run: Run,
    },
    /// The signers have audited all members in this epoch.
    Audit {
        /// Where the questions came from.
        beacon: B256,
        /// The Merkle root of the addresses of members that answered every question, ascending.
        passed: B256,
        /// The Merkle root of the addresses of members that did not, ascending.
        failed: B256,
        /// How many did not.
        failed_count: u16,
    },
    /// The commitment is to no data: its shards contradict each other.
    Inconsistent {
        /// The commitment.
        root: B256,
    },
    /// The signers hold what the next epoch's committee must hold.
    EpochSyncDone {
        /// The next epoch.
        next: Epoch,
    },
    /// The next epoch's committee, for those who follow without the chain's state.
    HandOver {
        /// The next epoch.
        next: Epoch,
        /// Its committee's root.
        committee: B256,
    },
    /// Who operates one of the quorum's seats in the chain's consensus.
    SeatNomination {
        /// The epoch of the chain.
        chain_epoch: Epoch,
        /// The seat.
        seat: u32,
        /// Its operator.
        operator: Address,
        /// keccak256 of the operator's public key.
        key: B256,
    },
    /// The chain's state at a height.
    Checkpoint {
        /// The height.
        height: u64,
        /// The state root after it.
        state_root: B256,
    },
    /// How the quorum decided a proposal.
    Decision {
        /// The hash of the proposal.
        proposal: B256,
        /// Whether it is approved.
        approved: bool,
    },
}

impl Fact {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> FactKind {
        match self {
            Self::Available { .. } => FactKind::Available,
            Self::Valid { .. } => FactKind::Valid,
            Self::Workflow { .. } => FactKind::Workflow,
            Self::Audit { .. } => FactKind::Audit,
            Self::Inconsistent { .. } => FactKind::Inconsistent,
            Self::EpochSyncDone { .. } => FactKind::EpochSyncDone,
            Self::HandOver { .. } => FactKind::HandOver,
            Self::SeatNomination { .. } => FactKind::SeatNomination,
            Self::Checkpoint { .. } => FactKind::Checkpoint,
            Self::Decision { .. } => FactKind::Decision,
        }
    }

    /// What it is about, and in which version: two facts of a kind with the same subject and version contradict each
    /// other unless they are equal.
    fn subject(&self) -> (B256, u64) {
        match *self {
            Self::Available { dataset, version, .. } => (dataset, version),
            Self::Valid { dataset, version, policy, .. } => (pair(&dataset, &policy), version),
            Self::Workflow { run } => {
                let mut hasher = Keccak256::new();
                hasher.update(run.model.0);
                hasher.update(run.input);
                hasher.update(run.context);
                (hasher.finalize(), 0)
            }
            // One audit per epoch.
            Self::Audit { .. } => (B256::ZERO, 0),
            Self::Inconsistent { root } => (root, 0),
            Self::EpochSyncDone { next } | Self::HandOver { next, .. } => (B256::ZERO, next.0),
            Self::SeatNomination { chain_epoch, seat, .. } => {
                (keccak256(seat.to_be_bytes()), chain_epoch.0)
            }
            Self::Checkpoint { height, .. } => (B256::ZERO, height),
            Self::Decision { proposal, .. } => (proposal, 0),
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let mut put = |field: &[u8]| bytes.extend_from_slice(field);
        match *self {
            Self::Available { dataset, version, root, bytes, k, n, until_epoch } => {
                put(dataset.as_slice());
                put(&version.to_be_bytes());
                put(root.as_slice());
                put(&bytes.to_be_bytes());
                put(&k.to_be_bytes());
                put(&n.to_be_bytes());
                put(&until_epoch.0.to_be_bytes());
            }
            Self::Valid { dataset, version, root, policy, score } => {
                put(dataset.as_slice());
                put(&version.to_be_bytes());
                put(root.as_slice());
                put(policy.as_slice());
                put(&score.to_be_bytes());
            }
            Self::Workflow { run } => {
                put(run.model.0.as_slice());
                put(run.input.as_slice());
                put(run.output.as_slice());
                put(&run.work.flops.to_be_bytes());
                put(&run.work.peak_bytes.to_be_bytes());
                put(run.context.as_slice());
            }
            Self::Audit { beacon, passed, failed, failed_count } => {
                put(beacon.as_slice());
                put(passed.as_slice());
                put(failed.as_slice());
                put(&failed_count.to_be_bytes());
            }
            Self::Inconsistent { root } => put(root.as_slice()),
            Self::EpochSyncDone { next } => put(&next.0.to_be_bytes()),
            Self::HandOver { next, committee } => {
                put(&next.0.to_be_bytes());
                put(committee.as_slice());
            }
            Self::SeatNomination { chain_epoch, seat, operator, key } => {
                put(&chain_epoch.0.to_be_bytes());
                put(&seat.to_be_bytes());
                put(operator.as_slice());
                put(key.as_slice());
            }
            Self::Checkpoint { height, state_root } => {
                put(&height.to_be_bytes());
                put(state_root.as_slice());
            }
            Self::Decision { proposal, approved } => {
                put(proposal.as_slice());
                put(&[approved.into()]);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let kind = FactKind::from_byte(kind)
            .ok_or(DecodeError::Field { field: "kind of fact", got: kind.into() })?;
        Ok(match kind {
            FactKind::Available => Self::Available {
                dataset: reader.hash()?,
                version: reader.u64()?,
                root: reader.hash()?,
                bytes: reader.u64()?,
                k: reader.u16()?,
                n: reader.u16()?,
                until_epoch: Epoch(reader.u64()?),
            },
            FactKind::Valid => Self::Valid {
                dataset: reader.hash()?,
                version: reader.u64()?,
                root: reader.hash()?,
                policy: reader.hash()?,
                score: reader.u16()?,
            },
            FactKind::Workflow => Self::Workflow {
                run: Run {
                    model: ModelId(reader.hash()?),
                    input: reader.hash()?,
                    output: reader.hash()?,
                    work: Work { flops: reader.u64()?, peak_bytes: reader.u64()? },
                    context: reader.hash()?,
                },
            },
            FactKind::Audit => Self::Audit {
                beacon: reader.hash()?,
                passed: reader.hash()?,
                failed: reader.hash()?,
                failed_count: reader.u16()?,
            },
            FactKind::Inconsistent => Self::Inconsistent { root: reader.hash()? },
            FactKind::EpochSyncDone => Self::EpochSyncDone { next: Epoch(reader.u64()?) },
            FactKind::HandOver => {
                Self::HandOver { next: Epoch(reader.u64()?), committee: reader.hash()? }
            }
            FactKind::SeatNomination => Self::SeatNomination {
                chain_epoch: Epoch(reader.u64()?),
                seat: reader.u32()?,
                operator: reader.address()?,
                key: reader.hash()?,
            },
            FactKind::Checkpoint => {
                Self::Checkpoint { height: reader.u64()?, state_root: reader.hash()? }
            }
            FactKind::Decision => {
                let proposal = reader.hash()?;
                let approved = match reader.u8()? {
                    0 => false,
                    1 => true,
                    got => {
                        return Err(DecodeError::Field { field: "approval", got: got.into() });
                    }
                };
                Self::Decision { proposal, approved }
            }
        })
    }
}

fn pair(first: &B256, second: &B256) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(first);
    hasher.update(second);
    hasher.finalize()
}

/// The kinds of facts, by the byte that stands for each.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum FactKind {
    /// [`Fact::Available`].
    Available = 1,
    /// [`Fact::Valid`].
    Valid = 2,
    /// [`Fact::Workflow`].
    Workflow = 3,
    /// [`Fact::Audit`].
    Audit = 4,
    /// [`Fact::Inconsistent`].
    Inconsistent = 5,
    /// [`Fact::EpochSyncDone`].
    EpochSyncDone = 6,
    /// [`Fact::HandOver`].
    HandOver = 7,
    /// [`Fact::SeatNomination`].
    SeatNomination = 8,
    /// [`Fact::Checkpoint`].
    Checkpoint = 9,
    /// [`Fact::Decision`].
    Decision = 10,
}

impl FactKind {
    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Available,
            2 => Self::Valid,
            3 => Self::Workflow,
            4 => Self::Audit,
            5 => Self::Inconsistent,
            6 => Self::EpochSyncDone,
            7 => Self::HandOver,
            8 => Self::SeatNomination,
            9 => Self::Checkpoint,
            10 => Self::Decision,
            _ => return None,
        })
    }
}

/// A question that a member answers at most once.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Slot {
    /// The quorum that is asked.
    pub quorum: QuorumId,
    /// The epoch.
    pub epoch: Epoch,
    /// What kind of fact is asked for.
    pub kind: FactKind,
    /// About what.
    pub subject: B256,
    /// In which version.
    pub version: u64,
}

impl Slot {
    /// The name of the slot: `keccak256("lazvm/slot/1" ‖ quorum ‖ epoch ‖ kind ‖ subject ‖ version)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(b"lazvm/slot/1");
        hasher.update(self.quorum.0);
        hasher.update(self.epoch.0.to_be_bytes());
        hasher.update([self.kind as u8]);
        hasher.update(self.subject);
        hasher.update(self.version.to_be_bytes());
        hasher.finalize()
    }
}

/// Most bytes of an attestation: those of a run.
pub const MAX_ATTESTATION_BYTES: usize = 1 + 32 + 8 + 1 + 3 * 32 + 2 * 8 + 32;

const VERSION: u8 = 1;
