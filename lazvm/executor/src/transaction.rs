use alloy_consensus::{
    Transaction, TxEnvelope, TxType, crypto::RecoveryError, transaction::SignerRecoverable,
};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes};
use lazvm::revm::context::TxEnv;

/// A transaction whose bytes are canonical and whose sender signed it.
///
/// Legacy transactions with a chain id (EIP-155) and those of EIP-1559 are taken.
#[derive(Clone, Debug)]
pub struct SignedTransaction {
    envelope: TxEnvelope,
    sender: Address,
    bytes: Bytes,
}

impl SignedTransaction {
    /// Reads the bytes of EIP-2718 and recovers the sender.
    ///
    /// # Errors
    /// [`TransactionError`] if the bytes are too many, not canonical, of another kind or chain, or
    /// not signed in the one way that is accepted.
    pub fn read(bytes: &[u8], chain_id: u64) -> Result<Self, TransactionError> {
        if bytes.len() > MAX_TRANSACTION_BYTES {
            let (max, got) = (MAX_TRANSACTION_BYTES as u64, bytes.len() as u64);
            return Err(TransactionError::TooLong { max, got });
        }
        let envelope =
            TxEnvelope::decode_2718_exact(bytes).map_err(|_| TransactionError::Malformed)?;
        let kind = envelope.tx_type();
        if !matches!(kind, TxType::Eip1559 | TxType::Legacy) {
            return Err(TransactionError::Kind { got: kind as u8 });
        }
        // One transaction must not have two names: what is read is what an encoder writes.
        if envelope.encoded_2718() != bytes {
            return Err(TransactionError::Malformed);
        }
        if envelope.chain_id() != Some(chain_id) {
            let got = envelope.chain_id();
            return Err(TransactionError::Chain { expected: chain_id, got });
        }
        // The upper half of `s` is refused too (EIP-2).
        let sender = envelope
            .recover_signer()
            .map_err(|RecoveryError { .. }| TransactionError::Signature)?;
        Ok(Self { envelope, sender, bytes: Bytes::copy_from_slice(bytes) })
    }

    /// Returns the address that signed it.
    #[must_use]
    pub const fn sender(&self) -> Address {
        self.sender
    }

    /// Returns the hash of the transaction: keccak256 of its bytes.
    #[must_use]
    pub fn hash(&self) -> B256 {
        *self.envelope.tx_hash()
    }

    /// Returns the bytes of EIP-2718.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the transaction itself.
    #[must_use]
    pub const fn envelope(&self) -> &TxEnvelope {
        &self.envelope
    }

    /// Returns the transaction as revm runs it.
    pub(crate) fn to_env(&self) -> TxEnv {
        let tx = &self.envelope;
        TxEnv {
            tx_type: tx.tx_type() as u8,
            caller: self.sender,
            gas_limit: tx.gas_limit(),
            gas_price: tx.max_fee_per_gas(),
            kind: tx.kind(),
            value: tx.value(),
            data: tx.input().clone(),
            nonce: tx.nonce(),
            chain_id: tx.chain_id(),
            access_list: tx.access_list().cloned().unwrap_or_default(),
            gas_priority_fee: tx.max_priority_fee_per_gas(),
            ..TxEnv::default()
        }
    }
}

/// Why bytes are no transaction of this chain.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransactionError {
    /// It is for another chain, or for every chain.
    #[error("the transaction is for chain {got:?}, not for {expected}")]
    Chain {
        /// The id of this chain.
        expected: u64,
        /// The id in the transaction.
        got: Option<u64>,
    },
    /// It is of a kind that this chain does not take.
    #[error("transactions of type {got} are not taken, only legacy ones (0) and EIP-1559 (2)")]
    Kind {
        /// The type given.
        got: u8,
    },
    /// The bytes are not the canonical ones of EIP-2718.
    #[error("the bytes are not those of one transaction in the encoding of EIP-2718")]
    Malformed,
    /// No sender can be recovered, or the signature is not in its lower half.
    #[error("the signature of the transaction is invalid")]
    Signature,
    /// It is too long.
    #[error("the transaction has {got} bytes, at most {max} are read")]
    TooLong {
        /// The limit.
        max: u64,
        /// Bytes given.
        got: u64,
    },
}

/// Most bytes of a transaction.
pub const MAX_TRANSACTION_BYTES: usize = 128 * 1_024;
