//! What a call costs, and when it is taken.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};
use lazai_api_types::{
    Coprocessor, Fault, FaultKind, GasCost, GasPricing, INTRINSIC_FLOPS_PER_BYTE, Job, Outcome,
    Output, PortError, PreparedJob, Quote, Rejection, Work, WorkOverflow,
};
use lazai_precompiles::{
    AiPrecompiles, Call, MemoryState, Mode, Precompile, Status,
    abi::{self, ILazErrors, ILazInference, ILazTokenizer, SolCall, SolError},
    address,
};

use crate::support::{
    BASE_GAS, Characters, FLOPS_PER_TOKEN, MODEL, Pricing, call, precompiles, reply, settings,
    total,
};

#[test]
fn too_little_gas_halts_before_any_tensor_work() {
    let input = generate("Why?", 8);
    let quoted = reply(&call(address::INFERENCE, &input)).quoted.unwrap();
    let price = Pricing.gas(&quoted.work).unwrap();

    let device = Arc::<Characters>::default();
    let exact = Call { gas_limit: total(price), ..call(address::INFERENCE, &input) };
    let short = Call { gas_limit: total(price) - 1, ..exact };
    let halted = precompiles(&device).call(&short, &mut MemoryState::default()).unwrap();
    assert_eq!((halted.status, halted.output), (Status::OutOfGas, Bytes::new()));
    assert_eq!(device.counts(), (1, 0), "quoted, not run");
    assert_eq!(halted.work, Work { flops: 4 * INTRINSIC_FLOPS_PER_BYTE, peak_bytes: 0 });

    let ran = precompiles(&device).call(&exact, &mut MemoryState::default()).unwrap();
    assert_eq!(ran.status, Status::Success);
    assert_eq!(device.counts(), (2, 1));
}

#[test]
fn too_little_gas_for_the_intrinsic_work_halts_before_the_device_is_asked() {
    let text = "a".repeat(1_000);
    let input = generate(&text, 8);
    let intrinsic = Work { flops: 1_000 * INTRINSIC_FLOPS_PER_BYTE, peak_bytes: 0 };
    let enough = total(Pricing.gas(&intrinsic).unwrap());
    for (gas_limit, charged) in [(0, 0), (BASE_GAS - 1, 0), (enough - 1, BASE_GAS)] {
        let device = Arc::<Characters>::default();
        let call = Call { gas_limit, ..call(address::INFERENCE, &input) };
        let halted = precompiles(&device).call(&call, &mut MemoryState::default()).unwrap();
        assert_eq!(halted.status, Status::OutOfGas);
        assert_eq!(total(halted.charged), charged);
        assert_eq!(device.counts(), (0, 0));
    }
    let device = Arc::<Characters>::default();
    let call = Call { gas_limit: enough, ..call(address::INFERENCE, &input) };
    let refused = precompiles(&device).call(&call, &mut MemoryState::default()).unwrap();
    assert_eq!(refused.status, Status::Revert, "a prompt above the context");
    assert_eq!((total(refused.charged), device.counts()), (enough, (1, 0)));
}

#[test]
fn unused_tokens_come_back() {
    // The first prompt of the list that the model ends by itself.
    let (input, ended) = (0..200)
        .map(|number| generate(&format!("Story {number}"), 64))
        .find_map(|input| {
            let ended = reply(&call(address::INFERENCE, &input));
            let result =
                ILazInference::generateCall::abi_decode_returns_validate(&ended.output).unwrap();
            (result.finish == 1).then_some((input, (ended, result)))
        })
        .unwrap();
    let (reply, result) = ended;
    let quoted = Pricing.gas(&reply.quoted.unwrap().work).unwrap();
    let unused = 64 - result.tokens.len() as u64;
    assert!(unused > 0);
    assert_eq!(quoted.gas_ai - reply.charged.gas_ai, unused * FLOPS_PER_TOKEN / 1_000);
    assert_eq!(quoted.gas_inference, reply.charged.gas_inference, "memory was reserved");

    let short = Call { gas_limit: total(quoted) - 1, ..call(address::INFERENCE, &input) };
    assert_eq!(
        crate::support::reply(&short).status,
        Status::OutOfGas,
        "the whole quote is taken first"
    );
}

#[test]
fn simulation_charges_the_quote_and_runs_nothing() {
    let device = Arc::<Characters>::default();
    let input = generate("Why?", 8);
    let call = Call { mode: Mode::Simulate, ..call(address::INFERENCE, &input) };
    let simulated = precompiles(&device).call(&call, &mut MemoryState::default()).unwrap();
    assert_eq!((simulated.status, device.counts()), (Status::Success, (1, 0)));
    let quoted = simulated.quoted.unwrap();
    assert_eq!(simulated.charged, Pricing.gas(&quoted.work).unwrap());
    let result =
        ILazInference::generateCall::abi_decode_returns_validate(&simulated.output).unwrap();
    assert_eq!((result.tokens.len(), result.promptTokens), (8, 4));
    assert!(result.text.len() >= 8);

    let ran = reply(&Call { mode: Mode::Execute, ..call });
    assert!(total(simulated.charged) >= total(ran.charged));
}

#[test]
fn every_simulated_result_has_the_type_of_the_real_one() {
    let (model, text, tokens) = (MODEL.0, String::from("Why?"), vec![1, 2]);
    let simulate = |address, input: &[u8]| {
        let simulated = reply(&Call { mode: Mode::Simulate, ..call(address, input) });
        assert_eq!(simulated.status, Status::Success);
        simulated.output
    };
    let input = ILazInference::logitsCall { model, tokens: tokens.clone() }.abi_encode();
    let output = simulate(address::INFERENCE, &input);
    assert_eq!(output.len(), reply(&call(address::INFERENCE, &input)).output.len());
    let logits = ILazInference::logitsCall::abi_decode_returns_validate(&output).unwrap();
    assert_eq!(logits.values, [0; 95]);
    let input = ILazInference::embedCall { model, text: text.clone() }.abi_encode();
    let output = simulate(address::INFERENCE, &input);
    assert_eq!(output.len(), reply(&call(address::INFERENCE, &input)).output.len());
    let embedding = ILazInference::embedCall::abi_decode_returns_validate(&output).unwrap();
    assert_eq!(embedding.values, [0; 95]);
    let input = ILazTokenizer::decodeCall { model, tokens }.abi_encode();
    let output = simulate(address::TOKENIZER, &input);
    ILazTokenizer::decodeCall::abi_decode_returns_validate(&output).unwrap();
    let input = ILazTokenizer::encodeCall { model, text: text.clone() }.abi_encode();
    let output = simulate(address::TOKENIZER, &input);
    ILazTokenizer::encodeCall::abi_decode_returns_validate(&output).unwrap();
    let input = ILazTokenizer::countCall { model, text }.abi_encode();
    assert_eq!(simulate(address::TOKENIZER, &input), U256::from(4).to_be_bytes_vec());
    assert!(core::str::from_utf8(&simulate(address::RAW_PROMPT, b"Why?")).is_ok());
}

#[test]
fn refusals_cost_the_reading() {
    let bad_utf8 = reply(&call(address::RAW_PROMPT, b"Why\xff"));
    assert_eq!(bad_utf8.status, Status::Revert);
    let reading = Work { flops: 4 * INTRINSIC_FLOPS_PER_BYTE, peak_bytes: 0 };
    assert_eq!(bad_utf8.charged, Pricing.gas(&reading).unwrap());

    let delegate = Call { is_delegate: true, ..call(address::RAW_PROMPT, b"Why?") };
    assert_eq!(reply(&delegate).charged, Pricing.base());
}

#[test]
fn delegate_calls_are_refused_and_static_calls_are_not() {
    let device = Arc::<Characters>::default();
    let precompiles = precompiles(&device);
    for precompile in Precompile::ALL {
        let delegate = Call { is_delegate: true, precompile, ..call(address::QUOTE, b"Why?") };
        let refused = precompiles.call(&delegate, &mut MemoryState::default()).unwrap();
        assert_eq!(refused.status, Status::Revert);
        assert_eq!(refused.output, ILazErrors::DelegateCallRefused {}.abi_encode());
    }
    assert_eq!(device.counts(), (0, 0));
    let usual = call(address::RAW_PROMPT, b"Why?");
    let frozen = Call { is_static: true, ..usual };
    assert_eq!(
        precompiles.call(&frozen, &mut MemoryState::default()),
        precompiles.call(&usual, &mut MemoryState::default())
    );
}

#[test]
fn value_is_refused() {
    let value = U256::from(3);
    let refused = reply(&Call { value, ..call(address::RAW_PROMPT, b"Why?") });
    assert_eq!(refused.status, Status::Revert);
    assert_eq!(refused.output, ILazErrors::ValueRefused { value }.abi_encode());
}

#[test]
fn the_caller_does_not_change_the_reply() {
    let usual = call(address::RAW_PROMPT, b"Why?");
    let other = Call { caller: Address::repeat_byte(7), ..usual };
    assert_eq!(reply(&usual), reply(&other));
}

#[test]
fn a_price_beyond_64_bits_is_out_of_gas() {
    #[derive(Debug)]
    struct Dear;
    impl GasPricing for Dear {
        fn gas(&self, work: &Work) -> Result<GasCost, WorkOverflow> {
            let gas_ai = work.flops.checked_mul(u64::MAX / 8).ok_or(WorkOverflow)?;
            Ok(GasCost { gas_ai, gas_inference: 1 })
        }
    }
    let usual = call(address::RAW_PROMPT, b"Why?");
    let dear = reply(&Call { gas_limit: u64::MAX, pricing: &Dear, ..usual });
    assert_eq!((dear.status, total(dear.charged)), (Status::OutOfGas, 1));
}

/// A device that breaks one promise of its port.
#[derive(Debug)]
struct Broken {
    device: Characters,
    promise: Promise,
}

#[derive(Clone, Copy, Debug)]
enum Promise {
    Intrinsic,
    Machine,
    MachineRun,
    OutputKind,
    OutputValues,
    RunsWhatItQuotes,
    WithinFlops,
    WithinMemory,
}

impl Coprocessor for Broken {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        let mut quote = self.device.quote(job)?;
        match self.promise {
            Promise::Intrinsic => quote.work.flops = job.intrinsic_work().flops - 1,
            Promise::Machine => return Err(lost().into()),
            Promise::OutputValues => quote.output_values = u32::MAX,
            _ => {}
        }
        Ok(quote)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        let mut outcome = self.device.run(job)?;
        let quote = self.device.quote(job)?;
        match self.promise {
            Promise::MachineRun => return Err(lost().into()),
            Promise::OutputKind => outcome.output = Output::Count(1),
            Promise::RunsWhatItQuotes => return Err(Rejection::InvalidText.into()),
            Promise::WithinFlops => outcome.work.flops = quote.work.flops + 1,
            Promise::WithinMemory => outcome.work.peak_bytes = quote.work.peak_bytes + 1,
            Promise::Intrinsic | Promise::Machine | Promise::OutputValues => {}
        }
        Ok(outcome)
    }
}

/// A device that can be asked for a price and a run only together.
#[derive(Debug, Default)]
struct Preparing {
    device: Characters,
    prepared: AtomicU32,
}

#[derive(Debug)]
struct Prepared<'a>(&'a Preparing, &'a Job, Quote);

impl Coprocessor for Preparing {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.device.reading_work(job)
    }

    fn quote(&self, _: &Job) -> Result<Quote, PortError> {
        panic!("a call that runs asks for no quote alone")
    }

    fn run(&self, _: &Job) -> Result<Outcome, PortError> {
        panic!("a call that runs has prepared its job")
    }

    fn prepare<'a>(&'a self, job: &'a Job) -> Result<Box<dyn PreparedJob + 'a>, PortError> {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Prepared(self, job, self.device.quote(job)?)))
    }
}

impl PreparedJob for Prepared<'_> {
    fn quote(&self) -> Quote {
        self.2
    }

    fn run(self: Box<Self>) -> Result<Outcome, PortError> {
        self.0.device.run(self.1)
    }
}

#[test]
fn a_call_prepares_its_job_once() {
    let answer = |device: Arc<dyn Coprocessor>| {
        let precompiles = AiPrecompiles::new(device, vec![], settings()).unwrap();
        precompiles.call(&call(address::RAW_PROMPT, b"Why?"), &mut MemoryState::default())
    };
    let device = Arc::new(Preparing::default());
    assert_eq!(answer(device.clone()), answer(Arc::new(Characters::default())));
    assert_eq!(device.prepared.load(Ordering::Relaxed), 1);
    assert_eq!(device.device.counts(), (1, 1));
}

fn lost() -> Fault {
    Fault { kind: FaultKind::Device, message: "the device is lost".into() }
}

#[test]
fn a_fault_of_the_node_is_never_a_receipt() {
    use Promise::{
        Intrinsic, Machine, MachineRun, OutputKind, OutputValues, RunsWhatItQuotes, WithinFlops,
        WithinMemory,
    };
    let broken = |promise| {
        let device = Arc::new(Broken { device: Characters::default(), promise });
        let precompiles = AiPrecompiles::new(device, vec![], settings()).unwrap();
        precompiles.call(&call(address::RAW_PROMPT, b"Why?"), &mut MemoryState::default())
    };
    for promise in [Machine, MachineRun] {
        assert_eq!(broken(promise).unwrap_err().fault, lost());
    }
    for promise in
        [Intrinsic, OutputKind, OutputValues, RunsWhatItQuotes, WithinFlops, WithinMemory]
    {
        assert_eq!(broken(promise).unwrap_err().fault.kind, FaultKind::Internal, "{promise:?}");
    }
}

/// Who asks learns what the machine was paid for when it failed: a run, all of it.
#[test]
fn a_fault_tells_what_the_call_had_been_charged() {
    let charged = |promise| {
        let device = Arc::new(Broken { device: Characters::default(), promise });
        let precompiles = AiPrecompiles::new(device, vec![], settings()).unwrap();
        let call = call(address::RAW_PROMPT, b"Why?");
        precompiles.call(&call, &mut MemoryState::default()).unwrap_err().charged
    };
    let call = Call { mode: Mode::Simulate, ..call(address::RAW_PROMPT, b"Why?") };
    assert_eq!(charged(Promise::MachineRun), total(reply(&call).charged));
    let reading = Characters::default().reading_work(&crate::functions::job("Why?", 8)).unwrap();
    assert_eq!(charged(Promise::Machine), total(call.pricing.gas(&reading).unwrap()));
}

#[test]
fn a_placeholder_is_bounded_whatever_the_device_quotes() {
    let device = Broken { device: Characters::default(), promise: Promise::OutputValues };
    let precompiles = AiPrecompiles::new(Arc::new(device), vec![], settings()).unwrap();
    let input = ILazInference::embedCall { model: MODEL.0, text: "Why?".into() }.abi_encode();
    let call = Call { mode: Mode::Simulate, ..call(address::INFERENCE, &input) };
    let output = precompiles.call(&call, &mut MemoryState::default()).unwrap().output;
    assert_eq!(output.len(), 32 * (3 + (1 << 20)));
}

fn generate(prompt: &str, max_tokens: u32) -> Vec<u8> {
    let request = abi::Generation {
        model: MODEL.0,
        prompt: prompt.into(),
        maxTokens: max_tokens,
        temperatureMilli: 0,
        topK: 0,
        topPMilli: 0,
        seed: 0,
        stop: vec![],
    };
    ILazInference::generateCall { request }.abi_encode()
}
