//! Checks that the gadgets of the halo2 circuits have one solution, and leaves out each constraint.

use clap::Parser;
use lazai_determinism::{GADGETS, GadgetReport, LeftOut, Sweep, SweepError};

/// Checks that every gadget has one solution, and that every constraint is needed for it.
#[derive(Debug, Parser)]
struct Options {
    /// Names of gadgets, or `all`.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    gadgets: Vec<String>,
    /// Inputs of each circuit, beside those at the edges of the gadget.
    #[arg(long, default_value_t = 24)]
    inputs: usize,
    /// Parameters that are drawn for each gadget, beside those that are chosen.
    #[arg(long, default_value_t = 3)]
    drawn: usize,
    /// Widths of the range table.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 10, 12, 16])]
    range_bits: Vec<u32>,
    /// Leaves no constraints out.
    #[arg(long)]
    whole: bool,
    /// What parameters and inputs are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), SweepError> {
    let options = Options::parse();
    let all = options.gadgets.iter().any(|name| name == "all");
    let gadgets = if all { GADGETS.map(str::to_owned).to_vec() } else { options.gadgets };
    let sweep = Sweep {
        gadgets,
        drawn: options.drawn,
        inputs: options.inputs,
        range_bits: options.range_bits,
        leave_out: !options.whole,
        seed: options.seed,
    };
    let reports = sweep.run(&mut |report| {
        println!("{report}");
        for failure in &report.failures {
            println!("  not unique: {failure}");
        }
    })?;
    for report in &reports {
        let left_out = report.left_out().into_iter();
        for open in left_out.clone().flat_map(LeftOut::open) {
            println!("left open, no second solution found: {}: {open}", report.name);
        }
        for alone in left_out.clone().flat_map(LeftOut::noticed_alone) {
            println!("noticed where the method stands alone: {}: {alone}", report.name);
        }
        for unnoticed in left_out.flat_map(LeftOut::unnoticed) {
            println!("not noticed: {}: {unnoticed}", report.name);
        }
    }
    println!("{}", GadgetReport::total(&reports));
    if reports.iter().all(GadgetReport::passes) {
        return Ok(());
    }
    std::process::exit(1);
}
