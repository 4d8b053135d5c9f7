//! The command `bench`: measures the speed of a model on this machine.

use std::time::Instant;

use indicatif::{HumanBytes, HumanCount};
use lazai_api_types::{ModelId, Work};
use lazai_coprocessor::{
    ExecutionError, Monitor, Session, kernel::Threads, model::Model, program::Target,
};
use serde::Serialize;

use crate::{
    convert::finish,
    error::Error,
    options::Bench,
    page::{Page, show_json},
    source,
};

/// The result of a bench: the speed of the best of all runs.
#[derive(Clone, Debug, Serialize)]
struct Measurement {
    model_id: ModelId,
    model_name: String,
    model_bytes: usize,
    backend: &'static str,
    threads: usize,
    runs: u32,
    prompt_tokens: u32,
    #[serde(flatten)]
    speed: Speed,
    peak_resident_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
enum Speed {
    /// The speed of a model that only embeds.
    Encoder { embeddings_per_second: f64, tokens_per_second: f64 },
    /// The speed of a model that continues a text.
    Decoder { new_tokens: u32, prefill_tokens_per_second: f64, decode_tokens_per_second: f64 },
}

/// Measures the speed of a model.
pub(crate) fn run(options: &Bench) -> Result<(), Error> {
    let monitor = Monitor::start();
    let threads = options.machine.threads()?;
    let model = source::model(&options.file, &threads)?;
    let bench = Runs { options, model: &model, threads: &threads };
    let decodes = model.supports(Target::Logits);
    let prompt_tokens = bench.prompt_tokens(if decodes { options.new } else { 0 })?;
    let tokens = bench.tokens(prompt_tokens);
    let speed = if decodes { bench.decoder(&tokens) } else { bench.encoder(&tokens) };
    let speed = speed.map_err(Error::Run)?;
    let usage = monitor.finish(0, Work::default());
    let measurement = Measurement {
        model_id: model.id(),
        model_name: model.manifest().name.clone(),
        model_bytes: model.artifact().bytes().len(),
        backend: options.machine.backend.name(),
        threads: threads.count(),
        runs: options.runs,
        prompt_tokens,
        speed,
        peak_resident_bytes: usage.peak_resident_bytes,
    };
    if options.json {
        return show_json(&measurement);
    }
    let mut page = measurement.page();
    finish(&mut page, &usage);
    page.show();
    Ok(())
}

struct Runs<'a> {
    options: &'a Bench,
    model: &'a Model,
    threads: &'a Threads,
}

impl<'a> Runs<'a> {
    /// Returns the prompt that was asked for, or what the context leaves room for.
    fn prompt_tokens(&self, new: u32) -> Result<u32, Error> {
        let context = self.model.manifest().context;
        let room = context.saturating_sub(new);
        let prompt = self.options.prompt.unwrap_or(DEFAULT_PROMPT.min(room)).max(1);
        if prompt > room {
            let (got, max) = (u64::from(prompt) + u64::from(new), u64::from(context));
            let options = if new > 0 { "--prompt or --new" } else { "--prompt" };
            return Err(Error::Context { what: "the bench", got, max, options });
        }
        Ok(prompt)
    }

    /// Tokens from all over the vocabulary; which they are changes no time.
    fn tokens(&self, count: u32) -> Vec<u32> {
        let vocabulary = u64::from(self.model.manifest().vocabulary);
        let token = |index: u32| u64::from(index) * STRIDE % vocabulary;
        (0..count).map(|index| u32::try_from(token(index)).unwrap_or(0)).collect()
    }

    fn decoder(&self, prompt: &[u32]) -> Result<Speed, ExecutionError> {
        let new = self.tokens(self.options.new);
        let [prefill, decode] = self.best(|| {
            let mut session = self.session(Target::Logits, prompt.len() + new.len())?;
            let prefill = seconds(|| session.feed(prompt, 1))?;
            let decode = seconds(|| new.iter().try_for_each(|token| session.feed(&[*token], 1)))?;
            Ok([prefill, decode])
        })?;
        Ok(Speed::Decoder {
            new_tokens: self.options.new,
            prefill_tokens_per_second: prompt.len() as f64 / prefill,
            decode_tokens_per_second: new.len() as f64 / decode,
        })
    }

    fn encoder(&self, text: &[u32]) -> Result<Speed, ExecutionError> {
        let [time] = self.best(|| {
            let embed = || self.session(Target::Embedding, text.len())?.feed(text, 1);
            Ok([seconds(embed)?])
        })?;
        Ok(Speed::Encoder {
            embeddings_per_second: 1.0 / time,
            tokens_per_second: text.len() as f64 / time,
        })
    }

    /// Returns the least time of each part of all runs but the first, which also reads the weights
    /// from the disk.
    fn best<const N: usize>(
        &self,
        run: impl Fn() -> Result<[f64; N], ExecutionError>,
    ) -> Result<[f64; N], ExecutionError> {
        run()?;
        let mut best = [f64::MAX; N];
        for _ in 0..self.options.runs {
            for (best, time) in best.iter_mut().zip(run()?) {
                *best = best.min(time);
            }
        }
        Ok(best)
    }

    fn session(&self, target: Target, capacity: usize) -> Result<Session<'a>, ExecutionError> {
        Session::new(self.model, target, capacity, 1, self.options.machine.backend, self.threads)
    }
}

fn seconds(work: impl FnOnce() -> Result<(), ExecutionError>) -> Result<f64, ExecutionError> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64().max(1e-9))
}

impl Measurement {
    fn page(&self) -> Page {
        let mut page = Page::default();
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        page.title(&format!("Speed: the best of {} runs", self.runs))
            .item("name", &self.model_name)
            .item("model", self.model_id)
            .item("size", HumanBytes(self.model_bytes as u64))
            .item("machine", format_args!("{} {threads}, {}", self.threads, self.backend));
        let rate = |rate: f64, what: &str| format!("{rate:.2} {what} a second");
        match self.speed {
            Speed::Encoder { embeddings_per_second, tokens_per_second } => {
                page.item("text", format_args!("{} tokens", HumanCount(self.prompt_tokens.into())))
                    .item("embeddings", rate(embeddings_per_second, "texts"))
                    .item("", rate(tokens_per_second, "tokens"));
            }
            Speed::Decoder { new_tokens, prefill_tokens_per_second, decode_tokens_per_second } => {
                page.item(
                    "prompt",
                    format_args!("{} tokens", HumanCount(self.prompt_tokens.into())),
                )
                .item("prefill", rate(prefill_tokens_per_second, "tokens"))
                .item("new", format_args!("{} tokens after it", HumanCount(new_tokens.into())))
                .item("decode", rate(decode_tokens_per_second, "tokens"));
            }
        }
        page
    }
}

const DEFAULT_PROMPT: u32 = 512;

/// A prime, so that tokens come from all over the vocabulary.
const STRIDE: u64 = 7_919;
