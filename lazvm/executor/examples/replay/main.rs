//! Runs whole validators of LazVM on a simulated network, clock and disk, each seed twice.
//!
//! ```sh
//! cargo run --release -p lazvm-executor --example replay -- --to 1000   # every 100th seed
//! ```

mod replayer;
mod report;
mod storyteller;

use core::{error::Error, num::NonZeroUsize};
use std::{
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;

use crate::replayer::Replayer;

/// Runs seeds of a simulated chain under random faults, each twice, and compares the runs block for
/// block.
///
/// Each seed is run with models on one thread and on two. The command fails unless both runs are
/// equal in every step, all validators have the same blocks, the simulator finds no violation, and
/// the model has answered.
#[derive(Clone, Debug, Parser)]
#[command(version)]
struct Options {
    /// First seed.
    #[arg(long, default_value_t = 0)]
    from: u64,

    /// Seed to stop before.
    #[arg(long, default_value_t = 1_000)]
    to: u64,

    /// Distance from one seed to the next.
    #[arg(long, default_value_t = NonZeroUsize::new(100).unwrap_or(NonZeroUsize::MIN))]
    every: NonZeroUsize,

    /// Numbers of validators, which the seeds take in turn.
    #[arg(long, value_delimiter = ',', default_value = "4,7,10")]
    nodes: Vec<u16>,

    /// Prints one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match replay(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn replay(options: &Options) -> Result<(), Box<dyn Error>> {
    let Options { from, to, every, ref nodes, json } = *options;
    let start = Instant::now();
    let replayer = Replayer::new(nodes)?;
    // A node whose disk refuses a write stops by a panic, which the simulator expects.
    std::panic::set_hook(Box::new(|_| {}));
    let mut replays = Vec::new();
    for seed in (from..to).step_by(every.get()) {
        let replay = replayer.replay(seed)?;
        if !json {
            print(&report::replay(&replay));
        }
        replays.push(replay);
    }
    let summary = if json { report::json } else { report::text };
    print(&summary(&replays, start.elapsed()));
    match replays.iter().find(|replay| !replay.is_clean()) {
        Some(replay) => Err(format!("seed {} failed", replay.case.seed).into()),
        None => Ok(()),
    }
}

/// Writes at once; a reader that has gone is no error.
fn print(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
