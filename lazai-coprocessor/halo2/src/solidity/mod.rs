//! The verifier of one key as a Solidity contract, for chains without the precompile.

mod cost;
mod generate;
mod rewrite;

pub use generate::SolidityVerifier;

#[cfg(test)]
mod tests;
