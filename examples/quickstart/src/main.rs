//! A Solidity contract asks a neural network a question from inside the EVM.

mod ask;
mod chain;
mod error;
mod options;
mod report;
mod unit;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

fn main() -> ExitCode {
    match ask::ask(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
