//! Any calldata to any precompile: a reply, a charge within the limit, and nothing accepted that was not canonical.

#![no_main]

use std::sync::{Arc, LazyLock};

use alloy_primitives::{Address, U256};
use lazai_api_types::{
    Coprocessor, GasCost, GasPricing, Job, ModelId, Outcome, Output, PortError, Quote, Task, Usage,
    Work, WorkOverflow,
};
use lazai_precompiles::{
    AiPrecompiles, Call, Mode, ResourcePrices, Settings, Status,
    abi::{
        ILazErrors::ILazErrorsErrors, ILazInference::ILazInferenceCalls,
        ILazProofVerifier::ILazProofVerifierCalls, ILazQuote::ILazQuoteCalls,
        ILazTokenizer::ILazTokenizerCalls, SolInterface,
    },
    address,
};
use libfuzzer_sys::fuzz_target;

const GAMMA: u64 = 1_000;

static PRECOMPILES: LazyLock<AiPrecompiles> = LazyLock::new(|| {
    let settings = Settings { default_model: Some(ModelId::default()), ..Settings::default() };
    AiPrecompiles::new(Arc::new(Echo), vec![], settings).expect("no two verifiers")
});

fuzz_target!(|data: &[u8]| {
    let Some((head, input)) = data.split_first_chunk::<4>() else { return };
    let addresses = PRECOMPILES.addresses();
    let address = addresses[usize::from(head[0]) % addresses.len()];
    let gas_limit = u64::from(u16::from_le_bytes([head[1], head[2]])) * 64;
    let call = Call {
        address,
        caller: Address::ZERO,
        input,
        gas_limit,
        value: U256::ZERO,
        is_static: head[3] & 1 != 0,
        is_delegate: head[3] & 0xf0 == 0xf0,
        mode: if head[3] & 2 == 0 { Mode::Execute } else { Mode::Simulate },
        pricing: &Linear,
        prices: ResourcePrices { evm: 1, ai: u128::MAX, inference: 2, header: u128::MAX },
    };
    let reply = PRECOMPILES.call(&call).expect("the device has no fault").expect("ours");
    let charged = reply.charged.total().expect("below the limit");
    assert!(charged <= gas_limit);
    assert!(charged >= GAMMA || gas_limit < GAMMA);
    match reply.status {
        Status::OutOfGas => assert!(reply.output.is_empty()),
        Status::Revert => assert!(ILazErrorsErrors::abi_decode_validate(&reply.output).is_ok()),
        Status::Success => assert!(canonical(address, input)),
    }
});

fn canonical(address: Address, input: &[u8]) -> bool {
    fn again<I: SolInterface>(input: &[u8]) -> bool {
        I::abi_decode_validate(input).is_ok_and(|call| call.abi_encode() == input)
    }
    match address {
        address::INFERENCE => again::<ILazInferenceCalls>(input),
        address::TOKENIZER => again::<ILazTokenizerCalls>(input),
        address::PROOF_VERIFIER => again::<ILazProofVerifierCalls>(input),
        address::QUOTE => again::<ILazQuoteCalls>(input),
        _ => core::str::from_utf8(input).is_ok(),
    }
}

/// Answers every job with something of the right type.
#[derive(Debug)]
struct Echo;

impl Coprocessor for Echo {
    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        let output_values = match job.task {
            Task::Embed { .. } => 2,
            Task::Logits { .. } => 1,
            _ => 0,
        };
        Ok(Quote { usage: Usage::default(), work: job.intake(), output_values })
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        let output = match &job.task {
            Task::Count { text } => Output::Count(u32::try_from(text.len()).unwrap_or(u32::MAX)),
            Task::Decode { tokens } => Output::Text("?".repeat(tokens.len())),
            Task::Embed { .. } => Output::Embedding { values: vec![-1, 1], fraction_bits: 15 },
            Task::Encode { .. } => Output::Tokens(vec![]),
            Task::Generate(generation) => Output::Generated {
                tokens: vec![],
                text: generation.stop.concat(),
                finish: lazai_api_types::FinishReason::Stop,
            },
            Task::Logits { .. } => Output::Logits { values: vec![i32::MIN], fraction_bits: 16 },
        };
        Ok(Outcome { output, usage: Usage::default(), work: job.intake() })
    }
}

#[derive(Debug)]
struct Linear;

impl GasPricing for Linear {
    fn gas(&self, work: &Work) -> Result<GasCost, WorkOverflow> {
        let gas_ai = (work.flops / 1_024).checked_add(GAMMA).ok_or(WorkOverflow)?;
        Ok(GasCost { gas_ai, gas_inference: work.peak_bytes })
    }
}
