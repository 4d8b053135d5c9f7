//! The official tests that lie beside the repository, or in the folder that `LAZVM_FIXTURES` names.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    path::{Path, PathBuf},
};

use lazvm_conformance::{Engines, Kind, Options, Report, run};

/// Returns the folder `name` of the fixtures, or `None`, with a message, where there are no
/// fixtures. A folder that `LAZVM_FIXTURES` names must hold it.
fn fixtures(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let named = env::var_os("LAZVM_FIXTURES").map(PathBuf::from);
    let required = named.is_some();
    let folder = named.unwrap_or_else(|| workspace.join("../shared/fixtures")).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(!required, "LAZVM_FIXTURES: expected {}, which is absent", folder.display());
    println!(
        "skipped: no {}; LAZVM_FIXTURES may name a folder that holds {name}/",
        folder.display()
    );
    None
}

fn report(name: &str, engines: Engines, kind: Kind) -> Option<Report> {
    let folder = fixtures(name)?;
    let report = run(&[folder], Options { engines, kind: Some(kind) }, &|_, _| ());
    println!("{name}, {engines:?}: {} passed, {} failed", report.passed, report.failed.len());
    for failure in report.failed.iter().take(20) {
        println!("  {}: {}", failure.case, failure.why);
    }
    assert!(report.passed > 0, "no case was run");
    Some(report)
}

#[test]
fn every_state_test_passes() {
    for engines in [Engines::Laz, Engines::Both] {
        let Some(report) = report("statetests", engines, Kind::States) else { return };
        assert!(report.failed.is_empty());
    }
}

#[test]
fn every_block_test_passes() {
    for engines in [Engines::Laz, Engines::Ethereum, Engines::Both] {
        let Some(report) = report("blocktests", engines, Kind::Blocks) else { return };
        assert!(report.failed.is_empty());
    }
}

/// Shows that the runner can fail: a chain with other prices is not Ethereum.
#[test]
fn other_prices_fail() {
    for (name, kind, reason) in
        [("statetests", Kind::States, "expected root"), ("blocktests", Kind::Blocks, "block ")]
    {
        let Some(report) = report(name, Engines::Control, kind) else { return };
        assert!(report.failed.len() as u64 > report.passed);
        for failure in &report.failed {
            assert!(failure.why.contains(reason), "{}: {}", failure.case, failure.why);
        }
    }
}

#[test]
fn a_folder_that_is_absent_is_a_failure() {
    let options = Options { engines: Engines::Laz, kind: None };
    let report = run(&[PathBuf::from("/nowhere/to/be/found")], options, &|_, _| ());
    assert_eq!((report.passed, report.failed.len()), (0, 1));
}
