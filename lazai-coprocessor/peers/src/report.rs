//! Medians and ratios.

use serde::Serialize;

use crate::{
    peer::{Peer, Sample},
    workload::Workload,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    processor: String,
    cases: Vec<Case>,
}

/// One workload with one number of threads.
#[derive(Debug, Serialize)]
struct Case {
    workload: Workload,
    threads: usize,
    /// Runnable processes of the machine in the last minute; above the number of threads, others
    /// were computing too.
    load: Option<String>,
    engines: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    engine: String,
    about: String,
    prefill: Option<Phase>,
    decode: Option<Phase>,
}

/// One phase of one engine.
#[derive(Clone, Copy, Debug, Serialize)]
struct Phase {
    /// Tokens per second, the median of the rounds.
    tokens_per_second: f64,
    /// The same of the fastest round.
    best_tokens_per_second: f64,
    /// Time on all cores for a token, in milliseconds, the median of the rounds.
    core_milliseconds_per_token: Option<f64>,
    /// How many times as fast ours is, the median over rounds of the ratio within a round.
    ours_is_faster: Option<f64>,
    /// The ratio of the fastest rounds.
    ours_is_faster_at_best: Option<f64>,
}

impl Report {
    pub fn new() -> Self {
        Self { processor: processor().unwrap_or_default(), cases: Vec::new() }
    }

    /// Summarizes the measurements of a case.
    pub fn add(&mut self, workload: &Workload, threads: usize, peers: &[Peer]) {
        let ours = peers.iter().find(|peer| peer.name() == "ours");
        let engines = peers.iter().map(|peer| Row {
            engine: peer.name().to_owned(),
            about: peer.about().to_owned(),
            prefill: phase(workload.prompt, peer.prefill(), ours.map(Peer::prefill)),
            decode: phase(workload.new, peer.decode(), ours.map(Peer::decode)),
        });
        let engines = engines.collect();
        self.cases.push(Case { workload: *workload, threads, load: load(), engines });
    }

    /// Prints the case that was added last.
    pub fn print_last(&self) {
        let Some(case) = self.cases.last() else { return };
        if self.cases.len() == 1 {
            println!("{}", self.processor);
        }
        println!(
            "\n{}, {} threads, prompt {}, new {}, load {}",
            case.workload.name,
            case.threads,
            case.workload.prompt,
            case.workload.new,
            case.load.as_deref().unwrap_or("unknown")
        );
        println!("{:>16} {:^40} {:^40}", "", "prefill", "decode");
        let columns =
            format!("{:>9} {:>9} {:>10} {:>9}", "tokens/s", "ours/it", "at best", "core ms");
        println!("{:>16} {columns} {columns}", "engine");
        for row in &case.engines {
            println!("{:>16} {} {}", row.engine, columns_of(row.prefill), columns_of(row.decode));
        }
    }
}

fn columns_of(phase: Option<Phase>) -> String {
    let text = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    format!(
        "{:>9} {:>9} {:>10} {:>9}",
        text(phase.map(|phase| phase.tokens_per_second), 1),
        text(phase.and_then(|phase| phase.ours_is_faster), 2),
        text(phase.and_then(|phase| phase.ours_is_faster_at_best), 2),
        text(phase.and_then(|phase| phase.core_milliseconds_per_token), 3),
    )
}

fn phase(tokens: usize, samples: &[Sample], ours: Option<&[Sample]>) -> Option<Phase> {
    let seconds =
        |samples: &[Sample]| samples.iter().map(|sample| sample.seconds).collect::<Vec<_>>();
    let best = |samples: &[Sample]| seconds(samples).into_iter().reduce(f64::min);
    let (tokens, fastest) = (tokens as f64, best(samples)?);
    let cores: Option<Vec<_>> = samples.iter().map(|sample| sample.core_seconds).collect();
    let ratios = ours.map(|ours| {
        samples.iter().zip(ours).map(|(sample, ours)| sample.seconds / ours.seconds).collect()
    });
    Some(Phase {
        tokens_per_second: tokens / median(seconds(samples))?,
        best_tokens_per_second: tokens / fastest,
        core_milliseconds_per_token: cores.and_then(median).map(|cores| 1e3 * cores / tokens),
        ours_is_faster: ratios.and_then(median),
        ours_is_faster_at_best: ours.and_then(best).map(|ours| fastest / ours),
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) =
        (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(": ")?.1.to_owned())
}

fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split(' ').next()?.to_owned())
}
