use super::RequestError;

/// What a server can do besides continuing one text with sampled tokens, so that
/// [`Request::check`](super::Request::check) can refuse by its name what nobody would honour.
///
/// The default is none of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    /// Reads images, sound, videos and files in messages.
    pub attachments: bool,
    /// Makes several candidates and returns the best.
    pub best_of: bool,
    /// Gives more than one answer.
    pub choices: bool,
    /// Keeps answers, and goes on from one of them.
    pub conversations: bool,
    /// Shortens embeddings.
    pub dimensions: bool,
    /// Repeats the prompt in the answer.
    pub echo: bool,
    /// Lists log probabilities.
    pub logprobs: bool,
    /// Thinks as long as it is told to.
    pub reasoning: bool,
    /// Answers in JSON, by a schema or without, and in other forms than text.
    pub response_format: bool,
    /// Puts the answer between a prompt and a suffix.
    pub suffix: bool,
    /// Calls tools.
    pub tools: bool,
}

impl Capabilities {
    /// All of it.
    pub const ALL: Self = Self {
        attachments: true,
        best_of: true,
        choices: true,
        conversations: true,
        dimensions: true,
        echo: true,
        logprobs: true,
        reasoning: true,
        response_format: true,
        suffix: true,
        tools: true,
    };
}

/// Refuses the first parameter that asks for what the server cannot do: name, whether it is asked
/// for, and whether the server can.
pub(super) fn check(asked: &[(&'static str, bool, bool)]) -> Result<(), RequestError> {
    match asked.iter().find(|(_, is_asked, can)| *is_asked && !can) {
        Some((parameter, ..)) => Err(RequestError::Unsupported { parameter }),
        None => Ok(()),
    }
}
