use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};

use super::{AuthorizationError, Credentials, WalletSignature};
use crate::{DatId, ModelId, Nonce};

/// What a user allows, as EIP-712 typed data that a wallet can show.
///
/// A server builds it from what it has received and knows itself, never from what the client claims
/// to have signed; then a signature over anything else does not verify. The body must not hold the
/// signature, since that would have to cover itself: it travels in the headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Authorization {
    /// The chain on which the fee is paid.
    pub chain_id: u64,
    /// The address of the user, who pays.
    pub user: Address,
    /// The wallet of the node that is asked.
    pub node: Address,
    /// The kind of the request.
    pub kind: RequestKind,
    /// [`body_hash`] of the request.
    pub body_hash: B256,
    /// The model to run, by its weights and not by a name.
    pub model: ModelId,
    /// The data that the answer may use.
    pub dat_id: Option<DatId>,
    /// Makes the signature hold once.
    pub nonce: Nonce,
    /// The highest fee, in the smallest unit of the chain's coin.
    pub max_fee: U256,
    /// The last second in which the signature holds, in Unix time.
    pub deadline: u64,
}

impl Authorization {
    /// Returns the EIP-712 domain: name `LazVM`, version `1`, and the chain.
    #[must_use]
    pub const fn domain(&self) -> Eip712Domain {
        eip712_domain! { name: "LazVM", version: "1", chain_id: self.chain_id, }
    }

    /// Returns the digest that the signature is over.
    ///
    /// # Errors
    /// [`AuthorizationError::ZeroDatId`]: 0 stands for no data, so it cannot be the id of any.
    pub fn digest(&self) -> Result<B256, AuthorizationError> {
        let dat_id = match self.dat_id {
            None => U256::ZERO,
            Some(DatId(U256::ZERO)) => return Err(AuthorizationError::ZeroDatId),
            Some(DatId(id)) => id,
        };
        let data = sol::RequestAuthorization {
            user: self.user,
            node: self.node,
            kind: self.kind as u8,
            bodyHash: self.body_hash,
            model: self.model.0,
            datId: dat_id,
            nonce: self.nonce.0,
            maxFee: self.max_fee,
            deadline: self.deadline,
        };
        Ok(data.eip712_signing_hash(&self.domain()))
    }

    /// Returns who made `signature`, if this is what they allowed; otherwise some other address.
    ///
    /// # Errors
    /// [`AuthorizationError::ZeroDatId`] or [`AuthorizationError::Unrecoverable`].
    pub fn recover(&self, signature: &WalletSignature) -> Result<Address, AuthorizationError> {
        signature.recover(&self.digest()?)
    }

    /// Checks that the user made `signature`, and it holds at `now`, in Unix seconds.
    ///
    /// # Errors
    /// [`AuthorizationError::Expired`], [`AuthorizationError::ZeroDatId`],
    /// [`AuthorizationError::Unrecoverable`] or [`AuthorizationError::SignerMismatch`].
    pub fn verify(&self, signature: &WalletSignature, now: u64) -> Result<(), AuthorizationError> {
        if now > self.deadline {
            return Err(AuthorizationError::Expired { deadline: self.deadline, now });
        }
        signature.verify(&self.digest()?, self.user)
    }

    /// Checks that the user allowed this `fee`.
    ///
    /// # Errors
    /// [`AuthorizationError::FeeAboveMaximum`].
    pub fn check_fee(&self, fee: U256) -> Result<(), AuthorizationError> {
        if fee > self.max_fee {
            return Err(AuthorizationError::FeeAboveMaximum { fee, maximum: self.max_fee });
        }
        Ok(())
    }

    /// Takes over user, nonce and data id from the credentials of a request.
    #[must_use]
    pub const fn with_credentials(mut self, credentials: &Credentials) -> Self {
        self.user = credentials.user;
        self.nonce = credentials.nonce;
        self.dat_id = credentials.dat_id;
        self
    }
}

/// The kinds of requests, with the numbers that the deployed servers use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum RequestKind {
    /// A search in data.
    Query = 0,
    /// An answer of a model.
    Inference = 1,
    /// The training of a model.
    Training = 2,
}

/// Returns the hash of a request's body, byte for byte as it was sent.
#[must_use]
pub fn body_hash(body: &[u8]) -> B256 {
    keccak256(body)
}

mod sol {
    alloy_sol_types::sol! {
        struct RequestAuthorization {
            address user;
            address node;
            uint8 kind;
            bytes32 bodyHash;
            bytes32 model;
            uint256 datId;
            uint256 nonce;
            uint256 maxFee;
            uint64 deadline;
        }
    }
}
