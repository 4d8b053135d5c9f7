use alloy_primitives::{B256, Log, keccak256};
use lazvm::{
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{
        DatabaseCommit,
        context::{BlockEnv, CfgEnv, TxEnv, result::ResultAndState},
        database::{CacheState, State},
        inspector::CountInspector,
        primitives::hardfork::SpecId,
    },
};
use revm_statetest_types::{Test, TestUnit};

use crate::{Verdict, root::root};

/// A transaction, the state that it is executed on, and what comes of it.
pub(super) struct Case<'a> {
    pub(super) unit: &'a TestUnit,
    pub(super) test: &'a Test,
    pub(super) state: &'a CacheState,
    pub(super) cfg: &'a CfgEnv,
    pub(super) block: &'a BlockEnv,
}

impl Case<'_> {
    /// Checks that the case comes out as its file says, with and without an inspector.
    pub(super) fn check<F>(&self, factory: &F) -> Result<(), String>
    where
        F: EvmFactory<Tx = TxEnv, Spec = SpecId, BlockEnv = BlockEnv>,
    {
        let verdict = self.verdict(factory, false)?;
        // An inspector must not change anything.
        if verdict != self.verdict(factory, true)? {
            return Err("the result differs under an inspector".into());
        }
        match (verdict, &self.test.expect_exception) {
            (Verdict::Refused { .. }, Some(_)) => Ok(()),
            (Verdict::Refused { why }, None) => Err(format!("expected success, got {why}")),
            (Verdict::Accepted { .. }, Some(exception)) => {
                Err(format!("expected {exception}, got success"))
            }
            (Verdict::Accepted { root, .. }, None) if root != self.test.hash => {
                Err(format!("expected root {}, got {root}", self.test.hash))
            }
            (Verdict::Accepted { digest, .. }, None) if digest != self.test.logs => {
                Err(format!("expected logs {}, got {digest}", self.test.logs))
            }
            (Verdict::Accepted { .. }, None) => Ok(()),
        }
    }

    /// Checks that two factories make the same of the case.
    pub(super) fn compare<F, G>(&self, factory: &F, other: &G) -> Result<(), String>
    where
        F: EvmFactory<Tx = TxEnv, Spec = SpecId, BlockEnv = BlockEnv>,
        G: EvmFactory<Tx = TxEnv, Spec = SpecId, BlockEnv = BlockEnv>,
    {
        match (self.verdict(factory, false)?, self.verdict(other, false)?) {
            (got, expected) if got == expected => Ok(()),
            (got, expected) => Err(format!("Ethereum's {expected}; LazVM's {got}")),
        }
    }

    fn verdict<F>(&self, factory: &F, inspect: bool) -> Result<Verdict, String>
    where
        F: EvmFactory<Tx = TxEnv, Spec = SpecId, BlockEnv = BlockEnv>,
    {
        let tx = match self.test.tx_env(self.unit) {
            Ok(tx) => tx,
            Err(error) => return Ok(Verdict::refused(error)),
        };
        let mut state =
            State::builder().with_cached_prestate(self.state.clone()).with_bundle_update().build();
        let env = EvmEnv { cfg_env: self.cfg.clone(), block_env: self.block.clone() };
        let result: Result<ResultAndState<F::HaltReason>, _> = if inspect {
            let inspector = CountInspector::new();
            let mut evm = factory.create_evm_with_inspector(&mut state, env, inspector);
            evm.transact_raw(tx).map_err(|error| error.to_string())
        } else {
            let mut evm = factory.create_evm(&mut state, env);
            evm.transact_raw(tx).map_err(|error| error.to_string())
        };
        let ResultAndState { result, state: changes } = match result {
            Ok(result) => result,
            Err(error) => return Ok(Verdict::refused(error)),
        };
        state.commit(changes);
        if let (Some(expected), Some(got)) = (&self.unit.out, result.output())
            && expected != got
        {
            return Err(format!("expected output {expected}, got {got}"));
        }
        Ok(Verdict::Accepted { root: root(&state.cache), digest: log_hash(result.logs()) })
    }
}

fn log_hash(logs: &[Log]) -> B256 {
    let mut out = Vec::new();
    alloy_rlp::encode_list(logs, &mut out);
    keccak256(&out)
}
