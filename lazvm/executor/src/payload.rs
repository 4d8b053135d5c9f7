use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    Genesis, SignedTransaction, TransactionError,
    bytes::{counted, put_counted},
};

/// The transactions of a block in their order, as the block carries them.
///
/// Format: version, the count in four bytes, and each transaction behind its length in four bytes;
/// big-endian.
pub(crate) fn encode<'a>(
    transactions: impl ExactSizeIterator<Item = &'a SignedTransaction>,
) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&u32::try_from(transactions.len()).unwrap_or(u32::MAX).to_be_bytes());
    for transaction in transactions {
        put_counted(&mut out, transaction.bytes());
    }
    out
}

/// Reads what [`encode`] wrote for a block of this chain, and nothing else.
pub(crate) fn decode(
    bytes: &[u8],
    genesis: &Genesis,
) -> Result<Vec<SignedTransaction>, PayloadError> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        VERSION => {}
        got => return Err(PayloadError::Version { expected: VERSION, got }),
    }
    let count = reader.u32()?;
    // Numbers and lengths first: they are cheap, signatures are not.
    let fit = u32::try_from(genesis.gas_limit / TRANSACTION_GAS).unwrap_or(u32::MAX);
    let max = fit.min(MAX_TRANSACTIONS);
    if count > max {
        return Err(PayloadError::TooMany { max, got: count });
    }
    let mut slices = Vec::new();
    for _ in 0..count {
        slices.push(counted(&mut reader)?);
    }
    reader.finish()?;
    (0..count)
        .zip(slices)
        .map(|(index, bytes)| {
            SignedTransaction::read(bytes, genesis.chain_id)
                .map_err(|source| PayloadError::Transaction { index, source })
        })
        .collect()
}

/// The count that a payload claims; 0 if it is too short to claim any.
pub(crate) fn count(bytes: &[u8]) -> u32 {
    bytes.get(1..).and_then(<[u8]>::first_chunk).map_or(0, |count| u32::from_be_bytes(*count))
}

/// Bytes of a payload without transactions.
pub(crate) const EMPTY_BYTES: usize = 5;

/// Bytes that a transaction takes in a payload beyond its own.
pub(crate) const LENGTH_BYTES: usize = 4;

/// Why a payload is invalid.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PayloadError {
    /// It ends early or goes on.
    #[error(transparent)]
    Read(#[from] DecodeError),
    /// It claims too many transactions.
    #[error("the payload claims {got} transactions, at most {max} are read")]
    TooMany {
        /// The limit: [`MAX_TRANSACTIONS`], or as many as a block has gas for if that is less.
        max: u32,
        /// Transactions claimed.
        got: u32,
    },
    /// One of its transactions is invalid.
    #[error("transaction {index}: {source}")]
    Transaction {
        /// Its place in the payload, from 0.
        index: u32,
        /// What is wrong with it.
        source: TransactionError,
    },
    /// It is of another version.
    #[error("payload version {got} is not read, only version {expected}")]
    Version {
        /// The version that is read.
        expected: u8,
        /// The version given.
        got: u8,
    },
}

/// Most transactions of a block.
pub const MAX_TRANSACTIONS: u32 = 4_096;

/// Gas that every transaction uses: what it costs before it runs, which is also a floor that no
/// refund goes below (EIP-7623).
const TRANSACTION_GAS: u64 = 21_000;

const VERSION: u8 = 1;
