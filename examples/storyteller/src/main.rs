//! Trains a small storyteller, turns it into integers, and measures what that costs.

mod corpus;
mod error;
mod integer;
mod recipe;
mod report;
mod tokenizer;
#[cfg(feature = "train")]
mod training;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{error::RecipeError, recipe::Layout};

/// Trains a small storyteller on this machine, from nothing but this program.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder of the checkpoint that is quantized and measured.
    #[arg(long, global = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/model/checkpoint"))]
    checkpoint: PathBuf,
    /// The artifact of integers.
    #[arg(long, global = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/model/storyteller.safetensors"))]
    artifact: PathBuf,
    /// The report on the integers.
    #[arg(long, global = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/model/REPORT.md"))]
    report: PathBuf,
    /// Folder of the corpus and of what training writes.
    #[arg(long, global = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/out"))]
    out: PathBuf,
    /// Documents to write and train on.
    #[arg(long, global = true, default_value_t = 52_000)]
    documents: usize,
    /// Steps to train.
    #[arg(long, global = true, default_value_t = 2_200)]
    steps: usize,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Writes the corpus.
    Corpus,
    /// Learns the tokenizer from the corpus.
    Tokenizer,
    /// Trains the model on the corpus.
    Train,
    /// Turns the checkpoint into the artifact.
    Quantize,
    /// Measures the artifact beside the checkpoint.
    Report,
    /// Does all steps in their order.
    Recipe,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), RecipeError> {
    let layout = Layout::new(&arguments.out)?;
    match arguments.command {
        Command::Corpus => recipe::write_corpus(&layout, arguments.documents),
        Command::Tokenizer => recipe::learn_tokenizer(&layout),
        Command::Train => train(&layout, arguments.steps),
        Command::Quantize => integer::write_artifact(&arguments.checkpoint, &arguments.artifact),
        Command::Report => {
            recipe::write_report(&arguments.checkpoint, &arguments.artifact, &arguments.report)
        }
        Command::Recipe => {
            // What cannot succeed should not fail after minutes.
            #[cfg(not(feature = "train"))]
            return Err(RecipeError::TrainerMissing);
            #[cfg(feature = "train")]
            {
                recipe::write_corpus(&layout, arguments.documents)?;
                recipe::learn_tokenizer(&layout)?;
                train(&layout, arguments.steps)?;
                recipe::keep_checkpoint(&layout, &arguments.checkpoint)?;
                integer::write_artifact(&arguments.checkpoint, &arguments.artifact)?;
                recipe::write_report(&arguments.checkpoint, &arguments.artifact, &arguments.report)
            }
        }
    }
}

#[cfg(feature = "train")]
fn train(layout: &Layout, steps: usize) -> Result<(), RecipeError> {
    training::train_model(layout, steps)
}

#[cfg(not(feature = "train"))]
const fn train(_: &Layout, _: usize) -> Result<(), RecipeError> {
    Err(RecipeError::TrainerMissing)
}
