//! Where the precompiles stand.

use alloy_primitives::{Address, address};

/// Runs models: [`ILazInference`](crate::abi::ILazInference).
pub const INFERENCE: Address = address!("0000000000000000000000000000000000a10001");
/// Turns text into tokens and back: [`ILazTokenizer`](crate::abi::ILazTokenizer).
pub const TOKENIZER: Address = address!("0000000000000000000000000000000000a10002");
/// Checks proofs: [`ILazProofVerifier`](crate::abi::ILazProofVerifier).
pub const PROOF_VERIFIER: Address = address!("0000000000000000000000000000000000a10005");
/// Tells prices: [`ILazQuote`](crate::abi::ILazQuote).
pub const QUOTE: Address = address!("0000000000000000000000000000000000a10006");
/// Raw UTF-8 prompt in, raw UTF-8 completion out.
pub const RAW_PROMPT: Address = address!("0000000000000000000000000000000000000999");

pub(crate) const ALL: [Address; 5] = [RAW_PROMPT, INFERENCE, TOKENIZER, PROOF_VERIFIER, QUOTE];
