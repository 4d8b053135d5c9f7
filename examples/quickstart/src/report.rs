use core::{fmt::Write, time::Duration};

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::ModelId;
use lazai_coprocessor::Cpu;
use lazai_precompiles::abi::Price;
use serde_json::{Value, json};

use crate::{
    chain::{Answer, Chain},
    options::Options,
    unit::{bytes, count, ether, gwei},
};

/// What runs, known first.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    model: ModelId,
    name: String,
    model_bytes: u64,
    backend: &'static str,
    threads: usize,
    contract: Address,
    deployment_gas: u64,
    time: Duration,
}

/// What the contract is quoted, known before the run.
#[derive(Clone, Debug)]
pub(crate) struct Quoted {
    pub(crate) price: Price,
    pub(crate) time: Duration,
}

/// What was answered and paid.
#[derive(Clone, Debug)]
pub(crate) struct Paid<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) output_hash: B256,
    pub(crate) stored: bool,
}

impl Loaded {
    pub(crate) fn new(device: &Cpu, model: ModelId, chain: &Chain, time: Duration) -> Self {
        let loaded = device.model(model);
        Self {
            model,
            name: loaded.map_or_else(String::new, |model| model.manifest().name.clone()),
            model_bytes: loaded.map_or(0, |model| model.artifact().bytes().len() as u64),
            backend: device.backend().name(),
            threads: device.threads(),
            contract: chain.oracle,
            deployment_gas: chain.deployment_gas,
            time,
        }
    }

    pub(crate) fn text(&self, prompt: &str) -> String {
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        page(&[
            Line::Title("LazVM: a contract asks a neural network"),
            Line::Item("model", printable(&self.name)),
            Line::Item("", self.model.to_string()),
            Line::Item(
                "",
                format!(
                    "{}, {} {threads}, {}, loaded in {:.1?}",
                    bytes(self.model_bytes),
                    self.threads,
                    self.backend,
                    self.time
                ),
            ),
            Line::Item("contract", self.contract.to_string()),
            Line::Item("", format!("deployed for {} gas", count(self.deployment_gas))),
            Line::Item("prompt", printable(prompt)),
        ])
    }

    pub(crate) fn json(&self, options: &Options, quoted: &Quoted, paid: &Paid<'_>) -> Value {
        let Paid { answer: Answer { returned, execution, time }, .. } = paid;
        let price = &quoted.price;
        json!({
            "model_id": self.model,
            "model_name": self.name,
            "model_bytes": self.model_bytes,
            "backend": self.backend,
            "threads": self.threads,
            "contract": self.contract,
            "prompt": options.prompt,
            "max_tokens": options.max_tokens,
            "temperature_milli": options.temperature,
            "seed": options.seed,
            "answer": returned.answer,
            "answer_id": number(returned.id),
            "answer_stored": paid.stored,
            "finish": finish(returned.finish),
            "prompt_tokens": returned.promptTokens,
            "completion_tokens": returned.tokens.len(),
            "output_hash": paid.output_hash,
            "flops": execution.meter.work.flops,
            "peak_bytes": execution.meter.work.peak_bytes,
            "gas_ai": execution.gas_ai(),
            "gas_inference": execution.gas_inference(),
            "gas_evm": execution.gas_evm(),
            "gas_used": execution.gas_used(),
            "price_wei": number(price.priceWei),
            "fee_wei": number(paid.fee(price)),
            "transaction_fee_wei": number(execution.settlement.fee),
            "quoted": {
                "flops": price.flops,
                "peak_bytes": price.peakBytes,
                "gas_ai": price.gasAI,
                "gas_inference": price.gasInference,
                "fee_wei": number(price.feeWei),
            },
            "load_ms": milliseconds(self.time),
            "quote_ms": milliseconds(quoted.time),
            "run_ms": milliseconds(*time),
            "tokens_per_second": paid.tokens_per_second(),
        })
    }
}

impl Quoted {
    /// T, the gas of the model's part.
    pub(crate) const fn total(&self) -> u64 {
        self.price.gasAI.saturating_add(self.price.gasInference)
    }

    pub(crate) fn text(&self) -> String {
        let Price { flops, peakBytes, gasAI, gasInference, priceWei, feeWei } = self.price;
        page(&[
            Line::Title("Price at most, told to the contract before the run"),
            Line::Number("FLOPs", count(flops), String::new()),
            Line::Number("peak memory", count(peakBytes), format!("bytes = {}", bytes(peakBytes))),
            Line::Number("GasAI", count(gasAI), "= ceil(alpha * FLOPs) + gamma".to_owned()),
            Line::Number(
                "GasInference",
                count(gasInference),
                "= ceil(beta * peak bytes)".to_owned(),
            ),
            Line::Number("T", count(self.total()), "gas = GasAI + GasInference".to_owned()),
            Line::Number("P", count(priceWei), format!("wei for a gas = {}", gwei(priceWei))),
            Line::Number("fee = P * T", count(feeWei), format!("wei = {}", ether(feeWei))),
            Line::Number("time to quote", format!("{:.1?}", self.time), String::new()),
        ])
    }
}

impl Paid<'_> {
    pub(crate) fn text(&self, quoted: &Quoted) -> String {
        let Answer { returned, execution, time } = self.answer;
        let price = &quoted.price;
        let (ai, inference) = (execution.gas_ai(), execution.gas_inference());
        let share = |quote: u64, paid: u64| match quote.saturating_sub(paid) {
            0 => "as quoted".to_owned(),
            back => format!("{} came back", count(back)),
        };
        let work = execution.meter.work;
        let fee = self.fee(price);
        let stored = if self.stored { "stored in the contract" } else { "NOT stored" };
        let tokens = returned.tokens.len();
        page(&[
            Line::Title("Answer"),
            Line::Text(printable(&returned.answer)),
            Line::Text(format!(
                "({tokens} tokens after {} of the prompt; {}; {stored} as number {})",
                returned.promptTokens,
                finish(returned.finish),
                returned.id
            )),
            Line::Title("Paid"),
            Line::Number("FLOPs", count(work.flops), share(price.flops, work.flops)),
            Line::Number(
                "peak memory",
                count(work.peak_bytes),
                share(price.peakBytes, work.peak_bytes),
            ),
            Line::Number("GasAI", count(ai), share(price.gasAI, ai)),
            Line::Number("GasInference", count(inference), share(price.gasInference, inference)),
            Line::Number("T", count(ai.saturating_add(inference)), "gas of the model".to_owned()),
            Line::Number("fee = P * T", count(fee), format!("wei = {}", ether(fee))),
            Line::Number(
                "EVM gas",
                count(execution.gas_evm()),
                "gas of everything else, such as storing the answer".to_owned(),
            ),
            Line::Number("transaction", count(execution.gas_used()), "gas in all".to_owned()),
            Line::Number(
                "",
                count(execution.settlement.fee),
                format!("wei = {}", ether(execution.settlement.fee)),
            ),
            Line::Number(
                "time to run",
                format!("{time:.1?}"),
                format!("{:.1} tokens a second, on this machine", self.tokens_per_second()),
            ),
            Line::Title("The same on every machine"),
            Line::Item("output hash", self.output_hash.to_string()),
        ])
    }

    /// P * T of the work that was done.
    fn fee(&self, price: &Price) -> U256 {
        let Answer { execution, .. } = self.answer;
        price.priceWei * (U256::from(execution.gas_ai()) + U256::from(execution.gas_inference()))
    }

    /// For people alone: measured on this machine.
    fn tokens_per_second(&self) -> f64 {
        self.answer.returned.tokens.len() as f64 / self.answer.time.as_secs_f64().max(1e-9)
    }
}

/// A line of what people read.
#[derive(Clone, Debug)]
enum Line {
    Item(&'static str, String),
    Number(&'static str, String, String),
    Text(String),
    Title(&'static str),
}

/// A text that can do nothing to a terminal.
fn printable(text: &str) -> String {
    text.trim()
        .chars()
        .map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

fn page(lines: &[Line]) -> String {
    let mut page = String::new();
    for line in lines {
        // Writing to a string does not fail.
        let _ = match line {
            Line::Item(name, text) => writeln!(page, "  {name:<13} {text}"),
            Line::Number(name, number, note) => {
                writeln!(page, "{}", format!("  {name:<13} {number:>20}  {note}").trim_end())
            }
            Line::Text(text) => wrap(&mut page, text),
            Line::Title(text) => writeln!(page, "\n{text}"),
        };
    }
    page
}

/// Breaks long lines between words.
fn wrap(page: &mut String, text: &str) -> core::fmt::Result {
    for paragraph in text.lines() {
        let mut width = 0;
        for word in paragraph.split_whitespace() {
            let length = word.chars().count();
            if width > 0 && width + 1 + length > LINE_WIDTH {
                writeln!(page)?;
                width = 0;
            }
            let gap = if width == 0 { "  " } else { " " };
            write!(page, "{gap}{word}")?;
            width += 1 + length;
        }
        writeln!(page)?;
    }
    Ok(())
}

const fn finish(code: u8) -> &'static str {
    if code == 0 { "length" } else { "stop" }
}

/// As a number if JSON readers keep it exact at 64 bits, and else as a text.
fn number(value: U256) -> Value {
    u64::try_from(value).map_or_else(|_| json!(value.to_string()), |value| json!(value))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

const LINE_WIDTH: usize = 76;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_between_words() {
        let mut page = String::new();
        wrap(&mut page, &"word ".repeat(40)).unwrap();
        assert!(page.lines().count() > 2);
        assert!(
            page.lines().all(|line| line.len() <= LINE_WIDTH + 2 && line.starts_with("  word"))
        );
        assert_eq!(page.split_whitespace().count(), 40);
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable(" a\u{1b}[2J\nb\r"), "a\u{fffd}[2J\nb");
    }

    #[test]
    fn large_numbers_keep_their_digits() {
        assert_eq!(number(U256::from(u64::MAX)), json!(u64::MAX));
        assert_eq!(number(U256::from(1) << 64), json!("18446744073709551616"));
    }
}
