use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use lazai_coprocessor::kernel::Threads;

/// Measures this machine, proposes the gas schedule that it calls for, and simulates a week of base
/// fees.
#[derive(Clone, Debug, Eq, Parser, PartialEq)]
#[command(version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Eq, PartialEq, Subcommand)]
pub(crate) enum Command {
    /// Measures prefill, decoding, memory, tokenizing and refused calls, and proposes alpha, beta
    /// and gamma
    Calibrate(CalibrateOptions),
    /// Simulates a week of blocks under the three base fees, and draws it
    Week(WeekOptions),
}

#[derive(Args, Clone, Debug, Eq, PartialEq)]
pub(crate) struct CalibrateOptions {
    /// Gas that a second of the machine is worth: what the chain's node executes of the EVM
    #[arg(long, value_name = "GAS", default_value_t = 30_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub(crate) gas_per_second: u64,

    /// How much more than measured the schedule asks, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(crate) margin: u32,

    /// Block at which the change is decided; it holds from 7,200 blocks later
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) block: u64,

    /// How many threads run the models; 0 means one for each core
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = threads)]
    pub(crate) threads: usize,

    /// Processor time for each measurement, in milliseconds
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub(crate) milliseconds: u64,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Args, Clone, Debug, Eq, PartialEq)]
pub(crate) struct WeekOptions {
    /// The file that the picture is written into
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gas-week.svg"))]
    pub(crate) out: PathBuf,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= Threads::MAX => Ok(count),
        _ => Err(format!("expected a number from 0 to {}, got {text:?}", Threads::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_named() {
        for (option, value) in [
            ("--gas-per-second", "0"),
            ("--margin", "1001"),
            ("--block", "-1"),
            ("--threads", "257"),
            ("--milliseconds", "0"),
        ] {
            let argument = format!("{option}={value}");
            let arguments = ["gas-calibration", "calibrate", &argument];
            let message = Options::try_parse_from(arguments).unwrap_err().to_string();
            assert!(message.contains(option) && message.contains(value), "{message}");
        }
    }
}
