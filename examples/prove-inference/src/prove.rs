use std::{fs, time::Instant};

use alloy_primitives::keccak256;
use lazai_api_types::{Claim, PortError, ProofVerifier};
use lazai_coprocessor::{Monitor, trace::Input};
use lazai_halo2::{Halo2Verifier, PlanReport, ProvedOutput, ProvingKey, Srs};

use crate::{
    chain::Chain,
    contract,
    error::Error,
    network::Run,
    options::Options,
    progress::Progress,
    report::{self, Report},
};

/// Proves a run, checks the proof everywhere, and prints what was measured.
pub(crate) fn prove(options: &Options) -> Result<(), Error> {
    if options.plan {
        return plan(options);
    }
    let report = measure(options)?;
    if options.json {
        println!("{}", serde_json::to_string(&report).unwrap_or_default());
    } else {
        report.print();
    }
    Ok(())
}

/// Prints what a proof would take.
fn plan(options: &Options) -> Result<(), Error> {
    let run = Run::load(options)?;
    let plan = ProvingKey::plan(&run.network, ProvedOutput::Logits, Input::Tensor(&run.input))?;
    draw(options, &plan)?;
    if options.json {
        println!("{}", serde_json::to_string(&plan).unwrap_or_default());
    } else {
        report::print_plan(&run.name, &plan);
    }
    Ok(())
}

fn draw(options: &Options, plan: &PlanReport) -> Result<(), Error> {
    let Some(path) = &options.svg else { return Ok(()) };
    fs::write(path, plan.svg()).map_err(|source| Error::Write { path: path.clone(), source })
}

fn measure(options: &Options) -> Result<Report, Error> {
    let monitor = Monitor::start();
    let run = Run::load(options)?;
    let progress = Progress::new(options.json);
    let mut report = Report { system: "halo2", network: run.name.clone(), ..Report::default() };
    let input = Input::Tensor(&run.input);

    let start = Instant::now();
    let mut string = None;
    let mut waited = 0.0;
    let key = ProvingKey::new(
        &run.network,
        ProvedOutput::Logits,
        input,
        |k| {
            progress.say("reading the reference string");
            let start = Instant::now();
            let srs = match &options.srs {
                Some(path) => Srs::open(path, k)?,
                None => Srs::development_with_known_secret(k)?,
            };
            string = Some(srs.clone());
            waited = start.elapsed().as_secs_f64();
            Ok(srs)
        },
        &mut |stage| progress.stage(stage),
    )?;
    report.srs_s = waited;
    report.setup_s = start.elapsed().as_secs_f64() - waited;
    let Some(srs) = string else { return Err(Error::Verdict("keygen")) };

    // A chain would put its id, the requester and the request here.
    let context = keccak256("prove-inference");
    let start = Instant::now();
    let proof =
        key.prove(&run.network, input, context, &srs, &mut |stage| progress.stage(stage))?;
    report.prove_s = start.elapsed().as_secs_f64();
    report.peak_rss_bytes = monitor.finish(0, proof.statement.work).peak_resident_bytes;

    progress.say("checking the proof");
    let verifying = key.verifying().to_bytes();
    let verifier = if options.insecure_development_srs {
        Halo2Verifier::accepting_development_keys()
    } else {
        Halo2Verifier::new()
    };
    let claim = Claim::Statement(&proof.statement);
    let mut times = Vec::with_capacity(CHECKS);
    for _ in 0..CHECKS {
        let start = Instant::now();
        if !verifier.verify(&verifying, claim, &proof.bytes).map_err(|error| fault(&error))? {
            return Err(Error::Verdict("the verifier"));
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    report.verify_ms = times[CHECKS / 2];
    let mut altered = proof.bytes.clone();
    if let Some(byte) = altered.last_mut() {
        *byte ^= 1;
    }
    if verifier.verify(&verifying, claim, &altered).map_err(|error| fault(&error))? {
        return Err(Error::Verdict("the verifier"));
    }
    let mut chain = Chain::start(&verifying, verifier)?;
    report.registration_gas = chain.registration_gas;
    let verdict = chain.verify(&proof.statement, &proof.bytes)?;
    if !verdict.valid || chain.verify(&proof.statement, &altered)?.valid {
        return Err(Error::Verdict("the precompile"));
    }
    report.precompile_gas = verdict.gas;

    progress.say("checking the proof in a Solidity contract");
    let contract = key.verifying().solidity()?;
    if let Some(path) = &options.contract {
        fs::write(path, &contract.source)
            .map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    match contract::check(&mut chain, key.verifying(), &contract, &proof) {
        Ok(checked) => {
            report.evm_gas = Some(checked.evm_gas);
            report.contract_bytes = Some(checked.contract_bytes);
            report.deployment_gas = Some(checked.deployment_gas);
        }
        // It needs npm, which not everybody has.
        Err(Error::Solc(reason)) => report.no_contract = Some(reason),
        Err(error) => return Err(error),
    }
    progress.finish();

    report.rows = 1 << key.verifying().k();
    report.columns = key.verifying().columns();
    report.envelope_bytes = proof.bytes.len();
    report.proof_bytes = proof.without_envelope().len();
    report.vk_bytes = verifying.len();
    report.pk_bytes = key.bytes();
    let plan = key.report();
    draw(options, &plan)?;
    report.parts = plan.parts;
    if let Some((error, largest)) = run.error(&proof.output) {
        (report.largest_error, report.largest_output) = (Some(error), Some(largest));
    }
    (report.inputs, report.outputs) = (proof.input.len(), proof.output.len());
    Ok(report)
}

fn fault(error: &PortError) -> Error {
    Error::Transaction(error.to_string())
}

/// How often the proof is checked, for a median.
const CHECKS: usize = 21;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_perceptron_is_proved_and_checked_in_the_evm() {
        let arguments = ["prove-inference", "--insecure-development-srs", "--built-in=perceptron"];
        let report = measure(&Options::parse_from(arguments)).unwrap();
        assert_eq!((report.inputs, report.outputs), (64, 10));
        assert!(report.precompile_gas > 0 && report.proof_bytes > 1_000);
    }

    #[test]
    fn a_reference_string_must_be_chosen() {
        let message = Options::try_parse_from(["prove-inference"]).unwrap_err().to_string();
        assert!(message.contains("--srs") && message.contains("--insecure-development-srs"));
        let arguments = ["prove-inference", "--srs=/nowhere", "--built-in=perceptron"];
        let error = measure(&Options::parse_from(arguments)).unwrap_err().to_string();
        assert!(error.contains("reference string"), "{error}");
    }
}
