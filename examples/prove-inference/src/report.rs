use lazai_halo2::{PartCount, PlanReport};
use serde::Serialize;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) system: &'static str,
    pub(crate) network: String,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) rows: u64,
    pub(crate) columns: usize,
    pub(crate) srs_s: f64,
    pub(crate) setup_s: f64,
    pub(crate) prove_s: f64,
    pub(crate) verify_ms: f64,
    pub(crate) proof_bytes: usize,
    pub(crate) envelope_bytes: usize,
    pub(crate) vk_bytes: usize,
    pub(crate) pk_bytes: usize,
    pub(crate) peak_rss_bytes: Option<u64>,
    pub(crate) registration_gas: u64,
    pub(crate) precompile_gas: u64,
    pub(crate) evm_gas: Option<u64>,
    pub(crate) contract_bytes: Option<usize>,
    pub(crate) deployment_gas: Option<u64>,
    /// Why the Solidity verifier was not run.
    pub(crate) no_contract: Option<String>,
    pub(crate) largest_error: Option<f64>,
    pub(crate) largest_output: Option<f64>,
    /// The constraints of every operator.
    pub(crate) parts: Vec<PartCount>,
}

impl Report {
    pub(crate) fn print(&self) {
        println!("{}", self.network);
        println!("  runs          {} integers to {}", self.inputs, self.outputs);
        if let (Some(error), Some(largest)) = (self.largest_error, self.largest_output) {
            println!("  accuracy      off by at most {error:.4}, of results up to {largest:.4}");
        }
        println!("  circuit       {} rows, {} columns", self.rows, self.columns);
        print_parts(&self.parts);
        println!("  setup         {:.2} s, {} bytes of proving key", self.setup_s, self.pk_bytes);
        println!("  prove         {:.2} s", self.prove_s);
        println!(
            "  memory        {:.2} GiB at most",
            self.peak_rss_bytes.unwrap_or(0) as f64 / GIBIBYTE
        );
        println!(
            "  proof         {} bytes; with the integers {}",
            self.proof_bytes, self.envelope_bytes
        );
        println!(
            "  key           {} bytes, registered for {} gas",
            self.vk_bytes, self.registration_gas
        );
        println!(
            "  verify        {:.2} ms natively, {} gas in the precompile",
            self.verify_ms, self.precompile_gas
        );
        match (self.evm_gas, self.contract_bytes, self.deployment_gas) {
            (Some(gas), Some(bytes), Some(deployment)) => println!(
                "  contract      {gas} gas for a check by {bytes} bytes of code, put on the chain for {deployment} gas"
            ),
            _ => println!(
                "  contract      not run: {}",
                self.no_contract.as_deref().unwrap_or_default()
            ),
        }
        println!("  altered       refused by all");
    }
}

/// What a proof would take.
pub(crate) fn print_plan(name: &str, plan: &PlanReport) {
    println!("{name}");
    println!("  circuit       {} rows, {} columns", plan.rows(), plan.column_count());
    print_parts(&plan.parts);
    println!("  proving key   {:.2} GiB", plan.key_bytes as f64 / GIBIBYTE);
    println!("  memory        {:.2} GiB, about", plan.memory_bytes as f64 / GIBIBYTE);
    println!("  a proof       {:.1} s of one core, about", plan.core_seconds);
}

fn print_parts(parts: &[PartCount]) {
    for PartCount { name, gates, lookups, linear_combinations: folds, .. } in parts {
        println!("    {name:<20} {gates:>8} multiplications {lookups:>7} lookups {folds:>7} folds");
    }
}

const GIBIBYTE: f64 = (1_u64 << 30) as f64;
