//! The addresses of the precompiles.

use alloy_primitives::{Address, Bytes, address};

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

/// An AI precompile, which a host finds by the address of a call.
///
/// # Examples
/// ```
/// use lazai_precompiles::{Precompile, address};
///
/// assert_eq!(Precompile::at(&address::QUOTE), Some(Precompile::Quote));
/// assert_eq!(Precompile::Quote.address(), address::QUOTE);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Precompile {
    /// At [`INFERENCE`].
    Inference,
    /// At [`PROOF_VERIFIER`].
    ProofVerifier,
    /// At [`QUOTE`].
    Quote,
    /// At [`RAW_PROMPT`].
    RawPrompt,
    /// At [`TOKENIZER`].
    Tokenizer,
}

impl Precompile {
    /// All of them, by ascending address.
    pub const ALL: [Self; 5] =
        [Self::RawPrompt, Self::Inference, Self::Tokenizer, Self::ProofVerifier, Self::Quote];

    /// Returns the precompile at `address`, if there is one.
    #[inline]
    #[must_use]
    pub fn at(address: &Address) -> Option<Self> {
        // Hosts ask this at every call of a contract, and nearly no address begins with these
        // zeros.
        if !address.starts_with(&[0; 16]) {
            return None;
        }
        Self::ALL.into_iter().find(|precompile| precompile.address() == *address)
    }

    /// Returns the accounts that a genesis block gives the precompiles: one byte of code each,
    /// which never runs.
    ///
    /// Tools and contracts ask whether an address has code before they call it: Solidity before
    /// 0.8.10 at each call through an interface, `isContract`, explorers. The byte is `STOP`, so
    /// that an account which delegates to a precompile still does nothing (EIP-7702), and a call
    /// before the precompiles are active succeeds without output, as at an address without code.
    ///
    /// # Examples
    /// ```
    /// use lazai_precompiles::{Precompile, address};
    ///
    /// let accounts = Precompile::genesis_accounts();
    /// assert!(accounts.iter().all(|(_, code)| code[..] == [0x00]));
    /// assert!(accounts.iter().any(|(address, _)| *address == address::INFERENCE));
    /// ```
    #[must_use]
    pub fn genesis_accounts() -> [(Address, Bytes); 5] {
        Self::ALL.map(|precompile| (precompile.address(), Bytes::from_static(&[STOP])))
    }

    /// Returns the address of the precompile.
    #[must_use]
    pub const fn address(self) -> Address {
        match self {
            Self::Inference => INFERENCE,
            Self::ProofVerifier => PROOF_VERIFIER,
            Self::Quote => QUOTE,
            Self::RawPrompt => RAW_PROMPT,
            Self::Tokenizer => TOKENIZER,
        }
    }
}

/// The instruction that ends a call with success.
const STOP: u8 = 0x00;
