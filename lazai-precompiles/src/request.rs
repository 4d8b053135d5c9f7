use alloc::vec::Vec;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use lazai_api_types::{Generation, Job, ModelId, Prompt, Sampling, Task};

use crate::{
    Settings,
    abi::{ILazInference, ILazQuote, ILazTokenizer},
    address,
    input::{InputError, Reader, SELECTOR_BYTES, utf8},
    proof_request::ProofRequest,
    refusal::Refusal,
};

/// What a call asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Request<'a> {
    /// The prices of this block.
    Prices,
    /// The price of a job.
    Quote(Job),
    /// A question to the proof verifier.
    Proof(ProofRequest<'a>),
    /// A job, and how to write its result.
    Run(Job, Form),
}

impl<'a> Request<'a> {
    /// Reads calldata that is already known to be short enough.
    pub(crate) fn read(
        address: Address,
        input: &'a [u8],
        settings: &Settings,
    ) -> Result<Self, Refusal> {
        if address == address::RAW_PROMPT {
            let task = Task::Generate(Generation {
                prompt: Prompt::Text(utf8(input, 0)?),
                max_tokens: settings.prompt_max_tokens,
                sampling: Sampling::default(),
                stop: Vec::new(),
            });
            return Ok(Self::Run(settings.job(B256::ZERO, task)?, Form::Raw));
        }
        let Some(selector) = input.first_chunk::<SELECTOR_BYTES>() else {
            return Err(InputError::TooShort {
                offset: 0,
                got: input.len(),
                expected: SELECTOR_BYTES,
            }
            .into());
        };
        if address == address::PROOF_VERIFIER {
            return Ok(Self::Proof(ProofRequest::read(*selector, input)?));
        }
        let (model, task, wrap): (B256, Task, fn(Job) -> Self) = match (address, *selector) {
            (address::INFERENCE, ILazInference::generateCall::SELECTOR) => {
                let (model, task) = generation(input, text_prompt)?;
                (model, task, run)
            }
            (address::INFERENCE, ILazInference::generateFromTokensCall::SELECTOR) => {
                let (model, task) = generation(input, token_prompt)?;
                (model, task, run)
            }
            (address::INFERENCE, ILazInference::logitsCall::SELECTOR) => {
                let (model, prompt) = on_model(input, token_prompt)?;
                (model, Task::Logits { prompt }, run)
            }
            (address::INFERENCE, ILazInference::embedCall::SELECTOR) => {
                let (model, prompt) = on_model(input, text_prompt)?;
                (model, Task::Embed { prompt }, run)
            }
            (address::TOKENIZER, ILazTokenizer::encodeCall::SELECTOR) => {
                let (model, text) = on_model(input, Reader::string)?;
                (model, Task::Encode { text }, run)
            }
            (address::TOKENIZER, ILazTokenizer::decodeCall::SELECTOR) => {
                let (model, tokens) = on_model(input, Reader::tokens)?;
                (model, Task::Decode { tokens }, run)
            }
            (address::TOKENIZER, ILazTokenizer::countCall::SELECTOR) => {
                let (model, text) = on_model(input, Reader::string)?;
                (model, Task::Count { text }, run)
            }
            (address::QUOTE, ILazQuote::quoteGenerateCall::SELECTOR) => {
                let (model, task) = generation(input, text_prompt)?;
                (model, task, Self::Quote)
            }
            (address::QUOTE, ILazQuote::quoteGenerateFromTokensCall::SELECTOR) => {
                let (model, task) = generation(input, token_prompt)?;
                (model, task, Self::Quote)
            }
            (address::QUOTE, ILazQuote::quoteLogitsCall::SELECTOR) => {
                let (model, prompt) = on_model(input, token_prompt)?;
                (model, Task::Logits { prompt }, Self::Quote)
            }
            (address::QUOTE, ILazQuote::quoteEmbedCall::SELECTOR) => {
                let (model, prompt) = on_model(input, text_prompt)?;
                (model, Task::Embed { prompt }, Self::Quote)
            }
            (address::QUOTE, ILazQuote::pricesCall::SELECTOR) => {
                Reader::new(input, 0)?.finish()?;
                return Ok(Self::Prices);
            }
            _ => return Err(Refusal::UnknownFunction { selector: *selector }),
        };
        Ok(wrap(settings.job(model, task)?))
    }
}

/// How a result leaves the precompile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// As the return values of the function.
    Abi,
    /// As the bytes of the text.
    Raw,
}

impl Settings {
    fn job(&self, model: B256, task: Task) -> Result<Job, Refusal> {
        let model = if model.is_zero() {
            self.default_model.ok_or(Refusal::NoDefaultModel)?
        } else {
            ModelId(model)
        };
        Ok(Job { model, task })
    }
}

const fn run<'a>(job: Job) -> Request<'a> {
    Request::Run(job, Form::Abi)
}

/// Reads `(bytes32 model, <dynamic> argument)`.
fn on_model<'a, T>(
    input: &'a [u8],
    argument: impl FnOnce(&mut Reader<'a>) -> Result<T, InputError>,
) -> Result<(B256, T), InputError> {
    let mut reader = Reader::new(input, 2)?;
    let model = reader.bytes32()?;
    let argument = argument(&mut reader)?;
    reader.finish()?;
    Ok((model, argument))
}

/// Reads a `Generation` or a `TokenGeneration`, which differ in the prompt alone.
fn generation<'a>(
    input: &'a [u8],
    prompt: impl FnOnce(&mut Reader<'a>) -> Result<Prompt, InputError>,
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
