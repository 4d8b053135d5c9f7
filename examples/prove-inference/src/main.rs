//! Proves a run of a small network, and checks the proof natively and inside the EVM.

mod chain;
mod contract;
mod error;
mod network;
mod options;
mod progress;
mod prove;
mod report;
mod solc;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

fn main() -> ExitCode {
    match prove::prove(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
