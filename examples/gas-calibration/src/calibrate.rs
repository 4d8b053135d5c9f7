use core::time::Duration;

use lazai_coprocessor::kernel::Threads;

use crate::{
    error::Error,
    measure, models,
    options::CalibrateOptions,
    output::show,
    proposal::{Proposal, Terms},
    report,
};

/// Measures, proposes, and prints both.
pub(crate) fn calibrate(options: &CalibrateOptions) -> Result<(), Error> {
    let threads = Threads::new(options.threads)?;
    let budget = Duration::from_millis(options.milliseconds);
    let shipped = models::storyteller(&threads)?;
    let random = models::random(LAYERS, &threads)?;
    let mut measurements = measure::model(&shipped, budget)?;
    measurements.extend(measure::model(&random, budget)?);
    measurements.push(measure::memory(budget, MEMORY_BYTES));
    measurements.extend(measure::calls(&shipped, budget)?);

    let terms = Terms {
        gas_per_second: options.gas_per_second,
        margin: options.margin,
        block: options.block,
    };
    let proposal = Proposal::new(&measurements, terms)?;
    let machine =
        report::Machine { backend: shipped.device.backend(), threads: shipped.device.threads() };
    show(&if options.json {
        format!("{}\n", report::json(&machine, terms, &measurements, &proposal)?)
    } else {
        report::text(&machine, terms, &measurements, &proposal)?
    });
    Ok(())
}

const LAYERS: usize = 4;
const MEMORY_BYTES: usize = 256 << 20;
