use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize};

use crate::openai::{RequestError, limits, request_error::bound, text_or_list::TextOrList};

/// The content of a message: a text, or parts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts of several kinds, in order.
    Parts(Vec<ContentPart>),
}

impl Content {
    /// Returns the text, with the texts of parts joined; `None` if a part is not text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Parts(parts) => parts
                .iter()
                .map(|part| match part {
                    ContentPart::Text { text } => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
        }
    }

    /// Returns whether a part is something else than text.
    pub(super) fn has_attachments(&self) -> bool {
        let is_text = |part: &ContentPart| {
            matches!(part, ContentPart::Refusal { .. } | ContentPart::Text { .. })
        };
        matches!(self, Self::Parts(parts) if !parts.iter().all(is_text))
    }

    pub(super) const fn validate(&self) -> Result<(), RequestError> {
        match self {
            Self::Text(_) => Ok(()),
            Self::Parts(parts) => bound("messages.content", parts.len(), limits::MAX_PARTS),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) => Self::Text(text),
            TextOrList::List(parts) => Self::Parts(parts),
        })
    }
}

/// One part of a message.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// A file, inline or by id.
    File {
        /// The file and its name.
        file: FileInput,
    },
    /// An image, by URL or inline as a data URL.
    ImageUrl {
        /// The address of the image and its detail.
        image_url: ImageUrl,
    },
    /// A recording of sound.
    InputAudio {
        /// The recording and its format.
        input_audio: AudioInput,
    },
    /// What an assistant said instead of an answer.
    Refusal {
        /// Text by which the model refused.
        refusal: String,
    },
    /// A piece of text.
    Text {
        /// Text of the piece.
        text: String,
    },
    /// A video, by URL or inline as a data URL; not in the OpenAI API, but usual among servers.
    VideoUrl {
        /// The address of the video.
        video_url: VideoUrl,
    },
}

/// An earlier answer in sound.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AudioId {
    /// The id that the answer had.
    pub id: String,
}

/// A recording in a message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AudioInput {
    /// The recording in base64.
    pub data: String,
    /// Format of the recording, `wav` or `mp3`.
    pub format: String,
}

/// A file in a message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileInput {
    /// The file in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The id of an uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The name of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// An image in a message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImageUrl {
    /// A link, or the image itself as a `data:` link.
    pub url: String,
    /// `auto`, `low` or `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A video in a message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct VideoUrl {
    /// A link, or the video itself as a `data:` link.
    pub url: String,
}
