use alloc::{string::String, vec::Vec};
use core::fmt;

use alloy_primitives::{B256, keccak256};

use crate::{
    ModelId, TokenId, Work,
    codec::{DecodeError, Encoder, Reader},
};

/// Something to run on a model: the whole input of a [`Coprocessor`](crate::Coprocessor).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// The model to run.
    pub model: ModelId,
    /// The task that the model performs.
    pub task: Task,
}

impl Job {
    /// Returns the work of reading the input, from its length alone.
    ///
    /// A caller pays for this much before anyone looks at the input, tokenization included. Every
    /// quote contains it, so it is never paid twice.
    #[must_use]
    pub fn intrinsic_work(&self) -> Work {
        Work {
            flops: self.task.input_bytes().saturating_mul(INTRINSIC_FLOPS_PER_BYTE),
            peak_bytes: 0,
        }
    }

    /// Returns the canonical bytes, which [`decode`](Self::decode) reads and [`hash`](Self::hash)
    /// hashes.
    ///
    /// They are the domain `lazvm/job/1`, the model, the kind of the task (a byte: 0 count, 1
    /// decode, 2 embed, 3 encode, 4 generate, 5 logits, 6 greedy tokens) and its fields in their
    /// order. A prompt begins with its kind (a byte:
    /// 0 text, 1 tokens). Numbers are little-endian words of 64 bits; the domain, texts and lists
    /// have their length in front as such a word; a token has 4 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(DOMAIN);
        encoder.fixed(self.model.0.as_slice());
        self.task.write(&mut encoder);
        encoder.finish()
    }

    /// Reads what [`encode`](Self::encode) wrote. Hostile bytes cost no more memory than they have
    /// themselves.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes have another domain, end early, go on, or hold an unknown kind,
    /// a number above 32 bits where it must not be, a text that is not UTF-8, or more than
    /// [`MAX_STOP_TEXTS`] stop texts.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.domain(DOMAIN)?;
        let job = Self { model: ModelId(reader.hash()?), task: Task::read(&mut reader)? };
        reader.finish()?;
        Ok(job)
    }

    /// Returns keccak256 of the [canonical bytes](Self::encode): the `input` of an
    /// [`InferenceStatement`](crate::InferenceStatement).
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// The task of a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Task {
    /// The number of tokens of a text.
    Count {
        /// The text whose tokens are counted.
        text: String,
    },
    /// The text of tokens.
    Decode {
        /// The tokens that become text.
        tokens: Vec<TokenId>,
    },
    /// A unit vector that stands for the meaning of a text.
    Embed {
        /// The text or its tokens.
        prompt: Prompt,
    },
    /// The tokens of a text.
    Encode {
        /// The text that becomes tokens.
        text: String,
    },
    /// New tokens after a prompt.
    Generate(Generation),
    /// The tokens that a model chooses one after the other when it always takes the best, the
    /// lowest id among equals: exactly `count` of them, whether or not the model means to end its
    /// text. They are numbers and never become text.
    ///
    /// This is what a proof of a run can show about chosen tokens; a generation ends at an end
    /// token. Programs whose positions see those after them have no such task.
    GreedyTokens {
        /// The tokens to continue, as they are; nothing is added.
        tokens: Vec<TokenId>,
        /// Tokens to choose, at least 1; with the prompt no more than the context holds.
        count: u32,
    },
    /// The scores of every token to come next.
    Logits {
        /// The text or its tokens.
        prompt: Prompt,
    },
}

impl Task {
    /// Returns the kind of the task.
    #[must_use]
    pub const fn kind(&self) -> TaskKind {
        match self {
            Self::Count { .. } => TaskKind::Count,
            Self::Decode { .. } => TaskKind::Decode,
            Self::Embed { .. } => TaskKind::Embed,
            Self::Encode { .. } => TaskKind::Encode,
            Self::Generate(_) => TaskKind::Generate,
            Self::GreedyTokens { .. } => TaskKind::GreedyTokens,
            Self::Logits { .. } => TaskKind::Logits,
        }
    }

    /// Returns the bytes of the variable-length parts of the input; a token counts as four.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        match self {
            Self::Count { text } | Self::Encode { text } => text.len() as u64,
            Self::Decode { tokens } | Self::GreedyTokens { tokens, .. } => 4 * tokens.len() as u64,
            Self::Embed { prompt } | Self::Logits { prompt } => prompt.input_bytes(),
            Self::Generate(generation) => {
                let stop: u64 = generation.stop.iter().map(|stop| stop.len() as u64).sum();
                generation.prompt.input_bytes().saturating_add(stop)
            }
        }
    }
}

/// The kinds of [`Task`], without their fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TaskKind {
    /// [`Task::Count`].
    Count,
    /// [`Task::Decode`].
    Decode,
    /// [`Task::Embed`].
    Embed,
    /// [`Task::Encode`].
    Encode,
    /// [`Task::Generate`].
    Generate,
    /// [`Task::GreedyTokens`].
    GreedyTokens,
    /// [`Task::Logits`].
    Logits,
}

impl TaskKind {
    /// Returns the number of the kind: its byte in [`Job::encode`], and what a chain names it by.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Count => 0,
            Self::Decode => 1,
            Self::Embed => 2,
            Self::Encode => 3,
            Self::Generate => 4,
            Self::Logits => 5,
            Self::GreedyTokens => 6,
        }
    }

    /// Returns the kind with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Count,
            1 => Self::Decode,
            2 => Self::Embed,
            3 => Self::Encode,
            4 => Self::Generate,
            5 => Self::Logits,
            6 => Self::GreedyTokens,
            _ => return None,
        })
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Decode => "decode",
            Self::Embed => "embed",
            Self::Encode => "encode",
            Self::Generate => "generate",
            Self::GreedyTokens => "greedy tokens",
            Self::Logits => "logits",
        })
    }
}

/// The start of a sequence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Text that the model's tokenizer reads; special tokens written in it are refused.
    Text(String),
    /// Tokens as they are; nothing is added.
    Tokens(Vec<TokenId>),
}

impl Prompt {
    const fn input_bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Tokens(tokens) => 4 * tokens.len() as u64,
        }
    }
}

/// The parameters of a generation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Generation {
    /// The text or tokens to continue.
    pub prompt: Prompt,
    /// At most this many new tokens; at least 1.
    pub max_tokens: u32,
    /// The rule by which each token is chosen.
    pub sampling: Sampling,
    /// Texts that end the generation, at most [`MAX_STOP_TEXTS`]; they are cut from the result.
    pub stop: Vec<String>,
}

/// How a token is chosen from the scores. The same request always chooses the same tokens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sampling {
    /// Thousandths by which the scores are divided; 0 takes the best token, ties to the lowest id.
    pub temperature_milli: u32,
    /// Only this many best tokens are considered; 0 means all.
    pub top_k: u32,
    /// Only the best tokens that together hold this many thousandths; 0 and 1,000 mean all.
    pub top_p_milli: u32,
    /// Chooses among the possible results.
    pub seed: u64,
}

impl Task {
    fn write(&self, encoder: &mut Encoder) {
        encoder.byte(self.kind().code());
        match self {
            Self::Count { text } => {
                encoder.bytes(text.as_bytes());
            }
            Self::Decode { tokens } => {
                encoder.tokens(tokens);
            }
            Self::Embed { prompt } => {
                prompt.write(encoder);
            }
            Self::Encode { text } => {
                encoder.bytes(text.as_bytes());
            }
            Self::Generate(generation) => {
                generation.write(encoder);
            }
            Self::Logits { prompt } => {
                prompt.write(encoder);
            }
            Self::GreedyTokens { tokens, count } => {
                encoder.tokens(tokens);
                encoder.word(u64::from(*count));
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let got = reader.u8()?;
        let unknown = DecodeError::Field { field: "kind of task", got: got.into() };
        Ok(match TaskKind::from_code(got).ok_or(unknown)? {
            TaskKind::Count => Self::Count { text: reader.text("text to count")? },
            TaskKind::Decode => Self::Decode { tokens: reader.tokens()? },
            TaskKind::Embed => Self::Embed { prompt: Prompt::read(reader)? },
            TaskKind::Encode => Self::Encode { text: reader.text("text to encode")? },
            TaskKind::Generate => Self::Generate(Generation::read(reader)?),
            TaskKind::GreedyTokens => {
                Self::GreedyTokens { tokens: reader.tokens()?, count: reader.word_u32("count")? }
            }
            TaskKind::Logits => Self::Logits { prompt: Prompt::read(reader)? },
        })
    }
}

impl Prompt {
    fn write(&self, encoder: &mut Encoder) {
        match self {
            Self::Text(text) => {
                encoder.byte(0);
                encoder.bytes(text.as_bytes());
            }
            Self::Tokens(tokens) => {
                encoder.byte(1);
                encoder.tokens(tokens);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => Ok(Self::Text(reader.text("prompt")?)),
            1 => Ok(Self::Tokens(reader.tokens()?)),
            got => Err(DecodeError::Field { field: "kind of prompt", got: got.into() }),
        }
    }
}

impl Generation {
    fn write(&self, encoder: &mut Encoder) {
        self.prompt.write(encoder);
        encoder.word(u64::from(self.max_tokens));
        encoder.word(u64::from(self.sampling.temperature_milli));
        encoder.word(u64::from(self.sampling.top_k));
        encoder.word(u64::from(self.sampling.top_p_milli));
        encoder.word(self.sampling.seed);
        encoder.word(self.stop.len() as u64);
        for stop in &self.stop {
            encoder.bytes(stop.as_bytes());
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let prompt = Prompt::read(reader)?;
        let max_tokens = reader.word_u32("max_tokens")?;
        let sampling = Sampling {
            temperature_milli: reader.word_u32("temperature_milli")?,
            top_k: reader.word_u32("top_k")?,
            top_p_milli: reader.word_u32("top_p_milli")?,
            seed: reader.word()?,
        };
        let count = reader.word()?;
        if count > MAX_STOP_TEXTS as u64 {
            return Err(DecodeError::Field { field: "count of stop texts", got: count });
        }
        let stop = (0..count).map(|_| reader.text("stop text")).collect::<Result<_, _>>()?;
        Ok(Self { prompt, max_tokens, sampling, stop })
    }
}

/// Operations charged for each byte of input, which pay for tokenizing it.
pub const INTRINSIC_FLOPS_PER_BYTE: u64 = 1_024;

/// Most texts that may end a generation.
pub const MAX_STOP_TEXTS: usize = 4;

const DOMAIN: &str = "lazvm/job/1";
