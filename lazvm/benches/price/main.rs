//! Gas per second of every function of the AI precompiles over hostile inputs, on one thread,
//! beside that of `ecrecover`, the slowest precompile of Ethereum.
//!
//! ```text
//! cargo bench -p lazvm --bench price -- [--search N] [--model NAME] [--function NAME]
//!     [--backend NAME] [--all]
//! ```
//!
//! Times are processor times, the least of several runs, and what is worst is measured again, in
//! turns with `ecrecover`. `N` is gas per second in units in which `ecrecover` has 20. Each
//! function has inputs that are listed, and as many others as `--search` says (default 24), half of
//! them drawn, half made by hill-climbing from the worst. `--model` and `--function` leave out what
//! does not contain a name, `--backend` computes with other instructions (`avx512`, `avx2`,
//! `portable`, `scalar`), `--all` prints every input and not only the worst of each function. How
//! far the run is goes to standard error. The last line is `worst N FUNCTION INPUT`, and the exit
//! status is 1 if `N` is below 20.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a bench fails by panicking")]

mod cases;
mod clock;
mod functions;
mod gene;
mod measure;
mod memory;
mod models;
mod proofs;
mod search;
mod texts;
mod tokenizers;
mod transaction;

use core::time::Duration;
use std::{process::ExitCode, sync::Arc, time::Instant};

use alloy_primitives::hex;
use clock::fastest;
use lazai_coprocessor::kernel::Backend;
use lazai_gas::GasSchedule;
use lazai_precompiles::Settings;
use lazvm::revm::precompile::secp256k1::ec_recover_run;
use measure::{Function, Machine, Sample};
use memory::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let start = Instant::now();
    let options = Options::read();
    let (cpu, subjects) = models::load(&options.model, options.backend);
    let cases = if options.model.is_empty() { cases::cases() } else { Vec::new() };
    let mut machine = Machine {
        device: Arc::new(cpu),
        verifiers: cases::verifiers,
        settings: Settings {
            default_model: subjects.first().map(|subject| subject.id),
            ..Settings::default()
        },
        state: proofs::state(&cases),
        pricing: GasSchedule::default(),
        budget: Duration::from_millis(3),
    };
    let mut functions: Vec<Function> = Vec::new();
    functions.extend(subjects.iter().flat_map(functions::of_model));
    functions.extend(subjects.first().map(functions::raw_prompt));
    if options.model.is_empty() {
        functions.extend(functions::without_model());
        functions.extend(cases.iter().flat_map(proofs::of_case));
    }
    functions.retain(|function| function.name.contains(&options.function));

    let mut ecrecover = Ecrecover::default();
    ecrecover.measure();
    println!("ecrecover {:.1} us, {:.2} Mgas/s", ecrecover.micros(), ecrecover.rate());
    println!("{HEADER}");
    let mut worst: Vec<Sample> = Vec::new();
    for (function, done) in functions.iter().zip(1..) {
        ecrecover.measure();
        let mut samples = search::search(&machine, function, options.search);
        let shown = if options.all { samples.len() } else { 1 };
        for sample in &samples[..shown.min(samples.len())] {
            print_sample(sample, &ecrecover);
        }
        if let Some(greedy) = samples.iter().max_by_key(|s| s.held.saturating_sub(s.paid_bytes))
            && greedy.held > greedy.paid_bytes + FREE_BYTES
        {
            println!(
                "    memory: {} held, {} paid: {}",
                greedy.held, greedy.paid_bytes, greedy.input.name
            );
        }
        samples.truncate(3);
        worst.append(&mut samples);
        eprintln!("{done} of {} functions, {} s", functions.len(), start.elapsed().as_secs());
    }
    let mut attacks = Vec::new();
    if options.function.is_empty() {
        eprintln!("whole transactions");
        attacks = transaction::turns(&machine, &subjects);
        attacks.extend(subjects.iter().filter_map(|s| transaction::remembered(&machine, s)));
        for subject in &subjects {
            attacks.extend(transaction::texts(&machine, subject));
            eprintln!("texts of {}, {} s", subject.name, start.elapsed().as_secs());
        }
    }

    println!("\nagain, in turns with ecrecover:\n{HEADER}");
    machine.budget = Duration::from_millis(100);
    worst.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    worst.truncate(AGAIN);
    let mut worst: Vec<(f64, String)> = worst
        .iter()
        .map(|sample| {
            ecrecover.measure();
            let again = machine.again(sample);
            print_sample(&again, &ecrecover);
            (ecrecover.scaled(again.rate()), format!("{} {}", again.function, again.input.name))
        })
        .collect();
    if !attacks.is_empty() {
        println!("\nwhole transactions:\n         gas        us   Mgas/s        N");
        let loops = transaction::ecrecover(&machine, &SIGNATURE);
        attacks.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
        for attack in core::iter::once(&loops).chain(&attacks) {
            let scaled = GATE * attack.rate() / loops.rate();
            println!(
                "{:12} {:9} {:8.2} {scaled:8.2}  {}",
                attack.gas,
                attack.time.as_micros(),
                attack.rate(),
                attack.name
            );
        }
        worst.extend(attacks.iter().map(|attack| {
            (GATE * attack.rate() / loops.rate(), format!("transaction {}", attack.name))
        }));
    }
    worst.sort_by(|one, other| one.0.total_cmp(&other.0));
    let Some((scaled, name)) = worst.first() else { return ExitCode::SUCCESS };
    println!("\necrecover {:.1} us, {:.2} Mgas/s", ecrecover.micros(), ecrecover.rate());
    println!("worst {scaled:.2} {name}");
    ExitCode::from(u8::from(*scaled < GATE))
}

fn print_sample(sample: &Sample, ecrecover: &Ecrecover) {
    println!(
        "{:12} {:11.2} {:9.2} {:9.2} {:9} {:9}  {:?} {}: {}",
        sample.gas,
        sample.time.as_secs_f64() * 1e6,
        sample.rate(),
        ecrecover.scaled(sample.rate()),
        sample.held >> 10,
        sample.paid_bytes >> 10,
        sample.status,
        sample.function,
        sample.input.name,
    );
}

/// The shortest time of a call of `ecrecover` so far.
#[derive(Debug)]
struct Ecrecover(Duration);

impl Default for Ecrecover {
    fn default() -> Self {
        Self(Duration::MAX)
    }
}

impl Ecrecover {
    fn measure(&mut self) {
        let time = fastest(
            Duration::from_millis(3),
            || (),
            |()| {
                let output = core::hint::black_box(ec_recover_run(&SIGNATURE, ECRECOVER_GAS));
                assert_eq!(output.unwrap().bytes.len(), 32);
            },
        );
        self.0 = self.0.min(time);
    }

    fn micros(&self) -> f64 {
        self.0.as_secs_f64() * 1e6
    }

    /// Gas a second, in millions.
    fn rate(&self) -> f64 {
        ECRECOVER_GAS as f64 / self.micros()
    }

    /// Another rate, in units in which this one is 20.
    fn scaled(&self, rate: f64) -> f64 {
        GATE * rate / self.rate()
    }
}

/// What the command line asks for.
#[derive(Debug)]
struct Options {
    search: u32,
    model: String,
    function: String,
    backend: Backend,
    all: bool,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            search: 24,
            model: String::new(),
            function: String::new(),
            backend: Backend::detect(),
            all: false,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().expect("a value follows");
            match argument.as_str() {
                "--search" => options.search = value().parse().expect("a number follows"),
                "--model" => options.model = value(),
                "--function" => options.function = value(),
                "--backend" => options.backend = value().parse().expect("a back end follows"),
                "--all" => options.all = true,
                // What cargo adds.
                "--bench" => {}
                other => panic!("unknown option {other}"),
            }
        }
        options
    }
}

const HEADER: &str = "         gas          us    Mgas/s         N  held KiB  paid KiB";

/// What `ecrecover` has, and the least that a function may have.
const GATE: f64 = 20.0;

const ECRECOVER_GAS: u64 = 3_000;

/// How many of the worst inputs are measured again.
const AGAIN: usize = 24;

/// Memory of a call that nobody has to pay for.
const FREE_BYTES: u64 = 64 << 10;

/// A hash, the parity and the two halves of a signature of it.
const SIGNATURE: [u8; 128] = hex!(
    "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"
    "000000000000000000000000000000000000000000000000000000000000001c"
    "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
    "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
);
