//! How long the job of a block takes while others ask the same model.
//!
//! `cargo bench -p lazai-coprocessor --bench callers` asks the shipped model for the logits of one
//! token, again and again, while 0 to 200 other threads let it write 64 tokens each time; once on
//! the pool of those others, and once on a pool of its own. It prints mean and worst latency. There
//! are more threads than cores, so a job also waits for the operating system.

use core::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::{path::Path, thread, time::Instant};

use lazai_api_types::{Coprocessor, Generation, Job, Prompt, Sampling, Task, TokenId};
use lazai_coprocessor::{Cpu, kernel::Threads};

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/storyteller/model/storyteller.safetensors");
    let threads = || Threads::new(THREADS).expect("the threads start");
    let builder = Cpu::builder().threads(threads()).open(path).expect("the shipped model");
    let others = builder.build().expect("a back end");
    let own = others.with_threads(threads());
    let single = others.with_threads(Threads::single());
    println!("| callers | on their pool, ms | on its own pool, ms | on its own thread, ms |");
    println!("| --- | --- | --- | --- |");
    for callers in [0, 4, 16, 64, 200] {
        let cells = [&others, &own, &single].map(|device| {
            let [mean, worst] = latency(device, &others, callers).map(|time| time.as_secs_f64());
            format!("{:.2} (worst {:.2})", mean * 1e3, worst * 1e3)
        });
        println!("| {callers} | {} |", cells.join(" | "));
    }
}

/// Mean and worst time of a job on `device` while `callers` threads keep `others` busy.
fn latency(device: &Cpu, others: &Cpu, callers: usize) -> [Duration; 2] {
    let model = device.models().next().expect("a model");
    let short = Job { model, task: Task::Logits { prompt: Prompt::Tokens(vec![TokenId(1)]) } };
    let long = Job {
        model,
        task: Task::Generate(Generation {
            prompt: Prompt::Tokens(vec![TokenId(1)]),
            max_tokens: 64,
            sampling: Sampling::default(),
            stop: Vec::new(),
        }),
    };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    others.run(&long).expect("the job runs");
                }
            });
        }
        // Until all callers run.
        let start = Instant::now();
        while start.elapsed() < WARM_UP {
            device.run(&short).expect("the job runs");
        }
        let (mut worst, mut count, start) = (Duration::ZERO, 0, Instant::now());
        while count < 10 || start.elapsed() < MEASURED {
            let begin = Instant::now();
            device.run(&short).expect("the job runs");
            worst = worst.max(begin.elapsed());
            count += 1;
        }
        let mean = start.elapsed() / count;
        done.store(true, Ordering::Relaxed);
        [mean, worst]
    })
}

const THREADS: usize = 2;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(5);
