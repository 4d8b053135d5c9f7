//! Measures the integer engine beside llama.cpp and candle. See README.md.

mod engine;
mod failure;
mod peer;
mod report;
mod worker;
mod workload;

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{failure::Failure, peer::Peer, report::Report, workload::Workload};

/// Measures the integer engine beside llama.cpp and candle, in turns, in one run.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Workloads, of 110M, 1.1B, minilm-128, minilm-32 and 110M-8k.
    #[arg(long, value_delimiter = ',', default_values = Workload::USUAL)]
    workloads: Vec<String>,
    /// Numbers of threads, measured one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Engines; ours is what the others are compared with. `ours-avx2` and `ours-portable` use
    /// other instructions.
    #[arg(long, value_delimiter = ',', default_values = engine::NAMES)]
    engines: Vec<String>,
    /// Rounds, in each of which every engine runs once.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The Python that has `llama-cpp-python`, `gguf` and `numpy`; without it there is no
    /// llama.cpp.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Where the random models are written, once.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one engine for another process of this program.
    #[command(hide = true)]
    Worker { engine: String, workload: String, threads: usize, folder: String },
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    if let Some(Command::Worker { engine, workload, threads, folder }) = &options.command {
        return worker::serve(engine, &named(workload)?, *threads, folder);
    }
    let folder = options.folder.clone().unwrap_or_else(|| std::env::temp_dir().join("lazvm-peers"));
    fs::create_dir_all(&folder)?;
    let mut report = Report::new();
    for name in &options.workloads {
        let workload = named(name)?;
        for threads in &options.threads {
            let mut peers = Vec::new();
            for engine in options.engines.iter().filter(|name| engine::runs(name, &workload)) {
                if let Some(peer) =
                    Peer::start(engine, &workload, *threads, &folder, options.python.as_deref())?
                {
                    eprintln!("{name}, {threads} threads: {}", peer.about());
                    peers.push(peer);
                }
            }
            // The first round fills caches and is not counted.
            for round in 0..=options.rounds {
                for peer in &mut peers {
                    peer.measure(&workload, round > 0)?;
                }
            }
            report.add(&workload, *threads, &peers);
            if !options.json {
                report.print_last();
            }
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

fn named(name: &str) -> Result<Workload, Failure> {
    Workload::named(name).ok_or_else(|| format!("no workload {name}").into())
}
