use alloc::{string::String, vec::Vec};

use alloy_primitives::B256;
use lazai_api_types::{
    Generation, Job, ModelId, Prompt, Sampling, Task, TokenId,
    codec::{DecodeError, Reader},
};

/// The canonical bytes of a job, for members to run it again.
///
/// Bytes: version 1 ‖ model ‖ kind of task u8 ‖ its fields. Texts and lists of tokens have their length in front (u32), a
/// prompt its kind (u8: 0 text, 1 tokens); integers are big-endian.
#[must_use]
pub fn encode_job(job: &Job) -> Vec<u8> {
    let mut bytes = [VERSION].to_vec();
    bytes.extend_from_slice(job.model.0.as_slice());
    match &job.task {
        Task::Count { text } => {
            bytes.push(0);
            put_text(&mut bytes, text);
        }
        Task::Decode { tokens } => {
            bytes.push(1);
            put_tokens(&mut bytes, tokens);
        }
        Task::Embed { prompt } => {
            bytes.push(2);
            put_prompt(&mut bytes, prompt);
        }
        Task::Encode { text } => {
            bytes.push(3);
            put_text(&mut bytes, text);
        }
        Task::Generate(generation) => {
            bytes.push(4);
            put_prompt(&mut bytes, &generation.prompt);
            let Sampling { temperature_milli, top_k, top_p_milli, seed } = generation.sampling;
            for number in [generation.max_tokens, temperature_milli, top_k, top_p_milli] {
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            bytes.extend_from_slice(&seed.to_be_bytes());
            put_length(&mut bytes, generation.stop.len());
            generation.stop.iter().for_each(|stop| put_text(&mut bytes, stop));
        }
        Task::Logits { prompt } => {
            bytes.push(5);
            put_prompt(&mut bytes, prompt);
        }
    }
    bytes
}

/// Reads what [`encode_job`] wrote.
///
/// # Errors
/// [`DecodeError`] if the bytes are not canonical.
pub fn decode_job(bytes: &[u8]) -> Result<Job, DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.version(VERSION)?;
    let model = ModelId(B256::new(reader.array()?));
    let task = match reader.u8()? {
        0 => Task::Count { text: text(&mut reader)? },
        1 => Task::Decode { tokens: tokens(&mut reader)? },
        2 => Task::Embed { prompt: prompt(&mut reader)? },
        3 => Task::Encode { text: text(&mut reader)? },
        4 => Task::Generate(generation(&mut reader)?),
        5 => Task::Logits { prompt: prompt(&mut reader)? },
        got => return Err(DecodeError::Field { field: "kind of task", got: got.into() }),
    };
    reader.finish()?;
    Ok(Job { model, task })
}

fn generation(reader: &mut Reader<'_>) -> Result<Generation, DecodeError> {
    let prompt = prompt(reader)?;
    let max_tokens = reader.u32()?;
    let sampling = Sampling {
        temperature_milli: reader.u32()?,
        top_k: reader.u32()?,
        top_p_milli: reader.u32()?,
        seed: reader.u64()?,
    };
    let count = reader.u32()?;
    if count > MAX_STOPS {
        return Err(DecodeError::Field { field: "count of stop texts", got: count.into() });
    }
    let stop = (0..count).map(|_| text(reader)).collect::<Result<_, _>>()?;
    Ok(Generation { prompt, max_tokens, sampling, stop })
}

fn prompt(reader: &mut Reader<'_>) -> Result<Prompt, DecodeError> {
    match reader.u8()? {
        0 => Ok(Prompt::Text(text(reader)?)),
        1 => Ok(Prompt::Tokens(tokens(reader)?)),
        got => Err(DecodeError::Field { field: "kind of prompt", got: got.into() }),
    }
}

fn text(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let length = reader.u32()?;
    let bytes = reader.slice(usize::try_from(length).unwrap_or(usize::MAX))?;
    let text = core::str::from_utf8(bytes);
    text.map(Into::into)
        .map_err(|_| DecodeError::Field { field: "text of a job", got: length.into() })
}

fn tokens(reader: &mut Reader<'_>) -> Result<Vec<TokenId>, DecodeError> {
    let count = reader.u32()?;
    let length = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(4);
    let (tokens, _) = reader.slice(length)?.as_chunks::<4>();
    Ok(tokens.iter().map(|token| TokenId(u32::from_be_bytes(*token))).collect())
}

fn put_prompt(bytes: &mut Vec<u8>, prompt: &Prompt) {
    match prompt {
        Prompt::Text(text) => {
            bytes.push(0);
            put_text(bytes, text);
        }
        Prompt::Tokens(tokens) => {
            bytes.push(1);
            put_tokens(bytes, tokens);
        }
    }
}

fn put_tokens(bytes: &mut Vec<u8>, tokens: &[TokenId]) {
    put_length(bytes, tokens.len());
    tokens.iter().for_each(|token| bytes.extend_from_slice(&token.0.to_be_bytes()));
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    // Longer ones do not fit any message; the claim then exceeds what follows, and no reader accepts it.
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

const VERSION: u8 = 1;
/// As many as a coprocessor reads.
const MAX_STOPS: u32 = 4;
