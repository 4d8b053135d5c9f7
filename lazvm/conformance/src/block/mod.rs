//! Blockchain tests: chains of blocks, valid and not, above a genesis block.

mod chain;
mod fixture;
mod network;
mod node;

use std::{collections::BTreeMap, sync::Arc};

use lazvm::LazEvmFactory;
use lazvm_blocks::{
    ChainSpec, EthExecutors, EthereumExecutors, Importer, LazBlockExecutors, LazExecutors,
};

use self::{chain::Chain, fixture::Case};
use crate::{Engines, Report, Verdict, engine::control};

/// Runs each case of a file.
pub(crate) fn run(
    file: &str,
    text: &str,
    engines: Engines,
    laz: &LazEvmFactory,
    report: &mut Report,
) -> Result<(), serde_json::Error> {
    let suite: BTreeMap<String, Case> = serde_json::from_str(text)?;
    for (name, case) in suite {
        let spec = match network::chain_spec(&case) {
            Ok(spec) => Arc::new(spec),
            Err(reason) => {
                report.skip(reason, 1);
                continue;
            }
        };
        if case.genesis_rlp.is_none() {
            report.skip("no genesis block", 1);
            continue;
        }
        let checked = match engines {
            Engines::Laz => check(&case, |_| LazExecutors::new(Arc::clone(&spec), laz.clone())),
            Engines::Control => {
                check(&case, |fee| LazExecutors::new(Arc::clone(&spec), control(laz, fee)))
            }
            Engines::Ethereum => check(&case, |_| EthExecutors::ethereum(Arc::clone(&spec))),
            Engines::Both => compare(&case, &spec, laz),
        };
        report.note(|| format!("{file} {name}"), checked);
    }
    Ok(())
}

/// Checks that each block is accepted or refused as the case says, and which is the last.
fn check<F: EthereumExecutors>(
    case: &Case,
    executors: impl Fn(u64) -> LazBlockExecutors<F>,
) -> Result<(), String> {
    let mut chain = Chain::new(case)?;
    for (index, block) in case.blocks.iter().enumerate() {
        let verdict = chain.import(&block.rlp, |fee| Importer::new(executors(fee)));
        match (verdict, &block.expect_exception) {
            (Verdict::Accepted { .. }, None) | (Verdict::Refused { .. }, Some(_)) => {}
            (Verdict::Accepted { .. }, Some(expected)) => {
                return Err(format!("block {index}: expected {expected}, and it was accepted"));
            }
            (Verdict::Refused { why }, None) => return Err(format!("block {index}: {why}")),
        }
    }
    chain.check_last(case)
}

/// Checks that LazVM makes the same of each block as Ethereum's own EVM.
fn compare(case: &Case, spec: &Arc<ChainSpec>, laz: &LazEvmFactory) -> Result<(), String> {
    let (mut left, mut right) = (Chain::new(case)?, Chain::new(case)?);
    for (index, block) in case.blocks.iter().enumerate() {
        let got = left.import(&block.rlp, |_| {
            Importer::new(LazExecutors::new(Arc::clone(spec), laz.clone()))
        });
        let expected =
            right.import(&block.rlp, |_| Importer::new(EthExecutors::ethereum(Arc::clone(spec))));
        if got != expected {
            return Err(format!("block {index}: Ethereum's {expected}; LazVM's {got}"));
        }
    }
    Ok(())
}
