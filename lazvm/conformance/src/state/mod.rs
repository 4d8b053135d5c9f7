//! General state tests: one transaction on one state.

mod case;

use lazvm::{
    LazEvmFactory,
    alloy_evm::EthEvmFactory,
    revm::{context::CfgEnv, primitives::hardfork::SpecId},
};
use revm_statetest_types::{SpecName, TestSuite, TestUnit};

use self::case::Case;
use crate::{Engines, Report, engine::control};

/// Runs each case of a file.
pub(crate) fn run(
    file: &str,
    text: &str,
    engines: Engines,
    laz: &LazEvmFactory,
    report: &mut Report,
) -> Result<(), serde_json::Error> {
    let suite: TestSuite = serde_json::from_str(text)?;
    for (name, unit) in suite.0 {
        let state = unit.state();
        for (spec, tests) in &unit.post {
            if matches!(spec, SpecName::Constantinople | SpecName::Unknown) {
                report.skip("a fork that revm has no rules for", tests.len() as u64);
                continue;
            }
            let mut cfg = configuration(&unit, spec.to_spec_id());
            let block = unit.block_env(&mut cfg);
            for (index, test) in tests.iter().enumerate() {
                let case = Case { unit: &unit, test, state: &state, cfg: &cfg, block: &block };
                let checked = match engines {
                    Engines::Laz => case.check(laz),
                    Engines::Control => case.check(&control(laz, block.basefee)),
                    Engines::Ethereum => case.check(&EthEvmFactory::default()),
                    Engines::Both => case.compare(laz, &EthEvmFactory::default()),
                };
                report.note(|| format!("{file} {name} {spec:?} {index}"), checked);
            }
        }
    }
    Ok(())
}

fn configuration(unit: &TestUnit, spec: SpecId) -> CfgEnv {
    let mut cfg = CfgEnv::default();
    cfg.chain_id = unit.env.current_chain_id.map_or(1, |id| id.saturating_to());
    cfg.set_spec_and_mainnet_gas_params(spec);
    let prague_alone = spec.is_enabled_in(SpecId::PRAGUE) && !spec.is_enabled_in(SpecId::OSAKA);
    cfg.set_max_blobs_per_tx(if prague_alone { 9 } else { 6 });
    cfg
}
