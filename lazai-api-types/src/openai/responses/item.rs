use alloc::{string::String, vec, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use super::ResponseStatus;
use crate::openai::{
    AssistantMessage, ChatMessage, Content, ContentPart, FileInput, FunctionCall, ImageUrl,
    RequestError, Role, ToolCall, limits, request_error::bound, text_or_list::TextOrList,
};

/// What a response answers: a text of the user, or the conversation so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ResponseInput {
    /// A text of the user.
    Text(String),
    /// Messages, calls and results, in order.
    Items(Vec<ResponseItem>),
}

impl ResponseInput {
    pub(super) fn validate(&self) -> Result<(), RequestError> {
        let Self::Items(items) = self else { return Ok(()) };
        if items.is_empty() {
            return Err(RequestError::Empty { parameter: "input" });
        }
        bound("input", items.len(), limits::MAX_MESSAGES)?;
        items.iter().try_for_each(ResponseItem::validate)
    }

    pub(super) fn messages(&self) -> Result<Vec<ChatMessage>, RequestError> {
        match self {
            Self::Text(text) => Ok(vec![ChatMessage::user(text.as_str())]),
            Self::Items(items) => items.iter().map(ResponseItem::message).collect(),
        }
    }

    pub(super) fn has_attachments(&self) -> bool {
        let Self::Items(items) = self else { return false };
        items.iter().any(|item| match item {
            ResponseItem::Message { content, .. } => content.has_attachments(),
            ResponseItem::FunctionCallOutput { output, .. } => output.has_attachments(),
            _ => false,
        })
    }
}

impl Default for ResponseInput {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl<'de> Deserialize<'de> for ResponseInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items: Vec<Map<String, Value>> = match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) => return Ok(Self::Text(text)),
            TextOrList::List(items) => items,
        };
        let items = items.into_iter().map(|mut item| {
            // A message needs no type.
            if !item.contains_key("type") && item.contains_key("role") {
                item.insert("type".into(), "message".into());
            }
            ResponseItem::deserialize(Value::Object(item)).map_err(de::Error::custom)
        });
        Ok(Self::Items(items.collect::<Result<_, _>>()?))
    }
}

/// A part of a conversation: what the request says, and what the model answers.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseItem {
    /// The model calls a function.
    FunctionCall {
        /// Identifies the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Identifies the call; its result repeats it.
        call_id: String,
        /// Name, as the request defined it.
        name: String,
        /// Its arguments, as the model wrote them.
        arguments: String,
        /// Whether the model has written all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<ResponseStatus>,
    },
    /// The result of a function.
    FunctionCallOutput {
        /// Identifies the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The call that it answers.
        call_id: String,
        /// The result.
        output: ResponseContent,
        /// Whether it is whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<ResponseStatus>,
    },
    /// Someone speaks.
    Message {
        /// Identifies the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Whether it is whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<ResponseStatus>,
        /// The speaker.
        role: Role,
        /// What is said.
        content: ResponseContent,
    },
    /// What the model thought, as it wrote it.
    Reasoning {
        /// Identifies the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// A summary for the user.
        #[serde(default)]
        summary: Vec<Value>,
        /// The thoughts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Vec<Value>>,
        /// The thoughts, for the server alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
        /// Whether it is whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<ResponseStatus>,
    },
}

impl ResponseItem {
    const fn validate(&self) -> Result<(), RequestError> {
        match self {
            Self::FunctionCallOutput { output: content, .. } | Self::Message { content, .. } => {
                content.validate()
            }
            _ => Ok(()),
        }
    }

    /// The message of a chat that says the same.
    fn message(&self) -> Result<ChatMessage, RequestError> {
        let unsupported = |parameter| Err(RequestError::Unsupported { parameter });
        Ok(match self {
            Self::FunctionCall { call_id, name, arguments, .. } => {
                let function = FunctionCall { name: name.clone(), arguments: arguments.clone() };
                let call = ToolCall::Function { id: call_id.clone(), function };
                ChatMessage::Assistant(AssistantMessage {
                    tool_calls: Some(vec![call]),
                    ..AssistantMessage::default()
                })
            }
            Self::FunctionCallOutput { call_id, output, .. } => {
                ChatMessage::Tool { content: output.content()?, tool_call_id: call_id.clone() }
            }
            Self::Message { role, content, .. } => {
                let (content, name) = (content.content()?, None);
                match role {
                    Role::Assistant => ChatMessage::assistant(content),
                    Role::Developer => ChatMessage::Developer { content, name },
                    Role::System => ChatMessage::System { content, name },
                    Role::User => ChatMessage::User { content, name },
                    Role::Function | Role::Tool => return unsupported("input.role"),
                }
            }
            Self::Reasoning { .. } => return unsupported("input.reasoning"),
        })
    }
}

/// What is said: a text, or parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ResponseContent {
    /// Plain text.
    Text(String),
    /// Parts of several kinds, in order.
    Parts(Vec<ResponsePart>),
}

impl ResponseContent {
    /// Returns the texts joined; what a model refused with is text too. `None` if a part is not
    /// text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Parts(parts) => parts.iter().map(ResponsePart::text).collect(),
        }
    }

    const fn validate(&self) -> Result<(), RequestError> {
        match self {
            Self::Text(_) => Ok(()),
            Self::Parts(parts) => bound("input.content", parts.len(), limits::MAX_PARTS),
        }
    }

    fn has_attachments(&self) -> bool {
        matches!(self, Self::Parts(parts) if parts.iter().any(|part| part.text().is_none()))
    }

    fn content(&self) -> Result<Content, RequestError> {
        Ok(match self {
            Self::Text(text) => Content::Text(text.clone()),
            Self::Parts(parts) => {
                Content::Parts(parts.iter().map(ResponsePart::part).collect::<Result<_, _>>()?)
            }
        })
    }
}

impl<'de> Deserialize<'de> for ResponseContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) => Self::Text(text),
            TextOrList::List(parts) => Self::Parts(parts),
        })
    }
}

impl From<&str> for ResponseContent {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// One part of what is said.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponsePart {
    /// A file, inline, by id or by URL.
    InputFile {
        /// The file in base64.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        /// The id of an uploaded file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_id: Option<String>,
        /// The address of the file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_url: Option<String>,
        /// The name of the file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
    },
    /// An image, by URL or by id.
    InputImage {
        /// A link, or the image itself as a `data:` link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image_url: Option<String>,
        /// The id of an uploaded file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_id: Option<String>,
        /// `auto`, `low` or `high`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A piece of text for the model.
    InputText {
        /// Text of the piece.
        text: String,
    },
    /// A piece of text of the model.
    OutputText {
        /// Text of the piece.
        text: String,
        /// Places that the text refers to, as the server writes them.
        #[serde(default)]
        annotations: Vec<Value>,
        /// The log probabilities of the tokens, if asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        logprobs: Option<Vec<Value>>,
    },
    /// What the model said instead of an answer.
    Refusal {
        /// Text by which the model refused.
        refusal: String,
    },
}

impl ResponsePart {
    /// Makes a piece of text of the model.
    #[must_use]
    pub fn output(text: impl Into<String>) -> Self {
        Self::OutputText { text: text.into(), annotations: Vec::new(), logprobs: None }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::InputText { text } | Self::OutputText { text, .. } => Some(text),
            Self::Refusal { refusal } => Some(refusal),
            Self::InputFile { .. } | Self::InputImage { .. } => None,
        }
    }

    fn part(&self) -> Result<ContentPart, RequestError> {
        Ok(match self {
            Self::InputFile { file_data, file_id, file_url: None, filename } => {
                let [file_data, file_id, filename] =
                    [file_data, file_id, filename].map(Option::clone);
                ContentPart::File { file: FileInput { file_data, file_id, filename } }
            }
            Self::InputFile { .. } => {
                return Err(RequestError::Unsupported { parameter: "input.content.file_url" });
            }
            Self::InputImage { image_url: Some(url), file_id: None, detail } => {
                let image_url = ImageUrl { url: url.clone(), detail: detail.clone() };
                ContentPart::ImageUrl { image_url }
            }
            Self::InputImage { .. } => {
                return Err(RequestError::Unsupported { parameter: "input.content.file_id" });
            }
            Self::InputText { text } | Self::OutputText { text, .. } => {
                ContentPart::Text { text: text.clone() }
            }
            Self::Refusal { refusal } => ContentPart::Refusal { refusal: refusal.clone() },
        })
    }
}
