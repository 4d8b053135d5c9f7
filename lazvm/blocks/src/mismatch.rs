use core::fmt;

use alloy_primitives::{B256, U256};
use thiserror::Error;

/// A field of a header that is not what the body, the parent or the outcome makes it.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{field}: expected {expected}, got {got}")]
pub struct Mismatch {
    /// The field.
    pub field: Field,
    /// What it must be.
    pub expected: Value,
    /// What it is.
    pub got: Value,
}

impl Mismatch {
    /// Compares what a field must be with what it is.
    pub(crate) fn check(
        field: Field,
        expected: impl Into<Value>,
        got: impl Into<Value>,
    ) -> Result<(), Self> {
        let (expected, got) = (expected.into(), got.into());
        if expected == got { Ok(()) } else { Err(Self { field, expected, got }) }
    }
}

/// A field of a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Field {
    /// `baseFeePerGas`.
    BaseFee,
    /// `blobGasUsed`.
    BlobGasUsed,
    /// `blockAccessListHash`.
    BlockAccessList,
    /// `logsBloom`, by its hash.
    Bloom,
    /// `difficulty`.
    Difficulty,
    /// `excessBlobGas`.
    ExcessBlobGas,
    /// `gasUsed`.
    GasUsed,
    /// `nonce`.
    Nonce,
    /// `number`.
    Number,
    /// `sha3Uncles`.
    OmmersHash,
    /// `parentBeaconBlockRoot`.
    ParentBeaconBlockRoot,
    /// `parentHash`.
    ParentHash,
    /// `receiptsRoot`.
    ReceiptsRoot,
    /// `requestsHash`.
    RequestsHash,
    /// `slotNumber`.
    SlotNumber,
    /// `stateRoot`.
    StateRoot,
    /// `transactionsRoot`.
    TransactionsRoot,
    /// `withdrawalsRoot`.
    WithdrawalsRoot,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BaseFee => "base fee",
            Self::BlobGasUsed => "blob gas used",
            Self::BlockAccessList => "block access list",
            Self::Bloom => "bloom",
            Self::Difficulty => "difficulty",
            Self::ExcessBlobGas => "excess blob gas",
            Self::GasUsed => "gas used",
            Self::Nonce => "nonce",
            Self::Number => "number",
            Self::OmmersHash => "ommers hash",
            Self::ParentBeaconBlockRoot => "parent beacon block root",
            Self::ParentHash => "parent hash",
            Self::ReceiptsRoot => "receipts root",
            Self::RequestsHash => "requests hash",
            Self::SlotNumber => "slot number",
            Self::StateRoot => "state root",
            Self::TransactionsRoot => "transactions root",
            Self::WithdrawalsRoot => "withdrawals root",
        })
    }
}

/// What a field is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// Not there.
    Absent,
    /// A hash.
    Hash(B256),
    /// A number.
    Number(U256),
    /// There, whatever it is.
    Present,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("none"),
            Self::Hash(hash) => hash.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Present => f.write_str("some"),
        }
    }
}

impl From<B256> for Value {
    fn from(hash: B256) -> Self {
        Self::Hash(hash)
    }
}

impl From<U256> for Value {
    fn from(number: U256) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(U256::from(number))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}
