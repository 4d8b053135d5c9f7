//! A small deterministic device, and the plumbing to call precompiles over it.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, b256, keccak256};
use lazai_api_types::{
    Claim, Coprocessor, Fault, FaultKind, FinishReason, GasCost, GasPricing, Generation,
    InvalidKey, Job, ModelId, Outcome, Output, PortError, Prompt, ProofLimits, ProofSystemId,
    ProofVerifier, Quote, Rejection, Task, TaskKind, TokenId, Usage, Work, WorkOverflow,
};
use lazai_precompiles::{
    AiPrecompiles, Call, MemoryState, Mode, Precompile, Reply, ResourcePrices, Settings,
};

pub(crate) const MODEL: ModelId =
    ModelId(b256!("1111111111111111111111111111111111111111111111111111111111111111"));
pub(crate) const CONTEXT: u32 = 256;
pub(crate) const FLOPS_PER_TOKEN: u64 = 100_000;
pub(crate) const BASE_GAS: u64 = 5_000;

/// A model over printable ASCII, one token a character, whose next token is a hash of all before;
/// `.` ends a text.
#[derive(Debug, Default)]
pub(crate) struct Characters {
    pub(crate) quotes: AtomicU32,
    pub(crate) runs: AtomicU32,
}

impl Characters {
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.quotes.load(Ordering::Relaxed), self.runs.load(Ordering::Relaxed))
    }
}

impl Coprocessor for Characters {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Ok(job.intrinsic_work())
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.quotes.fetch_add(1, Ordering::Relaxed);
        if job.model != MODEL {
            return Err(Rejection::UnknownModel { model: job.model }.into());
        }
        let usage = usage(&job.task)?;
        let output_values = match job.task {
            Task::Embed { .. } | Task::Logits { .. } => VOCABULARY,
            _ => 0,
        };
        Ok(Quote { usage, work: work(job, usage, usage)?, output_values })
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let quoted = usage(&job.task)?;
        let mut usage = quoted;
        let output = match &job.task {
            Task::Count { text } => Output::Count(encode(text)?.len() as u32),
            Task::Decode { tokens } => Output::Text(decode(tokens)),
            Task::Embed { prompt } => Output::Embedding {
                values: scores(&tokens(prompt)?).iter().map(|score| *score as i16).collect(),
                fraction_bits: 15,
            },
            Task::Encode { text } => Output::Tokens(encode(text)?),
            Task::Generate(generation) => {
                let (tokens, finish) = generate(generation)?;
                usage.completion_tokens = tokens.len() as u32;
                Output::Generated { text: decode(&tokens), tokens, finish }
            }
            Task::GreedyTokens { .. } => return Err(unsupported()),
            Task::Logits { prompt } => {
                Output::Logits { values: scores(&tokens(prompt)?), fraction_bits: 16 }
            }
        };
        Ok(Outcome { output, usage, work: work(job, usage, quoted)? })
    }
}

fn work(job: &Job, used: Usage, quoted: Usage) -> Result<Work, PortError> {
    let positions = match job.task {
        Task::Count { .. } | Task::Decode { .. } | Task::Encode { .. } => 0,
        _ => used.prompt_tokens + used.completion_tokens,
    };
    let reserved = quoted.prompt_tokens + quoted.completion_tokens;
    let tensors = Work {
        flops: FLOPS_PER_TOKEN * u64::from(positions),
        peak_bytes: 64 * u64::from(reserved),
    };
    Ok(job.intrinsic_work().then(tensors)?)
}

fn usage(task: &Task) -> Result<Usage, PortError> {
    let (prompt_tokens, completion_tokens) = match task {
        Task::Count { text } | Task::Encode { text } => (encode(text)?.len() as u32, 0),
        Task::Decode { tokens } => (checked(tokens)?.len() as u32, 0),
        Task::Embed { prompt } | Task::Logits { prompt } => (tokens(prompt)?.len() as u32, 0),
        Task::Generate(generation) => {
            let prompt_tokens = tokens(&generation.prompt)?.len() as u32;
            let (got, max) = (generation.max_tokens, CONTEXT - prompt_tokens);
            if got == 0 || got > max {
                return Err(Rejection::MaxTokens { got: got.into(), max: max.into() }.into());
            }
            if generation.stop.len() > 4 || generation.stop.iter().any(String::is_empty) {
                return Err(Rejection::StopList { max_count: 4, max_bytes: 64 }.into());
            }
            (prompt_tokens, got)
        }
        // No function of the precompiles asks for it.
        Task::GreedyTokens { .. } => return Err(unsupported()),
    };
    Ok(Usage { prompt_tokens, completion_tokens })
}

fn unsupported() -> PortError {
    Rejection::Unsupported { task: TaskKind::GreedyTokens }.into()
}

fn tokens(prompt: &Prompt) -> Result<Vec<TokenId>, PortError> {
    let tokens = match prompt {
        Prompt::Text(text) => encode(text)?,
        Prompt::Tokens(tokens) => checked(tokens)?.to_vec(),
    };
    if tokens.is_empty() {
        return Err(Rejection::EmptyPrompt.into());
    }
    if tokens.len() as u64 >= u64::from(CONTEXT) {
        return Err(Rejection::PromptTooLong {
            got: tokens.len() as u64,
            max: u64::from(CONTEXT) - 1,
        }
        .into());
    }
    Ok(tokens)
}

fn encode(text: &str) -> Result<Vec<TokenId>, PortError> {
    text.bytes()
        .map(|byte| match byte {
            b' '..=b'~' => Ok(TokenId(u32::from(byte - b' '))),
            _ => Err(Rejection::InvalidText.into()),
        })
        .collect()
}

fn decode(tokens: &[TokenId]) -> String {
    tokens.iter().map(|token| char::from(b' ' + token.0 as u8)).collect()
}

fn checked(tokens: &[TokenId]) -> Result<&[TokenId], PortError> {
    match tokens.iter().position(|token| token.0 >= VOCABULARY) {
        None => Ok(tokens),
        Some(index) => Err(Rejection::UnknownToken {
            token: tokens[index].0,
            index: index as u64,
            vocabulary: VOCABULARY.into(),
        }
        .into()),
    }
}

fn scores(tokens: &[TokenId]) -> Vec<i32> {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.0.to_le_bytes()).collect();
    let state = keccak256(bytes);
    (0..VOCABULARY)
        .map(|token| {
            let hash = keccak256([state.as_slice(), &token.to_le_bytes()].concat());
            i32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
        })
        .collect()
}

fn generate(generation: &Generation) -> Result<(Vec<TokenId>, FinishReason), PortError> {
    let mut sequence = tokens(&generation.prompt)?;
    let mut new = Vec::new();
    while new.len() < generation.max_tokens as usize {
        let scores = scores(&sequence);
        let best = (0..scores.len()).max_by_key(|token| (scores[*token], usize::MAX - token));
        let token = TokenId(best.unwrap() as u32);
        if token == END {
            return Ok((new, FinishReason::Stop));
        }
        sequence.push(token);
        new.push(token);
    }
    Ok((new, FinishReason::Length))
}

/// One gas for a thousand operations and for ten bytes, plus gamma.
#[derive(Debug)]
pub(crate) struct Pricing;

impl GasPricing for Pricing {
    fn gas(&self, work: &Work) -> Result<GasCost, WorkOverflow> {
        let gas_ai = work.flops.div_ceil(1_000).checked_add(BASE_GAS).ok_or(WorkOverflow)?;
        Ok(GasCost { gas_ai, gas_inference: work.peak_bytes.div_ceil(10) })
    }
}

/// A claim is shown by a hash of key and claim. Keys of one repeated byte are admitted; a key of
/// `0xff` and a proof that starts with it run into a bug.
#[derive(Debug)]
pub(crate) struct Hashes(pub(crate) ProofSystemId);

pub(crate) const SYSTEM: ProofSystemId = ProofSystemId(1_000);
pub(crate) const KEY_MAX_BYTES: u64 = 40_000;
pub(crate) const PROOF_MAX_BYTES: u64 = 64;

impl ProofVerifier for Hashes {
    fn id(&self) -> ProofSystemId {
        self.0
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: KEY_MAX_BYTES, proof_bytes: PROOF_MAX_BYTES }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        Work { flops: 1_000_000 + 2_000 * key_bytes + 1_000 * proof_bytes, peak_bytes: 320 }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        match key {
            [0xff, ..] => panic!("a bug in the verifier"),
            [first, rest @ ..] if rest.iter().all(|byte| byte == first) => Ok(()),
            _ => Err(InvalidKey::new(7, &"expected one byte repeated")),
        }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        match proof {
            [0xff, ..] => panic!("a bug in the verifier"),
            b"lost" => Err(Fault { kind: FaultKind::Device, message: "lost".into() }.into()),
            _ => Ok(proof == prove(key, claim).as_slice()),
        }
    }
}

pub(crate) fn prove(key: &[u8], claim: Claim<'_>) -> B256 {
    let claim = match claim {
        Claim::Statement(statement) => statement.hash(),
        Claim::Values(values) => keccak256(values),
    };
    // Never the byte that runs into the bug.
    let mut proof = keccak256([key, claim.as_slice()].concat());
    proof[0] = 1;
    proof
}

pub(crate) fn settings() -> Settings {
    Settings { default_model: Some(MODEL), prompt_max_tokens: 16, ..Settings::default() }
}

pub(crate) fn precompiles(device: &Arc<Characters>) -> AiPrecompiles {
    AiPrecompiles::new(
        Arc::clone(device) as Arc<dyn Coprocessor>,
        vec![Arc::new(Hashes(SYSTEM))],
        settings(),
    )
    .unwrap()
}

pub(crate) const PRICES: ResourcePrices =
    ResourcePrices { evm: 7, ai: 20, inference: 10, header: 20 };

pub(crate) fn call(address: Address, input: &[u8]) -> Call<'_> {
    Call {
        precompile: Precompile::at(&address).unwrap(),
        caller: Address::ZERO,
        input,
        gas_limit: 10_000_000,
        value: U256::ZERO,
        is_static: false,
        is_delegate: false,
        mode: Mode::Execute,
        pricing: &Pricing,
        prices: PRICES,
    }
}

/// Calls over a fresh device.
pub(crate) fn reply(call: &Call<'_>) -> Reply {
    precompiles(&Arc::default()).call(call, &mut MemoryState::default()).unwrap()
}

pub(crate) fn total(cost: GasCost) -> u64 {
    cost.total().unwrap()
}

const VOCABULARY: u32 = 95;
const END: TokenId = TokenId(14);
