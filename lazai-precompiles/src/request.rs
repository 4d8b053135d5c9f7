use alloc::vec::Vec;

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use lazai_api_types::{Generation, Job, Prompt, Sampling, Task};

use crate::{
    Precompile, Settings,
    abi::{ILazInference, ILazQuote, ILazTokenizer},
    input::{InputError, Reader, SELECTOR_BYTES, utf8},
    proof_request::ProofRequest,
    revert::RevertReason,
};

/// What a call asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Request<'a> {
    /// The prices of this block.
    Prices,
    /// The price of a job.
    Quote(Job),
    /// A query to the proof verifier.
    Proof(ProofRequest<'a>),
    /// A job, and how to write its result.
    Run(Job, OutputFormat),
}

impl<'a> Request<'a> {
    /// Reads calldata that is already known to be short enough.
    pub(crate) fn read(
        precompile: Precompile,
        input: &'a [u8],
        settings: &Settings,
    ) -> Result<Self, RevertReason> {
        if precompile == Precompile::RawPrompt {
            let task = Task::Generate(Generation {
                prompt: Prompt::Text(utf8(input, 0)?),
                max_tokens: settings.prompt_max_tokens,
                sampling: Sampling::default(),
                stop: Vec::new(),
            });
            return Ok(Self::Run(settings.job(B256::ZERO, task)?, OutputFormat::Raw));
        }
        let selector = *input.first_chunk::<SELECTOR_BYTES>().ok_or(InputError::TooShort {
            offset: 0,
            got: input.len(),
            expected: SELECTOR_BYTES,
        })?;
        if precompile == Precompile::ProofVerifier {
            return Ok(Self::Proof(ProofRequest::read(selector, input)?));
        }
        if (precompile, selector) == (Precompile::Quote, ILazQuote::pricesCall::SELECTOR) {
            Reader::new(input, 0)?.finish()?;
            return Ok(Self::Prices);
        }
        let function = JOB_FUNCTIONS
            .iter()
            .find(|function| (function.precompile, function.selector) == (precompile, selector))
            .ok_or(RevertReason::UnknownFunction { selector })?;
        let (model, task) = (function.parse)(input)?;
        let job = settings.job(model, task)?;
        Ok(match precompile {
            Precompile::Quote => Self::Quote(job),
            _ => Self::Run(job, OutputFormat::Abi),
        })
    }
}

/// Reads the calldata of a function as the id of a model and a task.
type ParseJob = fn(&[u8]) -> Result<(B256, Task), InputError>;

/// A function that takes a job: those of the quote precompile price it, the others run it.
struct JobFunction {
    precompile: Precompile,
    selector: [u8; SELECTOR_BYTES],
    parse: ParseJob,
}

impl JobFunction {
    const fn new<F: SolCall>(precompile: Precompile, parse: ParseJob) -> Self {
        Self { precompile, selector: F::SELECTOR, parse }
    }
}

const JOB_FUNCTIONS: [JobFunction; 11] = [
    JobFunction::new::<ILazInference::generateCall>(Precompile::Inference, generate),
    JobFunction::new::<ILazInference::generateFromTokensCall>(
        Precompile::Inference,
        generate_from_tokens,
    ),
    JobFunction::new::<ILazInference::logitsCall>(Precompile::Inference, logits),
    JobFunction::new::<ILazInference::embedCall>(Precompile::Inference, embed),
    JobFunction::new::<ILazTokenizer::encodeCall>(Precompile::Tokenizer, encode),
    JobFunction::new::<ILazTokenizer::decodeCall>(Precompile::Tokenizer, decode),
    JobFunction::new::<ILazTokenizer::countCall>(Precompile::Tokenizer, count),
    JobFunction::new::<ILazQuote::quoteGenerateCall>(Precompile::Quote, generate),
    JobFunction::new::<ILazQuote::quoteGenerateFromTokensCall>(
        Precompile::Quote,
        generate_from_tokens,
    ),
    JobFunction::new::<ILazQuote::quoteLogitsCall>(Precompile::Quote, logits),
    JobFunction::new::<ILazQuote::quoteEmbedCall>(Precompile::Quote, embed),
];

/// How a result leaves the precompile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OutputFormat {
    /// As the return values of the function.
    Abi,
    /// As the bytes of the text.
    Raw,
}

fn generate(input: &[u8]) -> Result<(B256, Task), InputError> {
    generation(input, text_prompt)
}

fn generate_from_tokens(input: &[u8]) -> Result<(B256, Task), InputError> {
    generation(input, token_prompt)
}

fn logits(input: &[u8]) -> Result<(B256, Task), InputError> {
    on_model(input, |reader| Ok(Task::Logits { prompt: token_prompt(reader)? }))
}

fn embed(input: &[u8]) -> Result<(B256, Task), InputError> {
    on_model(input, |reader| Ok(Task::Embed { prompt: text_prompt(reader)? }))
}

fn encode(input: &[u8]) -> Result<(B256, Task), InputError> {
    on_model(input, |reader| Ok(Task::Encode { text: reader.string()? }))
}

fn decode(input: &[u8]) -> Result<(B256, Task), InputError> {
    on_model(input, |reader| Ok(Task::Decode { tokens: reader.tokens()? }))
}

fn count(input: &[u8]) -> Result<(B256, Task), InputError> {
    on_model(input, |reader| Ok(Task::Count { text: reader.string()? }))
}

/// Reads `(bytes32 model, <dynamic> argument)`.
fn on_model(
    input: &[u8],
    task: impl FnOnce(&mut Reader<'_>) -> Result<Task, InputError>,
) -> Result<(B256, Task), InputError> {
    let mut reader = Reader::new(input, 2)?;
    let model = reader.bytes32()?;
    let task = task(&mut reader)?;
    reader.finish()?;
    Ok((model, task))
}

/// Reads a `Generation` or a `TokenGeneration`, which differ in the prompt alone.
fn generation(
    input: &[u8],
    prompt: impl FnOnce(&mut Reader<'_>) -> Result<Prompt, InputError>,
) -> Result<(B256, Task), InputError> {
    let mut reader = Reader::new(input, 1)?;
    let request = reader.tuple(8, |fields| {
        let model = fields.bytes32()?;
        let prompt = prompt(fields)?;
        let max_tokens = fields.uint32()?;
        let sampling = Sampling {
            temperature_milli: fields.uint32()?,
            top_k: fields.uint32()?,
            top_p_milli: fields.uint32()?,
            seed: fields.uint64()?,
        };
        let stop = fields.strings()?;
        Ok((model, Task::Generate(Generation { prompt, max_tokens, sampling, stop })))
    })?;
    reader.finish()?;
    Ok(request)
}

fn text_prompt(reader: &mut Reader<'_>) -> Result<Prompt, InputError> {
    reader.string().map(Prompt::Text)
}

fn token_prompt(reader: &mut Reader<'_>) -> Result<Prompt, InputError> {
    reader.tokens().map(Prompt::Tokens)
}
