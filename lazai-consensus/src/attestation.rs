use alloc::vec::Vec;

use alloy_primitives::{Address, B256, Keccak256, keccak256};
use lazai_api_types::{
    InferenceStatement, ModelId, Work,
    codec::{DecodeError, Reader},
};

use crate::{Epoch, QuorumId};

/// A fact in the name of a quorum and an epoch: what members vote on and certify.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attestation {
    /// The quorum in whose name the fact is attested.
    pub quorum: QuorumId,
    /// The epoch, whose committee alone can attest it.
    pub epoch: Epoch,
    /// The attested fact.
    pub fact: Fact,
}

impl Attestation {
    /// Returns the slot of the attestation; a member signs at most one attestation in each.
    #[must_use]
    pub fn slot(&self) -> Slot {
        let (subject, version) = self.fact.subject();
        let (quorum, epoch, kind) = (self.quorum, self.epoch, self.fact.kind());
        Slot { quorum, epoch, kind, subject, version }
    }

    /// Returns the hash that members sign:
    /// `keccak256("lazvm/quorum-statement/1" ‖ canonical bytes)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(b"lazvm/quorum-statement/1");
        hasher.update(self.encode());
        hasher.finalize()
    }

    /// Returns the canonical bytes: version 1 ‖ quorum ‖ epoch u64 ‖ kind u8 ‖ the fields of the
    /// fact in their order, integers big-endian.
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

/// Defines [`Fact`], [`FactKind`] and the encoding of facts from one table: for each kind its byte,
/// its fields in the order of their bytes, and its subject and version, by which facts contradict
/// each other.
macro_rules! facts {
    ($(
        $(#[$doc:meta])+
        $kind:ident = $byte:literal {
            $($(#[$field_doc:meta])+ $field:ident: $type:ty,)+
        } about $subject:expr;
    )+) => {
        /// A fact that a quorum can attest.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Fact {
            $($(#[$doc])+ $kind { $($(#[$field_doc])+ $field: $type,)+ },)+
        }

        /// The kinds of facts, with the byte that stands for each in an encoding.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        #[repr(u8)]
        pub enum FactKind {
            $(#[doc = concat!("[`Fact::", stringify!($kind), "`].")] $kind = $byte,)+
        }

        impl Fact {
            /// Returns the kind of the fact.
            #[must_use]
            pub const fn kind(&self) -> FactKind {
                match self {
                    $(Self::$kind { .. } => FactKind::$kind,)+
                }
            }

            /// Returns the subject and its version: two facts of a kind that agree in both
            /// contradict each other unless they are equal.
            #[allow(unused_variables, reason = "a subject names some of the fields")]
            fn subject(&self) -> (B256, u64) {
                match *self {
                    $(Self::$kind { $($field),+ } => $subject,)+
                }
            }

            fn write(&self, bytes: &mut Vec<u8>) {
                match self {
                    $(Self::$kind { $($field),+ } => { $($field.write(bytes);)+ })+
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match reader.u8()? {
                    $($byte => Ok(Self::$kind { $($field: Field::read(reader)?),+ }),)+
                    got => Err(DecodeError::Field { field: "kind of fact", got: got.into() }),
                }
            }
        }
    };
}

facts! {
    /// Each signer has verified and durably stored its shards of a dataset.
    Available = 1 {
        /// The name of the dataset.
        dataset: B256,
        /// The version of the dataset.
        version: u64,
        /// The commitment to the encoded data.
        root: B256,
        /// The number of bytes before encoding.
        bytes: u64,
        /// The number of shards of a stripe that restore it.
        k: u16,
        /// The number of shards of a stripe.
        n: u16,
        /// The last epoch in which the dataset is kept.
        until_epoch: Epoch,
    } about (dataset, version);
    /// Each signer has read the whole dataset and found it to satisfy a policy.
    Valid = 2 {
        /// The name of the dataset.
        dataset: B256,
        /// The version of the dataset.
        version: u64,
        /// The commitment to the encoded data.
        root: B256,
        /// The hash of the policy.
        policy: B256,
        /// The grade on the scale of the policy.
        score: u16,
    } about (pair(&dataset, &policy), version);
    /// Each signer has run the model again and got this output for this work.
    Workflow = 3 {
        /// The model, input, output, work and context of the run.
        run: InferenceStatement,
    } about (same_input(&run), 0);
    /// The signers have audited all members in this epoch.
    Audit = 4 {
        /// The randomness from which the challenges were drawn.
        beacon: B256,
        /// The Merkle root of the ascending addresses of members that answered every challenge.
        passed: B256,
        /// The Merkle root of the ascending addresses of members that did not.
        failed: B256,
        /// The number of members that did not.
        failed_count: u16,
    } about (B256::ZERO, 0);
    /// The commitment belongs to no data, because its shards contradict each other.
    Inconsistent = 5 {
        /// The commitment that belongs to no data.
        root: B256,
    } about (root, 0);
    /// The signers hold what the next epoch's committee must hold.
    EpochSyncDone = 6 {
        /// The next epoch.
        next: Epoch,
    } about (B256::ZERO, next.0);
    /// The signers name the next epoch's committee, for clients that follow without the chain's
    /// state.
    HandOver = 7 {
        /// The next epoch.
        next: Epoch,
        /// The root of its committee.
        committee: B256,
    } about (B256::ZERO, next.0);
    /// The quorum names the operator of one of its seats in the chain's consensus.
    SeatNomination = 8 {
        /// The epoch of the chain.
        chain_epoch: Epoch,
        /// The number of the seat.
        seat: u32,
        /// The wallet of the operator.
        operator: Address,
        /// keccak256 of the operator's public key.
        key: B256,
    } about (keccak256(seat.to_be_bytes()), chain_epoch.0);
    /// The chain has this state at a height.
    Checkpoint = 9 {
        /// The height of the block.
        height: u64,
        /// The state root after the block at that height.
        state_root: B256,
    } about (B256::ZERO, height);
    /// The quorum has decided a proposal.
    Decision = 10 {
        /// The hash of the proposal.
        proposal: B256,
        /// Whether the proposal is approved.
        approved: bool,
    } about (proposal, 0);
}

impl Fact {
    /// Returns the commitment to the dataset that the fact is about, if it is about one.
    #[must_use]
    pub const fn root(&self) -> Option<B256> {
        match *self {
            Self::Available { root, .. }
            | Self::Inconsistent { root }
            | Self::Valid { root, .. } => Some(root),
            _ => None,
        }
    }

    /// Returns the last epoch in which a dataset is kept, if the fact says so.
    #[must_use]
    pub const fn kept_until(&self) -> Option<Epoch> {
        match *self {
            Self::Available { until_epoch, .. } => Some(until_epoch),
            _ => None,
        }
    }

    /// Returns whether the fact says that a dataset is kept in an epoch.
    #[must_use]
    pub fn is_kept_in(&self, epoch: Epoch) -> bool {
        self.kept_until().is_some_and(|until| until >= epoch)
    }
}

/// Encodes a field of a fact; integers are big-endian.
trait Field: Sized {
    fn write(&self, bytes: &mut Vec<u8>);

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! integer_fields {
    ($($type:ident),+) => {
        $(impl Field for $type {
            fn write(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_be_bytes());
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.$type()
            }
        })+
    };
}

integer_fields!(u16, u32, u64);

impl Field for Address {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_slice());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.address()
    }
}

impl Field for B256 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_slice());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.hash()
    }
}

/// The one flag of the facts is the approval of a decision.
impl Field for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push((*self).into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            got => Err(DecodeError::Field { field: "approval", got: got.into() }),
        }
    }
}

impl Field for Epoch {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u64().map(Self)
    }
}

impl Field for InferenceStatement {
    fn write(&self, bytes: &mut Vec<u8>) {
        let Self { model, input, output, work, context } = self;
        model.0.write(bytes);
        input.write(bytes);
        output.write(bytes);
        work.flops.write(bytes);
        work.peak_bytes.write(bytes);
        context.write(bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            model: ModelId(reader.hash()?),
            input: reader.hash()?,
            output: reader.hash()?,
            work: Work { flops: reader.u64()?, peak_bytes: reader.u64()? },
            context: reader.hash()?,
        })
    }
}

/// Hashes what two contradicting runs have in common: the model, its input and the context.
fn same_input(run: &InferenceStatement) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(run.model.0);
    hasher.update(run.input);
    hasher.update(run.context);
    hasher.finalize()
}

fn pair(first: &B256, second: &B256) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(first);
    hasher.update(second);
    hasher.finalize()
}

/// The question that an attestation answers. A member answers each at most once.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Slot {
    /// The quorum that is asked.
    pub quorum: QuorumId,
    /// The epoch in which it is asked.
    pub epoch: Epoch,
    /// The kind of fact.
    pub kind: FactKind,
    /// The subject of the fact.
    pub subject: B256,
    /// The version of the subject.
    pub version: u64,
}

impl Slot {
    /// Returns the name of the slot:
    /// `keccak256("lazvm/slot/1" ‖ quorum ‖ epoch ‖ kind ‖ subject ‖ version)`.
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

/// Most bytes of an attestation, which are those of a [`Fact::Workflow`].
pub const MAX_ATTESTATION_BYTES: usize = 1 + 32 + 8 + 1 + 3 * 32 + 2 * 8 + 32;

const VERSION: u8 = 1;
