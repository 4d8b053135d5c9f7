//! What was measured and proposed, for people and for programs. Floats are for reading alone.

use core::fmt::Write;

use lazai_coprocessor::kernel::Backend;
use lazai_gas::{GasSchedule, Rate};
use serde_json::{Value, json};

use crate::{
    error::Error,
    measure::{Coefficient, Measurement},
    proposal::{Proposal, Terms},
};

/// What ran the models.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) backend: Backend,
    pub(crate) threads: usize,
}

pub(crate) fn text(
    machine: &Machine,
    terms: Terms,
    measurements: &[Measurement],
    proposal: &Proposal,
) -> Result<String, Error> {
    let (now, next) = (GasSchedule::default(), proposal.change.schedule);
    let mut out = format!(
        "{}, {} thread(s); a second is worth {} gas, and the margin is {} %\n\n",
        machine.backend, machine.threads, terms.gas_per_second, terms.margin
    );
    let _ = writeln!(
        out,
        "{:<26} {:<12} {:>12} {:>12} {:>10} {:>10}",
        "work", "model", "time", "per second", "paid now", "proposed"
    );
    for measurement in measurements {
        let paid = |schedule| terms.paid_percent(measurement, schedule);
        let _ = writeln!(
            out,
            "{:<26} {:<12} {:>9.3} ms {:>12} {:>8} % {:>8} %",
            measurement.name,
            measurement.model,
            measurement.nanoseconds as f64 / 1e6,
            per_second(measurement),
            paid(&now)?,
            paid(&next)?,
        );
    }
    let wanted = proposal.wanted;
    let _ = writeln!(out, "\n{:<8} {:>22} {:>22} {:>22}", "", "now", "called for", "proposed");
    for (name, rates) in [
        ("alpha", [now.alpha, wanted.alpha, next.alpha]),
        ("beta", [now.beta, wanted.beta, next.beta]),
        ("gamma", [now.gamma, wanted.gamma, next.gamma].map(Rate::whole)),
    ] {
        let [now, wanted, next] = rates.map(readable);
        let _ = writeln!(out, "{name:<8} {now:>22} {wanted:>22} {next:>22}");
    }
    let change = proposal.change;
    let _ = writeln!(
        out,
        "\ndecided at block {}, holds from block {}; --json prints the change for a governance",
        change.decided, change.activation
    );
    Ok(out)
}

pub(crate) fn json(
    machine: &Machine,
    terms: Terms,
    measurements: &[Measurement],
    proposal: &Proposal,
) -> Result<Value, Error> {
    let (now, next) = (GasSchedule::default(), proposal.change.schedule);
    let measurements = measurements.iter().map(|measurement| {
        Ok(json!({
            "work": measurement.name,
            "model": measurement.model,
            "flops": measurement.work.flops,
            "peak_bytes": measurement.work.peak_bytes,
            "nanoseconds": measurement.nanoseconds,
            "paid_percent": {
                "now": terms.paid_percent(measurement, &now)?,
                "proposed": terms.paid_percent(measurement, &next)?,
            },
        }))
    });
    Ok(json!({
        "backend": machine.backend.name(),
        "threads": machine.threads,
        "gas_per_second": terms.gas_per_second,
        "margin_percent": terms.margin,
        "measurements": measurements.collect::<Result<Vec<_>, Error>>()?,
        "now": now,
        "called_for": proposal.wanted,
        "proposal": proposal.change,
    }))
}

/// Units of the work that a second does.
fn per_second(measurement: &Measurement) -> String {
    let rate = |units: u64| units as f64 / measurement.nanoseconds as f64;
    match measurement.priced_by {
        Coefficient::Alpha => format!("{:.2} Gop", rate(measurement.work.flops)),
        Coefficient::Beta => format!("{:.2} GB", rate(measurement.work.peak_bytes)),
        Coefficient::Gamma => format!("{:.2} M", rate(1) * 1e3),
    }
}

/// A rate with its value, as `3/10000 = 0.0003`.
fn readable(rate: Rate) -> String {
    if rate.denominator.get() == 1 {
        return rate.numerator.to_string();
    }
    format!("{rate} = {:.6}", rate.numerator as f64 / rate.denominator.get() as f64)
}

#[cfg(test)]
mod tests {
    use lazai_api_types::Work;
    use lazai_gas::{ChangeLimits, Governance, ScheduledChange};

    use super::*;

    #[test]
    fn the_printed_change_is_one_that_a_governance_takes() {
        let measurements = [
            (Coefficient::Alpha, Work { flops: 80_000_000_000, peak_bytes: 0 }),
            (Coefficient::Beta, Work { flops: 0, peak_bytes: 20_000_000_000 }),
            (Coefficient::Gamma, Work::default()),
        ]
        .map(|(priced_by, work)| Measurement {
            name: "work",
            model: "model",
            priced_by,
            work,
            nanoseconds: 1_000_000_000 / if work == Work::default() { 100_000 } else { 1 },
        });
        let terms = Terms { gas_per_second: 30_000_000, margin: 25, block: 77 };
        let proposal = Proposal::new(&measurements, terms).unwrap();
        let machine = Machine { backend: Backend::detect(), threads: 1 };
        let printed = json(&machine, terms, &measurements, &proposal).unwrap();
        let change: ScheduledChange = serde_json::from_value(printed["proposal"].clone()).unwrap();
        let mut governance = Governance::new(GasSchedule::default(), ChangeLimits::default());
        governance.propose(change.decided, change.activation, change.schedule).unwrap();
        assert_eq!(governance.changes(), [change]);
        let text = text(&machine, terms, &measurements, &proposal).unwrap();
        assert!(text.contains("holds from block 7277"), "{text}");
        assert!(text.contains("80.00 Gop"), "{text}");
    }
}
