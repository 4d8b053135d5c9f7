//! Runs the official tests of some folders, and says how many passed.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use clap::{Parser, ValueEnum};
use lazvm_conformance::{Engines, Kind, Options, Report, run};

/// Runs Ethereum's official state and block tests.
///
/// Every `.json` file below the folders is read; a case fails if anything differs from what its
/// file says. Exits with 1 if one failed.
#[derive(Debug, Parser)]
#[command(name = "lazvm-conformance", version)]
struct Command {
    /// Folders of tests, such as `GeneralStateTests` or `BlockchainTests`.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// What runs them.
    #[arg(long, value_enum, default_value_t = Engine::Laz)]
    engine: Engine,
    /// Only tests of this kind.
    #[arg(long, value_enum)]
    kind: Option<Only>,
    /// Most failures that are shown.
    #[arg(long, default_value_t = 20)]
    show: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    /// LazVM and Ethereum's own EVM, which must say the same.
    Both,
    /// LazVM at other prices than Ethereum: nearly all must fail, or the runner is worth nothing.
    Control,
    /// Ethereum's own EVM.
    Ethereum,
    /// LazVM.
    Laz,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Only {
    /// Blockchain tests.
    Blocks,
    /// General state tests.
    States,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let options = Options {
        engines: match command.engine {
            Engine::Both => Engines::Both,
            Engine::Control => Engines::Control,
            Engine::Ethereum => Engines::Ethereum,
            Engine::Laz => Engines::Laz,
        },
        kind: command.kind.map(|kind| match kind {
            Only::Blocks => Kind::Blocks,
            Only::States => Kind::States,
        }),
    };
    let start = Instant::now();
    let report = run(&command.folders, options, &progress);
    print(&report, command.show);
    println!("{:.1} s", start.elapsed().as_secs_f64());
    let is_control = matches!(command.engine, Engine::Control);
    let failed = report.failed.len() as u64;
    let good = if is_control { failed > report.passed } else { failed == 0 && report.passed > 0 };
    if report.passed == 0 && failed == 0 {
        eprintln!("no case was run: name folders with .json files of state or block tests");
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows how far it is, where someone looks.
fn progress(done: u64, count: u64) {
    let mut error = std::io::stderr();
    if error.is_terminal() && (done.is_multiple_of(16) || done == count) {
        let end = if done == count { "\n" } else { "" };
        let _ = write!(error, "\r{done} of {count} files{end}");
    }
}

fn print(report: &Report, show: usize) {
    for failure in report.failed.iter().take(show) {
        println!("failed  {}\n        {}", failure.case, failure.why);
    }
    if let Some(more) = report.failed.len().checked_sub(show).filter(|more| *more > 0) {
        println!("        and {more} more");
    }
    for (reason, cases) in &report.skipped {
        println!("skipped {cases:>8}  {reason}");
    }
    println!("failed  {:>8}", report.failed.len());
    println!("passed  {:>8}", report.passed);
}
