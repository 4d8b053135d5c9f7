use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{ChatError, ChatTemplate};

/// What a `tokenizer_config.json` says of its template.
#[derive(Debug, Deserialize)]
struct TokenizerConfig {
    #[serde(default)]
    chat_template: Option<Templates>,
    /// Special tokens of the model's own, by name or without.
    #[serde(default)]
    extra_special_tokens: Value,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// One template, or several by name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<NamedTemplate>),
}

#[derive(Debug, Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl ChatTemplate {
    /// Bytes of the largest `tokenizer_config.json`; those with a thousand added tokens have some
    /// hundred KiB.
    pub const MAX_CONFIG_BYTES: usize = 8 << 20;

    /// Reads the template and the special tokens of a `tokenizer_config.json`. Where it holds
    /// several templates, the one named `default` is taken.
    ///
    /// # Errors
    /// [`ChatError`] if the file is too large, does not parse or has no such template, and those of
    /// [`ChatTemplate::new`].
    pub fn from_tokenizer_config(json: &[u8]) -> Result<Self, ChatError> {
        Self::from_config(json, None)
    }

    /// Reads the special tokens of a `tokenizer_config.json` whose template, `source`, is a file of
    /// its own and replaces any inside.
    ///
    /// # Errors
    /// As [`from_tokenizer_config`](Self::from_tokenizer_config).
    pub fn from_parts(json: &[u8], source: String) -> Result<Self, ChatError> {
        Self::from_config(json, Some(source))
    }

    fn from_config(json: &[u8], source: Option<String>) -> Result<Self, ChatError> {
        if json.len() > Self::MAX_CONFIG_BYTES {
            let part = "bytes of tokenizer_config.json";
            return Err(ChatError::TooLarge { part, got: json.len(), max: Self::MAX_CONFIG_BYTES });
        }
        let config: TokenizerConfig = serde_json::from_slice(json)
            .map_err(|error| ChatError::Config { message: error.to_string() })?;
        let source = match (source, config.chat_template) {
            (Some(source), _) | (None, Some(Templates::One(source))) => source,
            (None, Some(Templates::Named(named))) => {
                let default = named.into_iter().find(|template| template.name == "default");
                default.ok_or(ChatError::NoTemplate)?.template
            }
            (None, None) => return Err(ChatError::NoTemplate),
        };
        // A template knows every special token by its name, those of the model's own too.
        let named = config.others.iter().filter(|(name, _)| name.ends_with("_token"));
        let extra = config.extra_special_tokens.as_object().into_iter().flatten();
        let tokens = named.chain(extra).filter_map(|(name, token)| {
            // As a text, or with the fields of an added token.
            let text = token.as_str().or_else(|| token.get("content")?.as_str());
            Some((name.clone(), text?.to_owned()))
        });
        Self::with_tokens(&source, tokens.take(MAX_TOKENS))
    }
}

/// Most special tokens with a name.
const MAX_TOKENS: usize = 256;
