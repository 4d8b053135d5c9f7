//! Validators over TCP, killed at random times: no fork, and no block that was acknowledged is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

use quorum::{
    fleet::{FleetOptions, Ledger},
    kill::{AuditError, KillOptions, audit, kill_loop},
};

#[test]
fn validators_that_are_killed_lose_nothing_and_never_fork() {
    let folder = Folder(env::temp_dir().join(format!("lazvm-kill-{}", process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_quorum"));
    let rounds = env::var("LAZVM_KILL_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let options = KillOptions { rounds, seed: 1, fleet: FleetOptions::default() };
    let report = kill_loop(program, &folder.0, options, |round, restart| {
        println!("round {round}: {restart:?}");
    })
    .unwrap();
    assert_eq!(report.blackouts, rounds / 5);
    assert_eq!(report.restarts.len() as u64, rounds + report.blackouts * 3);
    assert!(report.height >= 3 + 2 * rounds && report.ai_blocks > 0, "{report:?}");
    let roots: Vec<_> = report.audited.iter().map(|audited| audited.replayed).collect();
    assert_eq!(roots, report.audited.iter().map(|audited| audited.height).collect::<Vec<_>>());

    // The audit has teeth: a journal without its last block is found out.
    let victim = folder.0.join("validator-0");
    let mut ledger = Ledger::default();
    let audited = report.audited[0];
    let journal = victim.join("state").join("journal");
    let bytes = fs::read(&journal).unwrap();
    fs::write(&journal, &bytes[..bytes.len() - 1]).unwrap();
    let digest = audited.state_root;
    ledger.add(0, audited.height, digest, audited.state_root).unwrap();
    let lost = audit(0, 4, &victim, &ledger);
    assert!(matches!(lost, Err(AuditError::Lost { got: None, .. })), "{lost:?}");
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
