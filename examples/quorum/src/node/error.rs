use std::io;

use lazai_api_types::chain::ExecutionError;
use lazai_availability::StoreError;
use lazai_consensus::{
    CommitteeError, VoteStoreError, bls::InvalidKeyMaterial, chain::ChainCommitteeError,
};
use lazai_quorum::LedgerError;
use lazai_quorum_network::NetworkError;
use lazai_simplex::ChainError;
use lazvm_executor::{OpenError, WalletError};

use crate::device::DeviceError;

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

/// Why a validator stopped.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ValidatorError {
    /// The consensus engine failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The shipped model cannot be run.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The executor has stopped.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The folder of a quorum member cannot be created.
    #[error("the folder of a quorum member cannot be created: {0}")]
    Io(#[from] io::Error),
    /// The certificates of a quorum member cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A quorum member cannot connect to the others.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The state of the chain cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The example's keys and ports do not fit.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The shards of a quorum member cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The votes of a quorum member cannot be read.
    #[error(transparent)]
    Votes(#[from] VoteStoreError),
}
