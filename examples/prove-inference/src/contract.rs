use lazai_api_types::InferenceStatement;
use lazai_halo2::{Proof, SolidityVerifier, VerifyingKey};

use crate::{chain::Chain, error::Error, solc::Solc};

/// What the Solidity verifier took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    /// Bytes of the contract.
    pub(crate) contract_bytes: usize,
    /// Gas of putting it on the chain.
    pub(crate) deployment_gas: u64,
    /// Gas of the transaction that checks the proof.
    pub(crate) evm_gas: u64,
}

/// Compiles the Solidity verifier of `key`, puts it on the chain, and lets it check the proof, and
/// the proof of another statement.
pub(crate) fn check(
    chain: &mut Chain,
    key: &VerifyingKey,
    source: &SolidityVerifier,
    proof: &Proof,
) -> Result<Checked, Error> {
    let code = Solc::install()?.compile(&source.source, source.name)?;
    let contract_bytes = code.runtime_bytes;
    if contract_bytes > EIP_170_BYTES {
        return Err(Error::Solc(format!(
            "the contract has {contract_bytes} bytes, and a chain takes {EIP_170_BYTES} at most"
        )));
    }
    let (contract, deployment_gas) = chain.deploy(&code.deployment)?;
    let call = |statement: &InferenceStatement| {
        source.call(key, statement, &proof.bytes).ok_or(Error::Verdict("the Solidity verifier"))
    };
    let verdict = chain.ask(contract, call(&proof.statement)?)?;
    let mut other = proof.statement;
    other.context.0[31] ^= 1;
    if !verdict.valid || chain.ask(contract, call(&other)?)?.valid {
        return Err(Error::Verdict("the Solidity verifier"));
    }
    Ok(Checked { contract_bytes, deployment_gas, evm_gas: verdict.gas })
}

/// Bytes of code that a contract may have.
const EIP_170_BYTES: usize = 24_576;

#[cfg(test)]
mod tests;
