//! Runs clusters of validators under random faults, seed by seed, and reports objections.
//!
//! `cargo run --release -p lazai-simulation --example campaign -- --seeds 0..1000`

#![allow(clippy::arithmetic_side_effects, reason = "counters of a command, checked for overflow")]

use core::{ops::Range, str::FromStr, time::Duration};
use std::{io::IsTerminal as _, process::ExitCode, time::Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use lazai_simulation::{
    Case, Cluster, Latencies, Link, Region, Report, Scenario, Summary, max_views,
};
use serde_json::json;

/// Runs clusters of validators under random faults, and reports objections.
#[derive(Debug, Parser)]
struct Options {
    /// The seeds to run, `from..to`.
    #[arg(long, default_value = "0..1000")]
    seeds: Seeds,
    /// One seed, in place of many.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Numbers of nodes, which the seeds take in turn.
    #[arg(long, value_delimiter = ',', default_value = "4,7,10")]
    nodes: Vec<u16>,
    /// beyond, chain, heal, sweep or twins; all but chain in turn if not given.
    #[arg(long)]
    scenario: Option<Scenario>,
    /// Measures latency between regions and with fixed delays, and runs no seeds.
    #[arg(long)]
    latency: bool,
    /// Runs one of so many seeds twice and compares the hashes.
    #[arg(long, default_value_t = 100)]
    replay_every: u64,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Prints each case and its report.
    #[arg(long)]
    verbose: bool,
}

#[derive(Clone, Debug)]
struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bounds = text.split_once("..").and_then(|(from, to)| {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from < to).then_some(from..to)
        });
        bounds.map(Self).ok_or_else(|| format!("`{text}` is no range of seeds such as 0..1000"))
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.verbose {
        // The engine panics on disk faults. The report contains them; messages would flood the
        // output.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let run = if options.latency { latency(&options) } else { campaign(&options) };
    match run {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn campaign(options: &Options) -> Result<bool, Box<dyn core::error::Error>> {
    let seeds = options.seed.map_or_else(|| options.seeds.0.clone(), |seed| seed..seed + 1);
    let bar = ProgressBar::new(seeds.end - seeds.start);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left {msg}",
    )?);
    let visible = std::io::stderr().is_terminal();
    let start = Instant::now();
    let mut summary = Summary::default();
    for seed in seeds {
        let case = Case::of(seed, options.scenario, &options.nodes);
        if options.verbose {
            println!("{:#?}", case.scenario.cluster(case.nodes, case.seed));
        }
        let report = case.run()?;
        if options.verbose {
            println!("{report:#?}");
        }
        summary.add(case, &report);
        for objection in case.objections(&report) {
            bar.suspend(|| eprintln!("{objection}: {}", case.command()));
        }
        if case.is_replayed(options.replay_every) {
            summary.add_replay(case, case.run()?.hash == report.hash);
        }
        bar.set_message(format!("({} objections)", summary.objections.len()));
        bar.inc(1);
        if !visible && summary.runs().is_multiple_of(500) {
            eprintln!("{} seeds in {:?}", summary.runs(), start.elapsed());
        }
    }
    bar.finish_and_clear();
    if options.json {
        println!("{:#}", to_json(&summary, start.elapsed()));
        return Ok(summary.is_clean());
    }
    print!("{summary}");
    for (case, objection) in &summary.objections {
        println!("{case:?}: {objection}\n    {}", case.command());
    }
    for case in &summary.differing {
        println!("{case:?}: two runs differ\n    {}", case.command());
    }
    println!("took {:?}", start.elapsed());
    Ok(summary.is_clean())
}

fn to_json(summary: &Summary, took: Duration) -> serde_json::Value {
    let groups = summary.groups.iter().map(|((scenario, nodes), group)| {
        json!({
            "scenario": scenario.to_string(),
            "nodes": nodes,
            "runs": group.runs,
            "finalized": group.finalized,
            "crashes": group.crashes,
            "refused_disks": group.refused,
            "runs_with_evidence": group.accused,
            "simulated_seconds": group.simulated.as_secs(),
            "views_to_heal": group.views_to_heal,
            "ms_to_heal": group.times_to_heal.iter().map(Duration::as_millis).collect::<Vec<_>>(),
            "max_views_allowed": max_views(*nodes),
        })
    });
    let objections = summary.objections.iter().map(|(case, objection)| {
        json!({
            "scenario": case.scenario.to_string(),
            "nodes": case.nodes,
            "seed": case.seed,
            "objection": objection.to_string(),
            "command": case.command(),
        })
    });
    json!({
        "runs": summary.runs(),
        "replayed": summary.replayed,
        "differing": summary.differing.iter().map(|case| case.seed).collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "objections": objections.collect::<Vec<_>>(),
        "took_seconds": took.as_secs(),
    })
}

/// Measures finality, in message delays on a network with a constant delay and in milliseconds
/// between regions.
fn latency(options: &Options) -> Result<bool, Box<dyn core::error::Error>> {
    let delay = Duration::from_millis(100);
    let (step, time) = (Duration::from_micros(10), Duration::from_secs(60));
    let mut clean = true;
    for &nodes in &options.nodes {
        let cluster = Cluster::builder().nodes(nodes).step(step).duration(time);
        let fixed = cluster.clone().link(Link::fixed(delay)).run()?;
        let regions = cluster.regions(&Region::ALL).run()?;
        clean &= fixed.violations.is_empty() && regions.violations.is_empty();
        let delays = |latencies: &Latencies, percent| latencies.in_delays(percent, delay);
        if options.json {
            println!(
                "{}",
                json!({
                    "nodes": nodes,
                    "block_thousandths_of_a_delay": delays(&fixed.block_time, 50),
                    "final_thousandths_of_a_delay": [
                        delays(&fixed.finality, 50), delays(&fixed.finality, 99),
                    ],
                    "regions_block_ms": spread(&regions.block_time),
                    "regions_final_ms": spread(&regions.finality),
                    "regions_blocks": regions.finalized,
                })
            );
            continue;
        }
        print(nodes, &fixed, &regions, delay);
    }
    Ok(clean)
}

fn print(nodes: u16, fixed: &Report, regions: &Report, delay: Duration) {
    let delays = |latencies: &Latencies, percent| {
        let thousandths = latencies.in_delays(percent, delay).unwrap_or_default();
        format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
    };
    println!(
        "{nodes} nodes, fixed delay: a block every {} delays, final after {} (p50) and {} (p99)",
        delays(&fixed.block_time, 50),
        delays(&fixed.finality, 50),
        delays(&fixed.finality, 99),
    );
    let [block, block_99] = spread(&regions.block_time);
    let [last, last_99] = spread(&regions.finality);
    println!(
        "{nodes} nodes in {nodes} regions: {} blocks in {:?}, one every {block} ms (p50) and {block_99} ms (p99), final \
         after {last} ms (p50) and {last_99} ms (p99)",
        regions.finalized, regions.elapsed,
    );
}

fn spread(latencies: &Latencies) -> [u128; 2] {
    [50, 99].map(|percent| latencies.percentile(percent).unwrap_or_default().as_millis())
}
