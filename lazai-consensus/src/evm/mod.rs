//! Certificates and double votes as contracts of any chain with EIP-2537 check them:
//! `contracts/QuorumVerifier.sol` and `contracts/DoubleVoteVerifier.sol`.
//!
//! A contract keeps the root of a committee alone. A certificate for it brings the sum of all keys,
//! which the root binds, and the keys of the members that did not sign, to be taken from the sum:
//! when all signed, the contract reads one key.

use alloc::vec::Vec;

mod certificate;
mod double_vote;
mod siblings;

pub use certificate::{EvmCertificate, to_evm_calldata};
pub use double_vote::double_vote_calldata;

/// Encodes a `bytes32` and then each of `arguments` as `bytes` behind a selector, as Solidity does.
#[must_use]
pub fn calldata(selector: [u8; 4], root: &[u8; 32], arguments: &[&[u8]]) -> Vec<u8> {
    let mut calldata = selector.to_vec();
    calldata.extend_from_slice(root);
    let mut offset = arguments.len().saturating_add(1).saturating_mul(32);
    for argument in arguments {
        calldata.extend_from_slice(&word(offset));
        offset = offset.saturating_add(32).saturating_add(argument.len().next_multiple_of(32));
    }
    for argument in arguments {
        calldata.extend_from_slice(&word(argument.len()));
        calldata.extend_from_slice(argument);
        let padding = argument.len().next_multiple_of(32).saturating_sub(argument.len());
        calldata.resize(calldata.len().saturating_add(padding), 0);
    }
    calldata
}

fn word(number: usize) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&(number as u64).to_be_bytes());
    word
}
