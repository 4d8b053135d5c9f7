//! Certificates and double votes in an EVM: through the precompile, and through the contracts.

mod certificates;
mod chain;
mod double_votes;
mod precompile;
