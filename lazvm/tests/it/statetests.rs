//! The official state tests, with the AI precompiles live.

use std::sync::Arc;

use lazai_gas::Resources;
use lazvm::{LazEvmFactory, revm::context::BlockEnv};

use crate::conformance::{Tally, files, fixtures, run_file};
use crate::support::{Letters, builder};

fn run(folder: &std::path::Path, factory: &dyn Fn(&BlockEnv) -> LazEvmFactory) -> Tally {
    let mut tally = Tally::default();
    for file in files(folder) {
        run_file(&file, factory, &mut tally);
    }
    tally
}

#[test]
fn every_state_test_passes() {
    let Some(folder) = fixtures("statetests") else { return };
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    let tally = run(&folder, &|_| factory.clone());
    println!("state tests: {} passed, {} failed", tally.passed, tally.failed.len());
    tally.failed.iter().take(20).for_each(|failure| println!("  {failure}"));
    assert!(tally.failed.is_empty());
    assert!(tally.passed > 0, "no case was run");
    assert_eq!(device.counts(), (0, 0), "a state test must not reach the device");
}

/// Shows that the runner above can fail: a chain with other prices is not Ethereum.
#[test]
fn other_prices_fail_the_state_tests() {
    let Some(folder) = fixtures("statetests") else { return };
    let device = Arc::new(Letters::default());
    let factory = builder(&device).factory().unwrap();
    let tally = run(&folder, &|block| {
        let skewed = Resources { evm: block.basefee / 2, ..Resources::uniform(block.basefee) };
        factory.clone().with_base_fees(Some(skewed))
    });
    println!("with other prices: {} passed, {} failed", tally.passed, tally.failed.len());
    assert!(tally.failed.len() > tally.passed);
    assert!(tally.failed.iter().all(|failure| failure.contains("expected root")));
}
