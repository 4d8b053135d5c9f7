use core::{fmt::Write, time::Duration};

use alloy_primitives::{Address, B256};
use lazai_api_types::ProofSystemId;
use serde_json::{Value, json};

/// What the demonstration did.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) input: Vec<u32>,
    pub(crate) answer: i32,
    pub(crate) contract: Address,
    pub(crate) deployment_gas: u64,
    pub(crate) steps: Vec<Step>,
}

/// What one proof system did.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) system: ProofSystemId,
    pub(crate) key_hash: B256,
    pub(crate) key_bytes: usize,
    pub(crate) proof_bytes: usize,
    pub(crate) prove: Duration,
    pub(crate) verify: Duration,
    /// Gas of choosing the system, the registration of the key included.
    pub(crate) choose_gas: u64,
    /// Gas of the check alone, as the contract was quoted.
    pub(crate) quoted_gas: u64,
    /// Gas of the transaction that brought the proof.
    pub(crate) submit_gas: u64,
    pub(crate) input: B256,
    pub(crate) output: B256,
    /// Changed proofs and statements that were tried; all were refused.
    pub(crate) refused: usize,
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut page = String::from("LazVM: one contract, two proof systems\n");
        let mut line = |name: &str, value: String| {
            // Writing to a text cannot fail.
            let text = format!("  {name:<12}{value}");
            let _ = writeln!(page, "{}", text.trim_end());
        };
        line("contract", format!("{}, deployed for {} gas", self.contract, self.deployment_gas));
        line("input", format!("{:?}", self.input));
        line("answer", self.answer.to_string());
        for step in &self.steps {
            line("", String::new());
            line("system", format!("{}: {}", step.system.0, step.name));
            line("key", format!("{}, {} bytes", step.key_hash, step.key_bytes));
            line("", format!("chosen and registered for {} gas", step.choose_gas));
            line("proof", format!("{} bytes, made in {:.1?}", step.proof_bytes, step.prove));
            line("", format!("checked in {:.1?} natively", step.verify));
            line("price", format!("{} gas, quoted before the check", step.quoted_gas));
            line("accepted", format!("{} gas in all, output kept", step.submit_gas));
            line("refused", format!("{} altered proofs and statements, all tried", step.refused));
        }
        let _ =
            writeln!(page, "\n  The contract is the same; its owner sent one transaction to swap.");
        page
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let steps = self.steps.iter().map(|step| {
            json!({
                "name": step.name,
                "system": step.system.0,
                "key_hash": step.key_hash,
                "key_bytes": step.key_bytes,
                "proof_bytes": step.proof_bytes,
                "prove_ms": step.prove.as_secs_f64() * 1_000.0,
                "verify_ms": step.verify.as_secs_f64() * 1_000.0,
                "choose_gas": step.choose_gas,
                "quoted_gas": step.quoted_gas,
                "submit_gas": step.submit_gas,
                "input_hash": step.input,
                "output_hash": step.output,
                "refused": step.refused,
            })
        });
        json!({
            "contract": self.contract,
            "deployment_gas": self.deployment_gas,
            "input": self.input,
            "answer": self.answer,
            "systems": steps.collect::<Vec<_>>(),
        })
    }
}
