use core::{num::NonZeroU64, time::Duration};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use quorum::node::ValidatorOptions;

/// Validators that agree on blocks of LazVM over TCP, and quorums that vouch for data.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Four nodes and two quorums: blocks with answers of a model, data that is certified, audited and served, a node that
    /// is killed, and one that cheats.
    Demo(Demo),
    /// Kills validators at random times, starts them again, and checks that nothing final is lost.
    KillLoop(KillLoop),
    /// Runs one validator; the other commands start these.
    #[command(hide = true)]
    Validator(Validator),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Demo {
    /// Where the nodes keep their files; a temporary folder if not given.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,

    /// Prints one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct KillLoop {
    /// How often validators are killed.
    #[arg(long, default_value_t = 20)]
    pub(crate) rounds: u64,

    /// Decides who is killed when.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Where the validators keep their files; a temporary folder if not given.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,

    /// Prints one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Validator {
    #[arg(long)]
    index: usize,

    /// The ports of all validators on the loopback address.
    #[arg(long, value_delimiter = ',', required = true)]
    ports: Vec<u16>,

    /// The ports of the members of the first quorum on the loopback address, then those of the second.
    #[arg(long, value_delimiter = ',', required = true)]
    member_ports: Vec<u16>,

    #[arg(long)]
    folder: PathBuf,

    #[arg(long)]
    snapshot_every: NonZeroU64,

    #[arg(long)]
    pace_ms: u64,
}

impl From<Validator> for ValidatorOptions {
    fn from(options: Validator) -> Self {
        let Validator { index, ports, member_ports, folder, snapshot_every, pace_ms } = options;
        Self {
            index,
            ports,
            member_ports,
            folder,
            snapshot_every,
            pace: Duration::from_millis(pace_ms),
        }
    }
}
