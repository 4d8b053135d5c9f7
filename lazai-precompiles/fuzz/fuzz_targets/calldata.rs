//! Any calldata to any precompile: a reply, a charge within the limit, and nothing accepted that
//! was not canonical.

#![no_main]

use std::sync::{Arc, LazyLock};

use alloy_primitives::{Address, U256};
use lazai_api_types::{
    Claim, Coprocessor, GasCost, GasPricing, InvalidKey, Job, ModelId, Outcome, Output, PortError,
    ProofLimits, ProofSystemId, ProofVerifier, Quote, Task, Usage, Work, WorkOverflow, key_hash,
};
use lazai_precompiles::{
    AiPrecompiles, Call, MemoryState, Mode, Precompile, ResourcePrices, Settings, Status,
    abi::{
        ILazErrors::ILazErrorsErrors,
        ILazInference::ILazInferenceCalls,
        ILazProofVerifier::{ILazProofVerifierCalls, isRegisteredCall},
        ILazQuote::ILazQuoteCalls,
        ILazTokenizer::ILazTokenizerCalls,
        SolCall, SolInterface, SolValue,
    },
};
use libfuzzer_sys::fuzz_target;

const GAMMA: u64 = 1_000;

static PRECOMPILES: LazyLock<AiPrecompiles> = LazyLock::new(|| {
    let settings = Settings { default_model: Some(ModelId::default()), ..Settings::default() };
    AiPrecompiles::new(Arc::new(Echo), vec![Arc::new(First)], settings).expect("one verifier")
});

fuzz_target!(|data: &[u8]| {
    let Some((head, input)) = data.split_first_chunk::<4>() else { return };
    let precompile = Precompile::ALL[usize::from(head[0]) % Precompile::ALL.len()];
    let gas_limit = u64::from(u16::from_le_bytes([head[1], head[2]])) * 64;
    let call = Call {
        precompile,
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
    let mut state = MemoryState::default();
    let reply = PRECOMPILES.call(&call, &mut state).expect("no fault");
    let charged = reply.charged.total().expect("below the limit");
    assert!(charged + reply.charged_evm <= gas_limit);
    assert!(reply.status == Status::Success && !call.is_static || state == MemoryState::default());
    // A key that was registered is there, and its proofs get a verdict.
    if let Some(account) = state.accounts.values().next() {
        let key = account.code.slice(1..);
        let key_hash = key_hash(SYSTEM, &key);
        let found = isRegisteredCall { system: SYSTEM.0, keyHash: key_hash }.abi_encode();
        let call = Call { input: &found, gas_limit: u64::MAX, ..call };
        let found = PRECOMPILES.call(&call, &mut state).expect("no fault");
        assert_eq!(found.output, true.abi_encode());
    }
    assert!(charged >= GAMMA || gas_limit < GAMMA);
    match reply.status {
        Status::OutOfGas => assert!(reply.output.is_empty()),
        Status::Revert => assert!(ILazErrorsErrors::abi_decode_validate(&reply.output).is_ok()),
        Status::Success => assert!(canonical(precompile, input)),
    }
});

fn canonical(precompile: Precompile, input: &[u8]) -> bool {
    fn again<I: SolInterface>(input: &[u8]) -> bool {
        I::abi_decode_validate(input).is_ok_and(|call| call.abi_encode() == input)
    }
    match precompile {
        Precompile::Inference => again::<ILazInferenceCalls>(input),
        Precompile::Tokenizer => again::<ILazTokenizerCalls>(input),
        Precompile::ProofVerifier => again::<ILazProofVerifierCalls>(input),
        Precompile::Quote => again::<ILazQuoteCalls>(input),
        Precompile::RawPrompt => core::str::from_utf8(input).is_ok(),
    }
}

/// Answers every job with something of the right type.
#[derive(Debug)]
struct Echo;

impl Coprocessor for Echo {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Ok(job.intrinsic_work())
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        let output_values = match job.task {
            Task::Embed { .. } => 2,
            Task::Logits { .. } => 1,
            _ => 0,
        };
        Ok(Quote { usage: Usage::default(), work: job.intrinsic_work(), output_values })
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
            Task::GreedyTokens { tokens, .. } => Output::Tokens(tokens.clone()),
            Task::Logits { .. } => Output::Logits { values: vec![i32::MIN], fraction_bits: 16 },
        };
        Ok(Outcome { output, usage: Usage::default(), work: job.intrinsic_work() })
    }
}

/// A proof is the first byte of its key, of which there is one at least.
#[derive(Debug)]
struct First;

const SYSTEM: ProofSystemId = ProofSystemId(0);

impl ProofVerifier for First {
    fn id(&self) -> ProofSystemId {
        SYSTEM
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 256, proof_bytes: 32 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        Work { flops: key_bytes + proof_bytes, peak_bytes: 1 }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        assert!(key.len() <= 256, "the limit is checked before");
        if key.is_empty() { Err(InvalidKey::new(1, &"empty")) } else { Ok(()) }
    }

    fn verify(&self, key: &[u8], _: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        assert!(proof.len() <= 32, "the limit is checked before");
        Ok(proof == &key[..1])
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
