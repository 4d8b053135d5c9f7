//! Turns checkpoints into integer models, and inspects, measures and runs them.

mod answer;
mod bench;
mod chat;
mod convert;
mod error;
mod eval;
mod inspect;
mod loss;
mod machine;
mod options;
mod output;
mod page;
mod parse;
mod progress;
mod shape;
mod similarity;
mod source;
mod synthetic;
mod synthetic_shape;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    error::Error,
    options::{Command, Options},
};

fn main() -> ExitCode {
    match run(&Options::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Names out of a file may hold anything; a message is one line.
            eprintln!("error: {}", page::printable(&error.to_string()).replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Bench(options) => bench::run(options),
        Command::Chat(options) => chat::run(options),
        Command::Convert(options) => convert::run(options),
        Command::Embed(options) => output::embed(options),
        Command::Eval(options) => eval::run(options),
        Command::Inspect(options) => inspect::run(options),
        Command::Logits(options) => output::logits(options),
        Command::Synthetic(options) => synthetic::run(options),
    }
}
