//! Checks that the gadgets of the halo2 circuits have one solution, and leaves out each constraint.

use clap::Parser;
use lazai_determinism::{GADGETS, GadgetReport, Sweep, SweepError};

/// Checks that every gadget has one solution, and that every constraint is needed for it.
#[derive(Debug, Parser)]
struct Options {
    /// Names of gadgets, or `all`.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    gadgets: Vec<String>,
    /// Inputs of each circuit.
    #[arg(long, default_value_t = 24)]
    inputs: usize,
    /// Parameters of each gadget, the first three chosen and the others drawn.
    #[arg(long, default_value_t = 6)]
    parameters: usize,
    /// Widths of the range table.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 10, 12, 16])]
    range_bits: Vec<u32>,
    /// Widths at which constraints are left out; `0` leaves none out.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 16])]
    left_out_at: Vec<u32>,
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
        parameters: options.parameters,
        inputs: options.inputs,
        range_bits: options.range_bits,
        left_out_at: options.left_out_at,
        seed: options.seed,
    };
    let reports = sweep.run(&mut |report| {
        println!("{report}");
        for failure in &report.failures {
            println!("  not unique: {failure}");
        }
        let left_out = [&report.lookups, &report.zeros, &report.sums];
        for unnoticed in left_out.iter().flat_map(|left_out| &left_out.unnoticed) {
            println!("  not noticed: {unnoticed}");
        }
    })?;
    let total = GadgetReport::total(&reports);
    println!("{} gadgets, {total}", reports.len());
    if total.passes() {
        return Ok(());
    }
    std::process::exit(1);
}
