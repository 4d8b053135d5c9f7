use alloc::string::ToString;

use alloy_evm::{EvmInternals, EvmInternalsError};
use alloy_primitives::{Address, Bytes, Log};
use lazai_api_types::{Fault, FaultKind};
use lazai_precompiles::{ChainState, CodeAccount};
use revm::bytecode::Bytecode;

/// The state as a transaction sees it. Writes go to the journal, so a revert undoes them.
#[derive(Debug)]
pub(crate) struct JournaledState<'a>(pub(crate) EvmInternals<'a>);

impl ChainState for JournaledState<'_> {
    fn account(&mut self, address: Address) -> Result<CodeAccount, Fault> {
        let account = self.0.load_account_code(address).map_err(unreadable)?;
        let code = account.code().map(Bytecode::original_bytes).unwrap_or_default();
        Ok(CodeAccount { nonce: account.nonce(), code })
    }

    fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), Fault> {
        self.0.set_code(address, Bytecode::new_legacy(code)).map_err(unreadable)
    }

    fn log(&mut self, log: Log) {
        self.0.log(log);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a function for `map_err`")]
fn unreadable(error: EvmInternalsError) -> Fault {
    Fault { kind: FaultKind::State, message: error.to_string() }
}
