use std::{fs, path::Path};

use alloy_primitives::{B256, Log, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use lazvm::{
    LazEvmFactory,
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{
        DatabaseCommit,
        context::{BlockEnv, CfgEnv, TxEnv, result::ResultAndState},
        database::{CacheState, EmptyDB, State},
        inspector::CountInspector,
        primitives::hardfork::SpecId,
    },
};
use revm_statetest_types::{SpecName, Test, TestSuite, TestUnit};

/// How many cases passed, and what was wrong with the others.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: Vec<String>,
}

/// Runs each case of a state test file, on what `factory` gives for its block.
pub(crate) fn run_file(
    path: &Path,
    factory: &dyn Fn(&BlockEnv) -> LazEvmFactory,
    tally: &mut Tally,
) {
    let text = fs::read_to_string(path).unwrap();
    let suite: TestSuite = match serde_json::from_str(&text) {
        Ok(suite) => suite,
        Err(error) => return tally.failed.push(format!("{}: {error}", path.display())),
    };
    for (name, unit) in suite.0 {
        let state = unit.state();
        for (spec, tests) in &unit.post {
            // Constantinople was replaced before it went live, and revm has no rules for it.
            if matches!(spec, SpecName::Constantinople | SpecName::Unknown) {
                continue;
            }
            let mut cfg = configuration(&unit, spec.to_spec_id());
            let block = unit.block_env(&mut cfg);
            let factory = factory(&block);
            for (index, test) in tests.iter().enumerate() {
                let case = Case { unit: &unit, test, state: &state, cfg: &cfg, block: &block };
                match case.check(&factory) {
                    Ok(()) => tally.passed += 1,
                    Err(why) => {
                        let file = path.file_name().unwrap().display();
                        tally.failed.push(format!("{file} {name} {spec:?} {index}: {why}"));
                    }
                }
            }
        }
    }
}

fn configuration(unit: &TestUnit, spec: SpecId) -> CfgEnv {
    let mut cfg = CfgEnv::default();
    cfg.chain_id = unit.env.current_chain_id.map_or(1, |id| id.saturating_to());
    cfg.set_spec_and_mainnet_gas_params(spec);
    let prague_alone = spec.is_enabled_in(SpecId::PRAGUE) && !spec.is_enabled_in(SpecId::OSAKA);
    cfg.set_max_blobs_per_tx(if prague_alone { 9 } else { 6 });
    cfg
}

struct Case<'a> {
    unit: &'a TestUnit,
    test: &'a Test,
    state: &'a CacheState,
    cfg: &'a CfgEnv,
    block: &'a BlockEnv,
}

impl Case<'_> {
    fn check(&self, factory: &LazEvmFactory) -> Result<(), String> {
        let expected_exception = self.test.expect_exception.as_deref();
        let tx = match (self.test.tx_env(self.unit), expected_exception) {
            (Ok(tx), _) => tx,
            (Err(_), Some(_)) => return Ok(()),
            (Err(error), None) => return Err(error.to_string()),
        };
        let result = self.run(factory, tx.clone(), false);
        // An inspector must not change anything.
        if result != self.run(factory, tx, true) {
            return Err("the result differs under an inspector".into());
        }
        let (result, root) = match (result, expected_exception) {
            (Ok(done), None) => done,
            (Err(_), Some(_)) => return Ok(()),
            (Ok(_), Some(exception)) => return Err(format!("expected {exception}, got success")),
            (Err(error), None) => return Err(format!("expected success, got {error}")),
        };
        let logs = log_hash(result.result.logs());
        if logs != self.test.logs {
            return Err(format!("expected logs {}, got {logs}", self.test.logs));
        }
        if root != self.test.hash {
            return Err(format!("expected root {}, got {root}", self.test.hash));
        }
        match (&self.unit.out, result.result.output()) {
            (Some(expected), Some(got)) if expected != got => {
                Err(format!("expected output {expected}, got {got}"))
            }
            _ => Ok(()),
        }
    }

    fn run(
        &self,
        factory: &LazEvmFactory,
        tx: TxEnv,
        inspect: bool,
    ) -> Result<(ResultAndState, B256), String> {
        let mut state =
            State::builder().with_cached_prestate(self.state.clone()).with_bundle_update().build();
        let env = EvmEnv { cfg_env: self.cfg.clone(), block_env: self.block.clone() };
        let result = if inspect {
            let inspector = CountInspector::new();
            factory.create_evm_with_inspector(&mut state, env, inspector).transact_raw(tx)
        } else {
            factory.create_evm(&mut state, env).transact_raw(tx)
        };
        let result = result.map_err(|error| error.to_string())?;
        state.commit(result.state.clone());
        Ok((result, root(&state)))
    }
}

fn root(state: &State<EmptyDB>) -> B256 {
    let accounts = state.cache.trie_account().into_iter().map(|(address, account)| {
        let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let account = TrieAccount {
            nonce: account.info.nonce,
            balance: account.info.balance,
            storage_root: storage_root_unhashed(
                slots.map(|(key, value)| (B256::from(*key), *value)),
            ),
            code_hash: account.info.code_hash,
        };
        (address, account)
    });
    state_root_unhashed(accounts)
}

fn log_hash(logs: &[Log]) -> B256 {
    let mut out = Vec::new();
    alloy_rlp::encode_list(logs, &mut out);
    keccak256(&out)
}
