use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use lazai_chat::Date;
use lazai_coprocessor::architecture::Pooling;
use lazai_models::quantize::Rounding;

use crate::{
    machine::Machine,
    parse::{self, Flag},
    synthetic_shape::Shape,
};

/// Turns checkpoints into integer models, and inspects, measures and runs them.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Measures how fast a model reads, writes and embeds on this machine
    Bench(Bench),
    /// Answers the lines that you write, with a model that was trained to
    Chat(Chat),
    /// Turns a Hugging Face folder or a GGUF file into an artifact of integers
    Convert(Convert),
    /// Prints the unit vector of a text as JSON
    Embed(Embed),
    /// Measures how well a model predicts a text, alone or beside its checkpoint in fp32, or how
    /// near the unit vectors of its lines are to those of the checkpoint
    Eval(Eval),
    /// Tells what is in an artifact, a Hugging Face folder or a GGUF file
    Inspect(Inspect),
    /// Prints the scores of the next token as JSON
    Logits(Logits),
    /// Writes a Hugging Face folder of random weights
    #[command(hide = true)]
    Synthetic(Synthetic),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Convert {
    /// A Hugging Face folder or a GGUF file
    pub(crate) source: PathBuf,

    /// The artifact to write; it appears only when it is whole
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,

    /// A file of text like those that the model will read, instead of the one that is built in
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration: Option<PathBuf>,

    /// Most tokens of the calibration text that are read, from all over it
    #[arg(long, value_name = "COUNT", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) calibration_tokens: u32,

    /// Most positions of a sequence; as many as the checkpoint says if left out
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) context: Option<u32>,

    /// How weights are rounded; compensated for an encoder and nearest for a decoder if left out
    #[arg(long, value_name = "WAY", value_enum)]
    pub(crate) rounding: Option<RoundingOption>,

    /// Bits by which an activation may exceed the largest of the calibration
    #[arg(long, value_name = "BITS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=12))]
    pub(crate) headroom: u8,

    /// The model's name, for people; that of the source if left out
    #[arg(long, value_name = "NAME", value_parser = parse::name)]
    pub(crate) name: Option<String>,

    /// How the rows of a text become one vector; as the checkpoint says if left out
    #[arg(long, value_name = "WAY", value_enum)]
    pub(crate) pooling: Option<PoolingOption>,

    /// A tokenizer.json instead of the source's own
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Write all that the quantization chose and lost
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Inspect {
    /// An artifact, a Hugging Face folder or a GGUF file
    pub(crate) file: PathBuf,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Eval {
    /// An artifact
    pub(crate) file: PathBuf,

    // For a model that only embeds, a text a line.
    #[command(flatten)]
    pub(crate) text: TextInput,

    /// Tokens that are predicted from one another; windows know nothing of each other
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) window: u32,

    /// Most tokens of the text
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) max_tokens: Option<u32>,

    /// The checkpoint that the artifact was made from, to run in fp32 beside it
    #[arg(long, value_name = "SOURCE")]
    pub(crate) reference: Option<PathBuf>,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Logits {
    /// An artifact
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) input: Input,

    /// Print the scores after every token, not only after the last
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Embed {
    /// An artifact
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) input: Input,

    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// What a model reads.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Input {
    /// Token ids as they are; nothing is added
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) tokens: Option<Vec<u32>>,

    /// A text; the tokenizer adds what it puts around every text
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,

    /// A file that holds the text
    #[arg(long, value_name = "FILE")]
    pub(crate) text_file: Option<PathBuf>,
}

/// A text, given or in a file.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct TextInput {
    /// The text itself
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,

    /// A file that holds the text
    #[arg(long, value_name = "FILE")]
    pub(crate) text_file: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Bench {
    /// An artifact
    pub(crate) file: PathBuf,

    /// Tokens of the prompt; 512 if left out, or as many as the context leaves room for
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) prompt: Option<u32>,

    /// Tokens to add after the prompt
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) new: u32,

    /// How often to measure; the best is told
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) runs: u32,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Chat {
    /// An artifact
    pub(crate) file: PathBuf,

    /// What the model is told before the first line
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,

    /// The chat template: that of the checkpoint that the artifact was made from, or a file of its
    /// own
    #[arg(long, value_name = "SOURCE")]
    pub(crate) template: Option<PathBuf>,

    /// A variable of the template, as `enable_thinking=false`; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::flag)]
    pub(crate) flag: Vec<(String, Flag)>,

    /// A text that ends an answer; up to four
    #[arg(long, value_name = "TEXT", value_parser = parse::stop)]
    pub(crate) stop: Vec<String>,

    /// The day that the template may write, as 2024-12-31
    #[arg(long, value_name = "DAY", value_parser = parse::date)]
    pub(crate) date: Option<Date>,

    /// Most tokens of an answer
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,

    /// From 0, which always takes the best token, to 10; up to three decimals
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = |text: &str| parse::milli(text, 10_000))]
    pub(crate) temperature: u32,

    /// Only the best tokens that together hold this share, from 0 to 1; 0 and 1 mean all
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = |text: &str| parse::milli(text, 1_000))]
    pub(crate) top_p: u32,

    /// Only this many best tokens; 0 means all
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) top_k: u32,

    /// Chooses among the possible answers if the temperature is above 0
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Synthetic {
    /// The shape of the network
    #[arg(long, value_enum)]
    pub(crate) shape: Shape,

    /// The folder to write
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,

    /// Chooses the weights
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Most bytes of a file of weights
    #[arg(long, value_name = "COUNT", default_value_t = 512 << 20)]
    pub(crate) shard_bytes: u64,
}

/// How the rows of a text become one vector.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum PoolingOption {
    /// The first row
    First,
    /// The last row
    Last,
    /// The mean of all rows
    Mean,
}

impl From<PoolingOption> for Pooling {
    fn from(option: PoolingOption) -> Self {
        match option {
            PoolingOption::First => Self::First,
            PoolingOption::Last => Self::Last,
            PoolingOption::Mean => Self::Mean,
        }
    }
}

/// How weights are rounded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RoundingOption {
    /// So that they make up for each other's errors: slower, and often closer
    #[value(name = "compensated")]
    Gptq,
    /// To the nearest integer
    Nearest,
}

impl From<RoundingOption> for Rounding {
    fn from(option: RoundingOption) -> Self {
        match option {
            RoundingOption::Gptq => Self::Gptq,
            RoundingOption::Nearest => Self::Nearest,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn bad_values_are_named() {
        let cases: [(&[&str], &str); 12] = [
            (&["convert", "in", "--out", "out", "--headroom", "13"], "--headroom"),
            (&["convert", "in", "--out", "out", "--context", "0"], "--context"),
            (&["convert", "in", "--out", "out", "--name", ""], "--name"),
            (&["convert", "in", "--out", "out", "--pooling", "max"], "--pooling"),
            (&["eval", "in", "--text", "t", "--window", "1"], "--window"),
            (&["logits", "in", "--tokens", "1,x"], "--tokens"),
            (&["bench", "in", "--threads", "257"], "--threads"),
            (&["chat", "in", "--temperature", "hot"], "--temperature"),
            (&["chat", "in", "--top-p", "1.5"], "--top-p"),
            (&["chat", "in", "--date", "today"], "--date"),
            (&["chat", "in", "--flag", "=1"], "--flag"),
            (&["chat", "in", "--stop", ""], "--stop"),
        ];
        for (arguments, named) in cases {
            let arguments = ["lazai-model"].iter().chain(arguments);
            let message = Options::try_parse_from(arguments).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn a_model_reads_tokens_or_a_text() {
        for arguments in [
            &["logits", "in"][..],
            &["embed", "in", "--tokens", "1", "--text", "x"],
            &["embed", "in", "--text", "x", "--text-file", "x"],
            &["eval", "in"],
        ] {
            let arguments = ["lazai-model"].iter().chain(arguments);
            assert!(Options::try_parse_from(arguments).is_err());
        }
    }
}
