//! Validators over TCP that are killed at random times: no fork, and no announced block is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path};

use quorum::{
    crash_test::{AuditError, CrashTestOptions, audit, run_crash_test},
    fleet::FinalBlocks,
};

#[test]
fn validators_that_are_killed_lose_nothing_and_never_fork() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_quorum"));
    let rounds = env::var("LAZVM_KILL_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let options = CrashTestOptions { rounds, seed: 1 };
    let report = run_crash_test(program, folder.path(), options, |round, restart| {
        println!("round {round}: {restart:?}");
    })
    .unwrap();
    assert_eq!(report.blackouts, rounds / 5);
    assert_eq!(report.restarts.len() as u64, rounds + report.blackouts * 3);
    assert!(report.height >= 3 + 2 * rounds && report.ai_blocks > 0, "{report:?}");
    let roots: Vec<_> = report.audited.iter().map(|audited| audited.replayed).collect();
    assert_eq!(roots, report.audited.iter().map(|audited| audited.height).collect::<Vec<_>>());

    // The audit finds a journal without its last block.
    let victim = folder.path().join("validator-0");
    let mut blocks = FinalBlocks::default();
    let audited = report.audited[0];
    let journal = victim.join("state").join("journal");
    let bytes = fs::read(&journal).unwrap();
    fs::write(&journal, &bytes[..bytes.len() - 1]).unwrap();
    let digest = audited.state_root;
    blocks.add(0, audited.height, digest, audited.state_root).unwrap();
    let lost = audit(0, 4, &victim, &blocks);
    assert!(matches!(lost, Err(AuditError::Lost { got: None, .. })), "{lost:?}");
}
