use lazai_api_types::{Job, Output, Prompt, Rejection, Task, TokenId};

use crate::ProvedOutput;

/// A job of a language model whose run can be proved.
#[derive(Debug)]
pub(crate) struct ProvedJob<'a> {
    /// The part of the result that is public: all of it.
    pub(crate) proved_output: ProvedOutput,
    prompt: &'a [TokenId],
}

impl<'a> ProvedJob<'a> {
    /// Reads a job.
    ///
    /// # Errors
    /// [`Rejection::Unprovable`] if it is of another kind, or its prompt is a text.
    pub(crate) const fn new(job: &'a Job) -> Result<Self, Rejection> {
        let (prompt, proved_output) = match &job.task {
            Task::Embed { prompt: Prompt::Tokens(prompt) } => (prompt, ProvedOutput::Embedding),
            Task::Logits { prompt: Prompt::Tokens(prompt) } => (prompt, ProvedOutput::Logits),
            Task::GreedyTokens { tokens, count } => (tokens, ProvedOutput::GreedyTokens(*count)),
            Task::Embed { .. } | Task::Logits { .. } => {
                return Err(Rejection::Unprovable { what: "a prompt that is text" });
            }
            _ => return Err(Rejection::Unprovable { what: "this task" }),
        };
        Ok(Self { proved_output, prompt: prompt.as_slice() })
    }

    /// Returns as many tokens as the network reads in a run; which they are does not matter.
    pub(crate) fn sample(&self) -> Vec<u32> {
        let chosen = match self.proved_output {
            ProvedOutput::GreedyTokens(count) => count as usize,
            ProvedOutput::Embedding | ProvedOutput::Logits => 1,
        };
        vec![0; self.prompt.len() + chosen.saturating_sub(1)]
    }

    /// Returns the tokens that the network reads in the run with this result: the prompt, and all
    /// but the last of the tokens that it chooses.
    pub(crate) fn read(&self, output: &Output) -> Vec<u32> {
        let chosen = match output {
            Output::Tokens(tokens) => tokens.split_last().map_or(&[][..], |(_, read)| read),
            _ => &[],
        };
        self.prompt.iter().chain(chosen).map(|token| token.0).collect()
    }
}
