//! The demonstration, the two systems, and proofs of zkVMs for the same contract.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod foreign;
mod systems;

use clap::Parser;

use crate::{error::Error, options::Options, swap::swap};

fn options(arguments: &[&str]) -> Options {
    Options::parse_from(["swap-proof-system"].iter().chain(arguments))
}

#[test]
fn the_contract_takes_both_systems_and_nothing_altered() {
    let report = swap(&options(&[])).unwrap();
    assert_eq!(report.answer, 3 * 2 - 7 + 4 + 8 - 10 + 72 + 2 - 48);
    let [open, hidden] = &*report.steps else { panic!("two systems, not {:?}", report.steps) };
    assert_eq!((open.output, open.system.0, hidden.system.0), (hidden.output, 1_000, 1_001));
    assert_ne!(open.input, hidden.input, "the input names the model, which is another key");
    // Every byte of the proof, five parts of the statement, and another contract's proof.
    assert_eq!((open.proof_bytes, open.refused), (33, 33 + 5 + 1));
    assert_eq!((hidden.proof_bytes, hidden.refused), (361, 361 + 5 + 2));
    assert!(report.text().contains("system      1001"));
    assert_eq!(report.json()["systems"][1]["proof_bytes"], 361);
}

#[test]
fn a_model_that_does_not_answer_is_named() {
    let error = swap(&options(&["--weights", "1,2", "--input", "3"])).unwrap_err();
    assert!(matches!(error, Error::Unanswered { weights: 2, features: 1 }), "{error}");
    let error = swap(&options(&["--weights", "-2147483648", "--input", "2"])).unwrap_err();
    assert!(matches!(error, Error::Unanswered { .. }), "{error}");
}

#[test]
fn a_proof_system_has_under_100_lines() {
    let source = include_str!("../hidden.rs");
    let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = source.lines().filter(code).count();
    assert!(lines < 100, "{lines} lines of code");
}
