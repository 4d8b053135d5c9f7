use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;

/// A key that signs transactions for one chain.
#[derive(Clone, Debug)]
pub struct Wallet {
    key: SigningKey,
    address: Address,
    chain_id: u64,
}

/// The contents of a transaction, without nonce and signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransactionRequest {
    /// Address that is called; `None` creates a contract.
    pub to: Option<Address>,
    /// Calldata, or the code that creates the contract.
    pub data: Bytes,
    /// Value in wei.
    pub value: U256,
    /// Gas limit.
    pub gas_limit: u64,
    /// Maximum fee per gas, in wei.
    pub max_fee: u128,
    /// Maximum priority fee per gas, in wei.
    pub tip: u128,
}

impl Wallet {
    /// Derives the wallet of a name. Anyone can compute its key: it is for examples and tests.
    ///
    /// # Errors
    /// [`WalletError`] if the name gives no key, which happens to one of 2^128 names.
    pub fn named(name: &str, chain_id: u64) -> Result<Self, WalletError> {
        let secret = keccak256([b"lazvm/example-wallet/1".as_slice(), name.as_bytes()].concat());
        let key = SigningKey::from_slice(secret.as_slice()).map_err(|_| WalletError)?;
        let address = Address::from_public_key(key.verifying_key());
        Ok(Self { key, address, chain_id })
    }

    /// Returns the address of the account.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a transaction and returns it encoded as in EIP-2718.
    ///
    /// # Errors
    /// [`WalletError`] if the key cannot sign it, which happens to one of 2^128 transactions.
    pub fn sign(&self, nonce: u64, request: TransactionRequest) -> Result<Bytes, WalletError> {
        let TransactionRequest { to, data, value, gas_limit, max_fee, tip } = request;
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: tip,
            to: to.map_or(TxKind::Create, TxKind::Call),
            value,
            input: data,
            ..TxEip1559::default()
        };
        let signature = self.sign_hash(transaction.signature_hash())?;
        let envelope: TxEnvelope = transaction.into_signed(signature).into();
        Ok(envelope.encoded_2718().into())
    }

    /// Signs a hash.
    ///
    /// # Errors
    /// [`WalletError`] if the key cannot sign it, which happens to one of 2^128 hashes.
    pub fn sign_hash(&self, hash: B256) -> Result<Signature, WalletError> {
        let signature = self.key.sign_prehash_recoverable(hash.as_slice());
        signature.map(Signature::from).map_err(|_| WalletError)
    }
}

impl TransactionRequest {
    /// Creates a call of `to` with a limit of 200,000 gas at 100 gwei at most.
    #[must_use]
    pub fn call(to: Address, data: impl Into<Bytes>) -> Self {
        Self {
            to: Some(to),
            data: data.into(),
            value: U256::ZERO,
            gas_limit: 200_000,
            max_fee: 100_000_000_000,
            tip: 1_000_000_000,
        }
    }

    /// Creates a transfer of `value` wei.
    #[must_use]
    pub fn transfer(to: Address, value: U256) -> Self {
        Self { value, gas_limit: 21_000, ..Self::call(to, Bytes::new()) }
    }

    /// Creates the transaction that deploys a contract.
    #[must_use]
    pub fn create(code: impl Into<Bytes>) -> Self {
        Self { to: None, gas_limit: 5_000_000, ..Self::call(Address::ZERO, code) }
    }

    /// Sets the gas limit.
    #[must_use]
    pub fn gas(self, gas_limit: u64) -> Self {
        Self { gas_limit, ..self }
    }
}

/// The bytes derived from a name are no key, or the key cannot sign.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the key is outside of the curve's order: choose another name")]
pub struct WalletError;
