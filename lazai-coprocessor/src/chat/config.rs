use serde::Deserialize;

use super::{ChatError, ChatTemplate};

/// What a `tokenizer_config.json` says of its template.
#[derive(Debug, Deserialize)]
struct TokenizerConfig {
    #[serde(default)]
    chat_template: Option<Templates>,
    #[serde(default)]
    bos_token: Option<Token>,
    #[serde(default)]
    cls_token: Option<Token>,
    #[serde(default)]
    eos_token: Option<Token>,
    #[serde(default)]
    mask_token: Option<Token>,
    #[serde(default)]
    pad_token: Option<Token>,
    #[serde(default)]
    sep_token: Option<Token>,
    #[serde(default)]
    unk_token: Option<Token>,
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

/// A special token, as a text or with the fields of an added token.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Token {
    Added { content: String },
    Text(String),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Added { content } | Self::Text(content) => content,
        }
    }
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
        let text = |token: &Option<Token>| token.as_ref().map(|token| token.text().to_owned());
        let tokens = [
            ("bos_token", text(&config.bos_token)),
            ("cls_token", text(&config.cls_token)),
            ("eos_token", text(&config.eos_token)),
            ("mask_token", text(&config.mask_token)),
            ("pad_token", text(&config.pad_token)),
            ("sep_token", text(&config.sep_token)),
            ("unk_token", text(&config.unk_token)),
        ];
        Self::with_tokens(
            &source,
            tokens.into_iter().filter_map(|(name, text)| Some((name, text?))),
        )
    }
}
