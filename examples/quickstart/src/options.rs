use std::path::PathBuf;

use clap::{ArgAction, Parser};
use lazai_coprocessor::kernel::{Backend, Threads};

/// A Solidity contract asks a neural network a question from inside the EVM.
///
/// The price is known before the run, and the answer has the same bytes on every run, at every
/// number of threads and on every processor.
#[derive(Clone, Debug, Eq, Parser, PartialEq)]
#[command(version)]
pub(crate) struct Options {
    /// The question
    #[arg(long, value_name = "TEXT", default_value = "Tell me a story about a fox.")]
    pub(crate) prompt: String,

    /// Give the model the prompt as it is, without `Question:` and `Answer:` around it
    #[arg(long)]
    pub(crate) raw: bool,

    /// Most tokens of the answer
    #[arg(long, value_name = "COUNT", default_value_t = 160, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,

    /// From 0, which always takes the best token, to 10; up to three decimals
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = temperature_milli)]
    pub(crate) temperature: u32,

    /// Chooses among the possible answers if the temperature is above 0
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,

    /// How many threads run the model; 0 means one for each core
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = threads)]
    pub(crate) threads: usize,

    /// The processor's instructions that run the model: auto, scalar, portable, avx2 or avx512
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = backend)]
    pub(crate) backend: Backend,

    /// A model artifact instead of the one that is built in
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}

/// Reads a decimal number as thousandths.
fn temperature_milli(text: &str) -> Result<u32, String> {
    let expected =
        || format!("expected a number from 0 to 10 with up to three decimals, got {text:?}");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
        return Err(expected());
    }
    let milli = format!("{whole}{decimals:0<3}").parse().map_err(|_| expected())?;
    if milli > MAX_TEMPERATURE_MILLI { Err(expected()) } else { Ok(milli) }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= Threads::MAX => Ok(count),
        _ => Err(format!("expected a number from 0 to {}, got {text:?}", Threads::MAX)),
    }
}

fn backend(text: &str) -> Result<Backend, String> {
    if text == "auto" {
        return Ok(Backend::detect());
    }
    let backend: Backend = text
        .parse()
        .map_err(|_| format!("expected auto, scalar, portable, avx2 or avx512, got {text:?}"))?;
    backend.require().map_err(|_| {
        let names: Vec<_> = Backend::available().into_iter().map(Backend::name).collect();
        format!("this processor lacks {backend}; it has {}", names.join(", "))
    })
}

const MAX_TEMPERATURE_MILLI: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_is_read_in_thousandths() {
        for (text, milli) in
            [("0", 0), ("0.8", 800), ("1", 1_000), ("0.005", 5), ("10.000", 10_000)]
        {
            assert_eq!(temperature_milli(text), Ok(milli), "{text}");
        }
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.1234", "10.001", "nan", "99999999999"]
        {
            let message = temperature_milli(text).unwrap_err();
            assert!(message.contains("from 0 to 10") && message.ends_with(&format!("{text:?}")));
        }
    }

    #[test]
    fn bad_values_are_named() {
        let cases = [
            (["--max-tokens", "0"], "--max-tokens"),
            (["--max-tokens", "4294967296"], "--max-tokens"),
            (["--seed", "-1"], "--seed"),
            (["--temperature", "hot"], "--temperature"),
            (["--threads", "257"], "--threads"),
            (["--backend", "gpu"], "--backend"),
        ];
        for ([option, value], named) in cases {
            let argument = format!("{option}={value}");
            let message = Options::try_parse_from(["quickstart", &argument]).unwrap_err();
            let message = message.to_string();
            assert!(message.contains(named) && message.contains(value), "{message}");
        }
    }

    #[test]
    fn every_back_end_that_is_here_can_be_chosen() {
        for expected in Backend::available() {
            assert_eq!(backend(expected.name()), Ok(expected));
        }
        assert_eq!(backend("auto"), Ok(Backend::detect()));
    }
}
