use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize};

use super::{AudioId, Content, FunctionCall, ToolCall};
use crate::openai::{
    RequestError, limits,
    request_error::{bound, bound_text},
};

/// A message of a chat so far.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum ChatMessage {
    /// What the model said.
    Assistant(AssistantMessage),
    /// Instructions, in the newer spelling of [`System`](Self::System).
    Developer {
        /// The instructions.
        content: Content,
        /// The name of the author, among several of this role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// The result of a function, in the older spelling of [`Tool`](Self::Tool).
    Function {
        /// Result of the call.
        content: Option<String>,
        /// Name of the function that was called.
        name: String,
    },
    /// Instructions of the operator.
    System {
        /// The instructions.
        content: Content,
        /// The name of the author, among several of this role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// The result of a tool.
    Tool {
        /// The result; null is read as an empty text.
        #[serde(deserialize_with = "null_as_empty")]
        content: Content,
        /// The [`ToolCall`] that it answers.
        tool_call_id: String,
    },
    /// What the user said.
    User {
        /// The text of the message.
        content: Content,
        /// The name of the author, among several of this role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

impl ChatMessage {
    /// Makes a message of the user.
    #[must_use]
    pub fn user(content: impl Into<Content>) -> Self {
        Self::User { content: content.into(), name: None }
    }

    /// Makes a message with the instructions of the system.
    #[must_use]
    pub fn system(content: impl Into<Content>) -> Self {
        Self::System { content: content.into(), name: None }
    }

    /// Makes a message of the model.
    #[must_use]
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::Assistant(AssistantMessage {
            content: Some(content.into()),
            ..AssistantMessage::default()
        })
    }

    /// Returns the role of the speaker.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Assistant(_) => Role::Assistant,
            Self::Developer { .. } => Role::Developer,
            Self::Function { .. } => Role::Function,
            Self::System { .. } => Role::System,
            Self::Tool { .. } => Role::Tool,
            Self::User { .. } => Role::User,
        }
    }

    pub(super) fn validate(&self) -> Result<(), RequestError> {
        let (content, name) = match self {
            Self::Assistant(message) => {
                let calls = message.tool_calls.as_ref().map_or(0, Vec::len);
                bound("messages.tool_calls", calls, limits::MAX_TOOLS)?;
                if message.prefix == Some(true) {
                    return Err(RequestError::Unsupported { parameter: "messages.prefix" });
                }
                (message.content.as_ref(), message.name.as_ref())
            }
            Self::Developer { content, name }
            | Self::System { content, name }
            | Self::User { content, name } => (Some(content), name.as_ref()),
            Self::Function { name, .. } => (None, Some(name)),
            Self::Tool { content, tool_call_id } => {
                let max = limits::MAX_NAME_BYTES;
                bound_text("messages.tool_call_id", tool_call_id, max)?;
                (Some(content), None)
            }
        };
        // Clients send an empty name for none.
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            bound_text("messages.name", name, limits::MAX_NAME_BYTES)?;
        }
        content.map_or(Ok(()), Content::validate)
    }

    /// Returns whether a part is something else than text.
    pub(super) fn has_attachments(&self) -> bool {
        match self {
            Self::Assistant(message) => {
                let content = message.content.as_ref();
                message.audio.is_some() || content.is_some_and(Content::has_attachments)
            }
            Self::Developer { content, .. }
            | Self::System { content, .. }
            | Self::Tool { content, .. }
            | Self::User { content, .. } => content.has_attachments(),
            Self::Function { .. } => false,
        }
    }
}

fn null_as_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An earlier message of the model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AssistantMessage {
    /// The text; may be absent where the model called tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The refusal, in place of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The name of the author, among several of this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tools that it called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The function that it called, in the older spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// An earlier answer in sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioId>,
    /// What it thought before it spoke, as some servers of reasoning models write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The same, as others write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Whether the answer continues this message, as some servers have it; refused.
    #[serde(default, alias = "partial", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<bool>,
}

impl AssistantMessage {
    /// Returns what the model thought before it spoke, in whichever spelling.
    #[must_use]
    pub fn thoughts(&self) -> Option<&str> {
        self.reasoning_content.as_deref().or(self.reasoning.as_deref())
    }
}

/// The speaker of a message.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model itself.
    Assistant,
    /// Who built the application.
    Developer,
    /// A function, in the older spelling.
    Function,
    /// Who built the application, in the older spelling.
    System,
    /// A tool that the model called.
    Tool,
    /// Who uses the application.
    User,
}
