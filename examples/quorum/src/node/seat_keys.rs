use alloy_primitives::keccak256;
use lazai_consensus::{QuorumId, bls::SecretKey, chain::Seat};
use lazai_simplex::IdentitySecret;
use lazvm_executor::Wallet;

use crate::node::SetupError;

/// The keys of one validator. Anyone can compute them: they are for examples and tests.
#[derive(Clone, Debug)]
pub struct SeatKeys {
    /// Wallet that receives the tips of the validator's blocks.
    pub wallet: Wallet,
    /// Key of its network connections.
    pub identity: IdentitySecret,
    /// Key of its votes.
    pub vote_key: SecretKey,
}

impl SeatKeys {
    /// Derives the keys of validator `index`.
    ///
    /// # Errors
    /// [`SetupError`] if the derived bytes are no keys, which does not happen for the example's
    /// indices.
    pub fn new(index: usize) -> Result<Self, SetupError> {
        let secret = |what: &str| keccak256(format!("lazvm/example-seat/1/{what}/{index}")).0;
        Ok(Self {
            wallet: Wallet::named(&format!("validator {index}"), CHAIN_ID)?,
            identity: IdentitySecret(secret("identity")),
            vote_key: SecretKey::from_seed(&secret("vote"))?,
        })
    }

    pub(super) fn seat(&self, quorum: QuorumId) -> Seat {
        let operator = self.wallet.address();
        Seat {
            quorum,
            operator,
            identity: self.identity.public_key(),
            vote_key: self.vote_key.public_key(),
            possession: self.vote_key.prove_possession(operator),
            weight: 1,
        }
    }
}

/// Chain id of the example.
pub const CHAIN_ID: u64 = 1_337;
