use alloc::{string::String, vec::Vec};

use alloy_primitives::{Address, B256, U256, eip191_hash_message, keccak256};
use alloy_sol_types::SolValue;

use super::{AuthorizationError, WalletSignature};
use crate::Nonce;

/// What published clients sign to make a request.
///
/// `keccak256("\x19Ethereum Signed Message:\n32" || keccak256(abi.encode(uint256 nonce, address
/// user, address node)))`. It binds neither chain, request, data nor fee: whoever holds it can
/// spend the user's deposit at this node. Use [`Authorization`](super::Authorization) where the
/// client can.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestMessage {
    /// Makes the signature hold once.
    pub nonce: Nonce,
    /// The address of the user, who pays.
    pub user: Address,
    /// The wallet of the node that is asked.
    pub node: Address,
}

impl RequestMessage {
    /// Returns the hash that a wallet is given to sign.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256((self.nonce.0, self.user, self.node).abi_encode())
    }

    /// Returns the digest that the signature is over.
    #[must_use]
    pub fn digest(&self) -> B256 {
        eip191_hash_message(self.hash())
    }

    /// Checks that the user made `signature`.
    ///
    /// # Errors
    /// [`AuthorizationError::Unrecoverable`] or [`AuthorizationError::SignerMismatch`].
    pub fn verify(&self, signature: &WalletSignature) -> Result<(), AuthorizationError> {
        signature.verify(&self.digest(), self.user)
    }
}

/// What a node signs to be paid for a request by the deployed contracts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettlementMessage {
    /// The id of the answer.
    pub id: String,
    /// The account that pays.
    pub user: Address,
    /// The fee that the node takes, in wei.
    pub cost: U256,
    /// The nonce of the request.
    pub nonce: Nonce,
    /// The signature of the request.
    pub user_signature: Vec<u8>,
}

impl SettlementMessage {
    /// Returns the hash that a wallet is given to sign.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let data = SettlementData {
            id: self.id.clone(),
            user: self.user,
            cost: self.cost,
            nonce: self.nonce.0,
            userSignature: self.user_signature.clone().into(),
        };
        keccak256(data.abi_encode())
    }

    /// Returns the digest that the signature is over.
    #[must_use]
    pub fn digest(&self) -> B256 {
        eip191_hash_message(self.hash())
    }
}

/// What a verifying node signs about a file for the deployed contracts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileProofMessage {
    /// The id of the file.
    pub id: U256,
    /// The score that the verifier gave the file.
    pub score: U256,
    /// The address where the file lies.
    pub file_url: String,
    /// Where the proof lies.
    pub proof_url: String,
}

impl FileProofMessage {
    /// Returns the hash that a wallet is given to sign.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let data = ProofData {
            id: self.id,
            score: self.score,
            fileUrl: self.file_url.clone(),
            proofUrl: self.proof_url.clone(),
        };
        keccak256(data.abi_encode())
    }

    /// Returns the digest that the signature is over.
    #[must_use]
    pub fn digest(&self) -> B256 {
        eip191_hash_message(self.hash())
    }
}

alloy_sol_types::sol! {
    struct SettlementData {
        string id;
        address user;
        uint256 cost;
        uint256 nonce;
        bytes userSignature;
    }

    struct ProofData {
        uint256 id;
        uint256 score;
        string fileUrl;
        string proofUrl;
    }
}
