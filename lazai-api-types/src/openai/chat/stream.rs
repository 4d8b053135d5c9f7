use alloc::{string::String, vec, vec::Vec};

use super::{
    ChatChunkChoice, ChatCompletionChunk, ChatCompletionRequest, ChatDelta, FunctionCallDelta,
    Role, StopReason, ToolCallDelta, ToolCallType,
};
use crate::openai::{ChatCompletionChunkObject, TokenUsage};

/// Makes the pieces of a streamed answer in the order and the shapes that clients expect.
///
/// For each choice: [`begin`](Self::begin), any number of [`text`](Self::text) and tool calls, and
/// [`end`](Self::end). After all choices [`usage`](Self::usage), which says nothing unless it was
/// asked for, and then [`DONE`](crate::openai::sse::DONE).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChatStream {
    /// Identifies the answer; every piece carries it.
    pub id: String,
    /// When the answer was begun, in Unix seconds.
    pub created: u32,
    /// The model that answers.
    pub model: String,
    /// Identifies everything that determines an answer.
    pub system_fingerprint: Option<String>,
    /// Whether the client asked for a last piece with the usage.
    pub include_usage: bool,
}

impl ChatStream {
    /// Makes the stream that answers `request`.
    #[must_use]
    pub fn new(
        request: &ChatCompletionRequest,
        id: String,
        created: u32,
        system_fingerprint: Option<String>,
    ) -> Self {
        let include_usage = request
            .stream_options
            .as_ref()
            .and_then(|options| options.include_usage)
            .unwrap_or_default();
        Self { id, created, model: request.model.clone(), system_fingerprint, include_usage }
    }

    /// Makes the first piece of a choice: the role, and no text yet.
    #[must_use]
    pub fn begin(&self, index: u32) -> ChatCompletionChunk {
        let delta = ChatDelta {
            role: Some(Role::Assistant),
            content: Some(String::new()),
            ..ChatDelta::default()
        };
        self.choice(index, delta, None)
    }

    /// Makes the piece that carries new text of a choice.
    #[must_use]
    pub fn text(&self, index: u32, text: String) -> ChatCompletionChunk {
        self.choice(index, ChatDelta { content: Some(text), ..ChatDelta::default() }, None)
    }

    /// Makes the first piece of the call of a function: everything but the arguments.
    #[must_use]
    pub fn begin_call(
        &self,
        index: u32,
        call: u32,
        call_id: String,
        name: String,
    ) -> ChatCompletionChunk {
        let function = FunctionCallDelta { name: Some(name), arguments: Some(String::new()) };
        let call = ToolCallDelta {
            index: call,
            id: Some(call_id),
            kind: Some(ToolCallType::Function),
            function: Some(function),
            custom: None,
        };
        self.tool_call(index, call)
    }

    /// Makes the piece that carries new text of the arguments of a call.
    #[must_use]
    pub fn arguments(&self, index: u32, call: u32, arguments: String) -> ChatCompletionChunk {
        let function = FunctionCallDelta { name: None, arguments: Some(arguments) };
        let call =
            ToolCallDelta { index: call, function: Some(function), ..ToolCallDelta::default() };
        self.tool_call(index, call)
    }

    /// Makes the last piece of a choice. It holds no text, because some clients ignore the text
    /// beside a reason.
    #[must_use]
    pub fn end(&self, index: u32, reason: StopReason) -> ChatCompletionChunk {
        self.choice(index, ChatDelta::default(), Some(reason))
    }

    /// Makes the last piece of all, without a choice, if the client asked for it.
    #[must_use]
    pub fn usage(&self, usage: TokenUsage) -> Option<ChatCompletionChunk> {
        self.include_usage
            .then(|| ChatCompletionChunk { usage: Some(Some(usage)), ..self.chunk(Vec::new()) })
    }

    fn tool_call(&self, index: u32, call: ToolCallDelta) -> ChatCompletionChunk {
        let delta = ChatDelta { tool_calls: Some(vec![call]), ..ChatDelta::default() };
        self.choice(index, delta, None)
    }

    fn choice(
        &self,
        index: u32,
        delta: ChatDelta,
        finish_reason: Option<StopReason>,
    ) -> ChatCompletionChunk {
        self.chunk(vec![ChatChunkChoice { index, delta, logprobs: None, finish_reason }])
    }

    fn chunk(&self, choices: Vec<ChatChunkChoice>) -> ChatCompletionChunk {
        ChatCompletionChunk {
            id: self.id.clone(),
            object: ChatCompletionChunkObject::ChatCompletionChunk,
            created: self.created,
            model: self.model.clone(),
            service_tier: None,
            system_fingerprint: self.system_fingerprint.clone(),
            choices,
            usage: self.include_usage.then_some(None),
        }
    }
}
