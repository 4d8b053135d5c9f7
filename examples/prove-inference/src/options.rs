use std::path::PathBuf;

use clap::{ArgAction, ArgGroup, Parser, ValueEnum};

/// Proves a run of a small network, and checks the proof natively and inside the EVM.
#[derive(Clone, Debug, Parser)]
#[command(version, group(ArgGroup::new("string").required(true).args(["srs", "insecure_development_srs", "plan"])))]
pub(crate) struct Options {
    /// Structured reference string of a ceremony: a .ptau of snarkjs or an .srs of halo2
    #[arg(long, value_name = "FILE")]
    pub(crate) srs: Option<PathBuf>,

    /// Use a reference string whose secret is published: anybody can forge such proofs
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) insecure_development_srs: bool,

    /// Make no proof: tell the rows, the columns, and what a proof would take
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) plan: bool,

    /// Draw which operators take which part of the circuit
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// A network that is built in
    #[arg(long, value_enum, default_value_t = BuiltIn::Block)]
    pub(crate) built_in: BuiltIn,

    /// Another network: a perceptron or a block of a transformer, as safetensors with a manifest
    #[arg(long, value_name = "FILE")]
    pub(crate) network: Option<PathBuf>,

    /// Write the Solidity contract that checks such proofs
    #[arg(long, value_name = "FILE")]
    pub(crate) contract: Option<PathBuf>,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

/// A network of random weights.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum BuiltIn {
    /// A block of a transformer: 8 rows of 32 numbers, one head, 128 in the feed-forward network
    Block,
    /// A perceptron of 64, 64 and 10 numbers
    Perceptron,
}
