//! The most that a request may ask for. What OpenAI documents is taken over; the rest bounds memory
//! and time.

/// Bytes of a request body, checked before it is parsed.
pub const MAX_BODY_BYTES: usize = 8 << 20;
/// Messages of a chat.
pub const MAX_MESSAGES: usize = 1_024;
/// Parts of one message.
pub const MAX_PARTS: usize = 256;
/// Bytes of the name of a model, a file or a user.
pub const MAX_NAME_BYTES: usize = 512;
/// Tools of a chat, and calls of tools in one message.
pub const MAX_TOOLS: usize = 128;
/// Bytes of the name of a function or a tool.
pub const MAX_TOOL_NAME_BYTES: usize = 64;
/// Texts that end a generation. OpenAI documents 4, and so does a coprocessor
/// ([`MAX_STOP_TEXTS`](crate::MAX_STOP_TEXTS)); other servers read more.
pub const MAX_STOP: usize = 64;
/// Bytes of one of them.
pub const MAX_STOP_BYTES: usize = 256;
/// Results for one prompt.
pub const MAX_CHOICES: u32 = 128;
/// Candidates of which `best_of` returns the best.
pub const MAX_BEST_OF: u32 = 20;
/// Alternatives listed for each token of a chat.
pub const MAX_TOP_LOGPROBS: u32 = 20;
/// Alternatives listed for each token of a completion.
pub const MAX_COMPLETION_LOGPROBS: u32 = 5;
/// Tokens with a bias.
pub const MAX_LOGIT_BIAS: usize = 1_024;
/// Largest magnitude of a bias.
pub const MAX_LOGIT_BIAS_VALUE: i16 = 100;
/// Prompts of one completion or embedding request.
pub const MAX_INPUTS: usize = 2_048;
/// Numbers of an embedding.
pub const MAX_DIMENSIONS: u32 = 65_536;
/// Most entries of `metadata`.
pub const MAX_METADATA: usize = 16;
/// Bytes of a key of `metadata`.
pub const MAX_METADATA_KEY_BYTES: usize = 64;
/// Bytes of a value of `metadata`.
pub const MAX_METADATA_VALUE_BYTES: usize = 512;
/// Bytes of the name that a fine-tuned model gets besides.
pub const MAX_SUFFIX_BYTES: usize = 64;
/// Places besides that a fine-tuning job reports to.
pub const MAX_INTEGRATIONS: usize = 5;
/// Largest seed of a fine-tuning job.
pub const MAX_FINE_TUNING_SEED: u32 = 2_147_483_647;
/// Largest temperature, in thousandths.
pub const MAX_TEMPERATURE_MILLI: u32 = 2_000;
/// Largest share of probability, in thousandths.
pub const MAX_TOP_P_MILLI: u32 = 1_000;
/// Largest magnitude of a penalty, in thousandths.
pub const MAX_PENALTY_MILLI: u32 = 2_000;
