//! The Solidity interfaces of `solidity/LazAI.sol`, for Rust callers.
//!
//! `ILazInference::generateCall { .. }.abi_encode()` makes calldata,
//! `ILazInference::generateCall::abi_decode_returns` reads the result, and
//! [`ILazErrors::ILazErrorsErrors`] a revert.

#![allow(clippy::too_many_arguments, missing_docs, reason = "generated from Solidity")]

pub use alloy_sol_types::{SolCall, SolError, SolInterface, SolValue};

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    "solidity/LazAI.sol"
);
