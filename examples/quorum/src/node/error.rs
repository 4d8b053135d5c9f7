use lazai_consensus::{CommitteeError, bls::InvalidKeyMaterial, chain::ChainCommitteeError};
use lazvm_executor::WalletError;

/// Why the example's keys and ports do not make a chain and its quorums.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The validators do not make a committee.
    #[error(transparent)]
    Chain(#[from] ChainCommitteeError),
    /// The bytes derived for a voting key are no key.
    #[error(transparent)]
    Key(#[from] InvalidKeyMaterial),
    /// There are fewer ports than nodes.
    #[error("node {index} has no port: name one for each node")]
    NoPort {
        /// Index of the node.
        index: usize,
    },
    /// The members of a quorum do not make a committee.
    #[error(transparent)]
    Quorum(#[from] CommitteeError),
    /// The bytes derived for a wallet are no key.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}
