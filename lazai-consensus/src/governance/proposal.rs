use alloc::{boxed::Box, string::String, vec::Vec};

use alloy_primitives::{Address, B256, Keccak256};
use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    Attestation, Candidate, Epoch, Fact, QuorumId,
    bls::{PublicKey, Signature},
};

/// A proposal for a quorum to decide.
///
/// It is decided by the committee of one epoch, or not at all: with that epoch it expires. Hence no
/// proposal can be decided twice, once by each of two committees.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proposal {
    /// The quorum that decides.
    pub quorum: QuorumId,
    /// The epoch whose committee decides.
    pub epoch: Epoch,
    /// Any number; it distinguishes repeated proposals.
    pub nonce: u64,
    /// The action to take if it is approved.
    pub action: Action,
}

impl Proposal {
    /// Returns the attestation that members sign to approve or to reject the proposal.
    #[must_use]
    pub fn decision(&self, approved: bool) -> Attestation {
        let fact = Fact::Decision { proposal: self.hash(), approved };
        Attestation { quorum: self.quorum, epoch: self.epoch, fact }
    }

    /// Returns the name of the proposal: `keccak256("lazvm/proposal/1" ‖ canonical bytes)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(b"lazvm/proposal/1");
        hasher.update(self.encode());
        hasher.finalize()
    }

    /// Returns the canonical bytes: version 1 ‖ quorum ‖ epoch u64 ‖ nonce u64 ‖ kind u8 ‖ the
    /// fields of the action in their order, integers big-endian. A text takes the rest of the
    /// bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [VERSION].to_vec();
        let mut put = |field: &[u8]| bytes.extend_from_slice(field);
        put(self.quorum.0.as_slice());
        put(&self.epoch.0.to_be_bytes());
        put(&self.nonce.to_be_bytes());
        match &self.action {
            Action::AddMember(candidate) => {
                let Candidate { address, weight, key, possession } = candidate.as_ref();
                put(&[ADD_MEMBER]);
                put(address.as_slice());
                put(&weight.to_be_bytes());
                put(&key.to_bytes());
                put(&possession.to_bytes());
            }
            Action::AdmitDataset { dataset, version, root, until_epoch } => {
                put(&[ADMIT_DATA_SET]);
                put(dataset.as_slice());
                put(&version.to_be_bytes());
                put(root.as_slice());
                put(&until_epoch.0.to_be_bytes());
            }
            Action::ChangePrice { item, from, to } => {
                put(&[CHANGE_PRICE]);
                put(item.as_slice());
                put(&from.to_be_bytes());
                put(&to.to_be_bytes());
            }
            Action::ChangeWeight { member, weight } => {
                put(&[CHANGE_WEIGHT]);
                put(member.as_slice());
                put(&weight.to_be_bytes());
            }
            Action::RemoveMember { member } => {
                put(&[REMOVE_MEMBER]);
                put(member.as_slice());
            }
            Action::RetireDataset { dataset, version } => {
                put(&[RETIRE_DATA_SET]);
                put(dataset.as_slice());
                put(&version.to_be_bytes());
            }
            Action::Text(text) => {
                put(&[TEXT]);
                put(text.as_bytes());
            }
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let (quorum, epoch) = (QuorumId(reader.hash()?), Epoch(reader.u64()?));
        let nonce = reader.u64()?;
        let action = Action::read(&mut reader)?;
        reader.finish()?;
        Ok(Self { quorum, epoch, nonce, action })
    }
}

/// The action of a proposal.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Makes a candidate a member.
    AddMember(Box<Candidate>),
    /// Admits a dataset, which the members then keep.
    AdmitDataset {
        /// The name of the dataset.
        dataset: B256,
        /// The version of the dataset.
        version: u64,
        /// The commitment to the dataset.
        root: B256,
        /// The last epoch in which the dataset is kept.
        until_epoch: Epoch,
    },
    /// Changes a price by an eighth at most.
    ChangePrice {
        /// The priced item.
        item: B256,
        /// The current price.
        from: u64,
        /// The proposed price.
        to: u64,
    },
    /// Changes the weight of a member.
    ChangeWeight {
        /// The address of the member.
        member: Address,
        /// The proposed weight; at least 1.
        weight: u64,
    },
    /// Removes a member.
    RemoveMember {
        /// The address of the member.
        member: Address,
    },
    /// Retires a dataset, which the members then forget.
    RetireDataset {
        /// The name of the dataset.
        dataset: B256,
        /// The version of the dataset.
        version: u64,
    },
    /// Adopts a text of at most [`MAX_TEXT_BYTES`].
    Text(String),
}

impl Action {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            ADD_MEMBER => {
                let (address, weight) = (reader.address()?, reader.u64()?);
                let (key, possession) = (reader.array()?, reader.array()?);
                if reader.remaining() > 0 {
                    let count = reader.remaining() as u64;
                    return Err(DecodeError::TrailingBytes { count });
                }
                // Last, because points take long to check.
                Self::AddMember(Box::new(Candidate {
                    address,
                    weight,
                    key: PublicKey::from_bytes(&key)?,
                    possession: Signature::from_bytes(&possession)?,
                }))
            }
            ADMIT_DATA_SET => Self::AdmitDataset {
                dataset: reader.hash()?,
                version: reader.u64()?,
                root: reader.hash()?,
                until_epoch: Epoch(reader.u64()?),
            },
            CHANGE_PRICE => {
                Self::ChangePrice { item: reader.hash()?, from: reader.u64()?, to: reader.u64()? }
            }
            CHANGE_WEIGHT => {
                Self::ChangeWeight { member: reader.address()?, weight: reader.u64()? }
            }
            REMOVE_MEMBER => Self::RemoveMember { member: reader.address()? },
            RETIRE_DATA_SET => {
                Self::RetireDataset { dataset: reader.hash()?, version: reader.u64()? }
            }
            TEXT => {
                let length = reader.remaining();
                let wrong = DecodeError::Field { field: "text of a proposal", got: length as u64 };
                if length > MAX_TEXT_BYTES {
                    return Err(wrong);
                }
                let text = core::str::from_utf8(reader.slice(length)?).map_err(|_| wrong)?;
                Self::Text(text.into())
            }
            got => return Err(DecodeError::Field { field: "kind of action", got: got.into() }),
        })
    }
}

/// Most bytes of a proposal's text.
pub const MAX_TEXT_BYTES: usize = 8_192;
/// Most bytes of a proposal.
pub const MAX_PROPOSAL_BYTES: usize = 1 + 32 + 8 + 8 + 1 + MAX_TEXT_BYTES;
/// A price changes at most by this fraction of itself at once.
pub const MAX_PRICE_STEP_DIVISOR: u64 = 8;

const VERSION: u8 = 1;
const ADD_MEMBER: u8 = 1;
const ADMIT_DATA_SET: u8 = 2;
const CHANGE_PRICE: u8 = 3;
const CHANGE_WEIGHT: u8 = 4;
const REMOVE_MEMBER: u8 = 5;
const RETIRE_DATA_SET: u8 = 6;
const TEXT: u8 = 7;
