use alloy_primitives::Address;
use lazai_api_types::{Fault, ProofSystemId};
use lazai_precompiles::DuplicateVerifier;
use revm::{bytecode::BytecodeDecodeError, context_interface::result::EVMError};

/// Why a transaction has no result. Its state is untouched and it must not get a receipt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LazVmError<DBError> {
    /// The block is invalid: its header contradicts the base fees of the resources.
    #[error(transparent)]
    BaseFee(BaseFeeMismatch),
    /// The transaction or the block is invalid, or the database failed.
    #[error(transparent)]
    Evm(EVMError<DBError>),
    /// This machine failed; others may not, so the same transaction may succeed there.
    #[error("the transaction was aborted by a {0}")]
    Fault(Fault),
    /// A state override that is none.
    #[error(transparent)]
    Override(#[from] InvalidOverride),
}

/// Code of a state override that no account can have: it begins as a delegation (EIP-7702) and is
/// none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the code given for {address} is no delegation, whose first bytes it has: {error}")]
pub struct InvalidOverride {
    /// The account.
    pub address: Address,
    /// What is wrong with the code.
    #[source]
    pub error: BytecodeDecodeError,
}

/// A block whose header does not show the highest base fee of a resource, and is invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the block's base fee is {got}, but the highest base fee of a resource is {expected}")]
pub struct BaseFeeMismatch {
    /// The highest base fee of a resource.
    pub expected: u64,
    /// The base fee in the block.
    pub got: u64,
}

/// This node does not know the base fees of a block, which says nothing about its transactions.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the base fees of the block are not known: {fault}")]
pub struct UnknownBaseFees {
    /// Why it does not.
    #[source]
    pub fault: Fault,
}

/// Why a block's header is not accepted.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// The block is invalid.
    #[error(transparent)]
    BaseFee(#[from] BaseFeeMismatch),
    /// This node does not know the base fees of the block.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a [`LazVm`](crate::LazVm) cannot be built.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// The block's header and the base fees of the resources contradict each other.
    #[error(transparent)]
    BaseFeeMismatch(#[from] BaseFeeMismatch),
    /// Two verifiers claim one id.
    #[error("two verifiers claim the proof system {}", system.0)]
    DuplicateVerifier {
        /// The id claimed twice.
        system: ProofSystemId,
    },
    /// No coprocessor was given.
    #[error("a coprocessor is missing: there is nothing to run models on")]
    MissingCoprocessor,
}

impl From<DuplicateVerifier> for BuildError {
    fn from(DuplicateVerifier { system }: DuplicateVerifier) -> Self {
        Self::DuplicateVerifier { system }
    }
}
