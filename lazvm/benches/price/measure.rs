//! Calls a precompile as the EVM does, and measures its gas, its time and its memory.

use core::time::Duration;
use std::sync::Arc;

use alloy_primitives::{Address, U256};
use lazai_api_types::{Coprocessor, ProofVerifier};
use lazai_gas::GasSchedule;
use lazai_precompiles::{
    AiPrecompiles, Call, MemoryState, Mode, Precompile, Reply, ResourcePrices, Settings, Status,
};

use crate::{
    clock::{fastest, processor_time},
    gene::Gene,
    memory::held,
};

/// A function of a precompile, and how its inputs are made.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) precompile: Precompile,
    /// The genes of inputs that are always measured.
    pub(crate) listed: Vec<Vec<u32>>,
    /// The genes that are searched.
    pub(crate) genes: Vec<Gene>,
    pub(crate) input: MakeInput,
}

pub(crate) type MakeInput = Box<dyn Fn(&[u32]) -> Input>;

/// Calldata and its description.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
}

/// What a call cost.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) function: String,
    pub(crate) input: Input,
    pub(crate) precompile: Precompile,
    pub(crate) gas_limit: u64,
    pub(crate) status: Status,
    pub(crate) gas: u64,
    pub(crate) time: Duration,
    /// Bytes of memory that were held and that were paid for.
    pub(crate) held: u64,
    pub(crate) paid_bytes: u64,
}

impl Sample {
    /// Gas a second, in millions.
    pub(crate) fn rate(&self) -> f64 {
        self.gas as f64 / self.time.as_secs_f64() / 1e6
    }
}

/// The precompiles over a device and a state.
pub(crate) struct Machine {
    pub(crate) device: Arc<dyn Coprocessor>,
    pub(crate) verifiers: fn() -> Vec<Arc<dyn ProofVerifier>>,
    pub(crate) settings: Settings,
    pub(crate) state: MemoryState,
    pub(crate) pricing: GasSchedule,
    /// Time to spend on an input.
    pub(crate) budget: Duration,
}

impl Machine {
    /// Measures a call with enough gas, and one that lacks a gas at its last charge. Calls that are
    /// long run twice.
    pub(crate) fn measure(&self, function: &Function, input: &Input) -> Vec<Sample> {
        let mut samples = vec![self.sample(&function.name, function.precompile, input, MAX_GAS)];
        let full = &samples[0];
        if full.gas > 0 && full.status != Status::OutOfGas {
            // The charge before the run: the quote, if there was one.
            let name = format!("{}, a gas short", input.name);
            let input = Input { name, data: input.data.clone() };
            let short = self.sample(&function.name, function.precompile, &input, full.gas - 1);
            if short.status == Status::OutOfGas && short.gas > 0 {
                samples.push(short);
            }
        }
        samples
    }

    /// Measures again, for `budget`.
    pub(crate) fn again(&self, sample: &Sample) -> Sample {
        let call = self.call(sample.precompile, &sample.input, sample.gas_limit);
        Sample { time: self.time(&call), ..sample.clone() }
    }

    fn sample(
        &self,
        function: &str,
        precompile: Precompile,
        input: &Input,
        gas_limit: u64,
    ) -> Sample {
        let call = self.call(precompile, input, gas_limit);
        let mut reply = None;
        let mut run = |(precompiles, mut state): (AiPrecompiles, MemoryState)| {
            let start = processor_time();
            reply = Some(precompiles.call(&call, &mut state).unwrap());
            processor_time().checked_sub(start).unwrap()
        };
        // The first call of all makes what the process keeps.
        let mut time = run(self.fresh());
        let fresh = self.fresh();
        let held = held(|| time = time.min(run(fresh)));
        let reply = reply.unwrap();
        if time < LONG {
            time = self.time(&call);
        }
        Sample {
            function: function.to_owned(),
            input: input.clone(),
            precompile,
            gas_limit,
            status: reply.status,
            gas: gas(&reply),
            time,
            held,
            paid_bytes: reply.work.peak_bytes,
        }
    }

    fn time(&self, call: &Call<'_>) -> Duration {
        fastest(
            self.budget,
            || self.fresh(),
            |(precompiles, state)| {
                let _ = core::hint::black_box(precompiles.call(call, state));
            },
        )
    }

    /// Precompiles that remember nothing.
    fn fresh(&self) -> (AiPrecompiles, MemoryState) {
        let precompiles =
            AiPrecompiles::new(Arc::clone(&self.device), (self.verifiers)(), self.settings.clone());
        (precompiles.unwrap(), self.state.clone())
    }

    fn call<'a>(&'a self, precompile: Precompile, input: &'a Input, gas_limit: u64) -> Call<'a> {
        Call {
            precompile,
            caller: Address::ZERO,
            input: &input.data,
            gas_limit,
            value: U256::ZERO,
            is_static: false,
            is_delegate: false,
            mode: Mode::Execute,
            pricing: &self.pricing,
            prices: ResourcePrices::default(),
        }
    }
}

/// What the call paid. A call that runs out of gas may have had this much.
fn gas(reply: &Reply) -> u64 {
    reply.charged.total().unwrap() + reply.charged_evm
}

/// A call that takes longer is not timed apart from the run whose memory is counted.
const LONG: Duration = Duration::from_millis(2);

/// Gas of a call: what Ethereum's limit for a transaction leaves.
const MAX_GAS: u64 = 1 << 24;
