use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use quorum::node::ValidatorOptions;

/// Runs validators that agree on blocks of LazVM over TCP, and quorums that certify data.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows four nodes and two quorums: blocks with answers of a model, data that is certified,
    /// audited and restored, a node that is killed, and one that is slashed.
    Demo(Demo),
    /// Kills validators at random times, restarts them, and checks that no final block is lost.
    KillLoop(KillLoop),
    /// Runs one validator; the other commands start it as a child process.
    #[command(hide = true)]
    Validator(ValidatorOptions),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Demo {
    /// Folder for the files of the nodes; a temporary one if not given.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,

    /// Prints one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct KillLoop {
    /// Number of rounds, in each of which validators are killed.
    #[arg(long, default_value_t = 20)]
    pub(crate) rounds: u64,

    /// Seed that determines which validators are killed and when.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Folder for the files of the validators; a temporary one if not given.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,

    /// Prints one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}
