//! One contract, two proof systems: a researcher's own in under 100 lines.

mod abi;
mod chain;
mod error;
mod group;
mod hidden;
mod linear;
mod open;
mod options;
mod report;
mod swap;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    match swap::swap(&options) {
        Ok(report) if options.json => println!("{:#}", report.json()),
        Ok(report) => print!("{}", report.text()),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
