//! Certificates and double votes as contracts of any chain with EIP-2537 check them:
//! `contracts/QuorumVerifier.sol` and `contracts/DoubleVoteVerifier.sol`.
//!
//! A contract keeps the root of a committee alone. A certificate for it brings the sum of all keys,
//! which the root binds, and the keys of the members that did not sign, to be taken from the sum:
//! when all signed, the contract reads one key.

mod calldata;
mod certificate;
mod double_vote;
mod siblings;

pub use calldata::calldata;
pub use certificate::{EvmCertificate, to_evm_calldata};
pub use double_vote::double_vote_calldata;
