//! Text to tokens and back. The only module that names the `tokenizers` crate.

use std::collections::BTreeMap;

use lazai_api_types::Rejection;

/// The tokenizer of a model.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Special tokens and their texts, which a prompt must not spell.
    special: BTreeMap<u32, String>,
    vocabulary: u32,
}

/// Why a `tokenizer.json` was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenizerError {
    /// It is too large.
    #[error("tokenizer.json has {got} bytes, above the limit {max}")]
    TooLarge {
        /// Its bytes.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// It does not parse.
    #[error("tokenizer.json does not parse: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// It merges at random, so that two machines would read two texts.
    #[error("tokenizer.json has a dropout of {got}; remove it, because it makes tokens random")]
    Dropout {
        /// The share of merges that are left out, as it is written.
        got: String,
    },
    /// A token is too long, so that decoding a few would fill the memory.
    #[error("token {token} has {got} bytes, above the limit {max}")]
    TokenLength {
        /// The token.
        token: u32,
        /// Its bytes.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// It makes tokens that the model does not have.
    #[error("tokenizer.json has token {got}, but the vocabulary of the model has {vocabulary}")]
    Vocabulary {
        /// The largest token.
        got: u32,
        /// Tokens of the model.
        vocabulary: u32,
    },
}

impl Tokenizer {
    /// Most bytes of a text that is encoded.
    pub const MAX_TEXT_BYTES: usize = 1 << 20;

    /// Reads a `tokenizer.json` for a model of `vocabulary` tokens. Truncation and padding in it are turned off.
    ///
    /// # Errors
    /// [`TokenizerError`] if it is too large, does not parse, or makes other tokens than the model has.
    pub fn new(json: &[u8], vocabulary: u32) -> Result<Self, TokenizerError> {
        if json.len() > MAX_JSON_BYTES {
            return Err(TokenizerError::TooLarge { got: json.len(), max: MAX_JSON_BYTES });
        }
        let syntax =
            |error: tokenizers::Error| TokenizerError::Syntax { message: error.to_string() };
        // The crate panics at a decoder that does not parse.
        let parsed = std::panic::catch_unwind(|| tokenizers::Tokenizer::from_bytes(json));
        let panicked = |_| TokenizerError::Syntax { message: "a part is malformed".to_owned() };
        let mut inner = parsed.map_err(panicked)?.map_err(syntax)?;
        inner.with_truncation(None).map_err(syntax)?;
        inner.with_padding(None);
        if let tokenizers::ModelWrapper::BPE(model) = inner.get_model()
            && let Some(dropout) = model.dropout
        {
            return Err(TokenizerError::Dropout { got: dropout.to_string() });
        }
        let tokens = inner.get_vocab(true);
        let longest = tokens.iter().map(|(text, token)| (text.len(), *token)).max();
        if let Some((got, token)) = longest.filter(|(got, _)| *got > MAX_TOKEN_BYTES) {
            return Err(TokenizerError::TokenLength { token, got, max: MAX_TOKEN_BYTES });
        }
        // The template's tokens need not be in the vocabulary; every text gets them, the empty one too.
        let template = inner.encode("", true).map_err(syntax)?;
        let largest = tokens.into_values().chain(template.get_ids().iter().copied()).max();
        if let Some(got) = largest.filter(|token| *token >= vocabulary) {
            return Err(TokenizerError::Vocabulary { got, vocabulary });
        }
        let special: BTreeMap<u32, String> = inner
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(_, token)| token.special)
            .map(|(id, token)| (id, token.content))
            .collect();
        Ok(Self { inner, special, vocabulary })
    }

    /// The tokens of a prompt, with those that the model's own template adds.
    ///
    /// # Errors
    /// [`Rejection`] if the text is too long, spells a special token, or cannot be tokenized.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Rejection> {
        if text.len() > Self::MAX_TEXT_BYTES {
            let (got, max) = (text.len() as u64, Self::MAX_TEXT_BYTES as u64);
            return Err(Rejection::InputTooLong { got, max });
        }
        let forged = self
            .special
            .iter()
            .filter_map(|(token, content)| Some((text.find(content.as_str())?, *token)))
            .min();
        if let Some((offset, token)) = forged {
            return Err(Rejection::SpecialToken { token, offset: offset as u64 });
        }
        let encoding = self.inner.encode(text, true).map_err(|_| Rejection::InvalidText)?;
        // What the template adds has an empty span; a special token with a span was spelled by the text in a way that
        // only the tokenizer's normalizer sees.
        let forged = encoding
            .get_ids()
            .iter()
            .zip(encoding.get_offsets())
            .find(|(token, (start, end))| start < end && self.special.contains_key(token));
        if let Some((token, (start, _))) = forged {
            return Err(Rejection::SpecialToken { token: *token, offset: *start as u64 });
        }
        self.check(encoding.get_ids())?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens; special tokens have none.
    ///
    /// # Errors
    /// [`Rejection::UnknownToken`] if a token is not in the vocabulary, [`Rejection::InvalidText`] if it has no text.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Rejection> {
        self.check(tokens)?;
        self.inner.decode(tokens, true).map_err(|_| Rejection::InvalidText)
    }

    /// Checks that every token is in the vocabulary.
    ///
    /// # Errors
    /// [`Rejection::UnknownToken`] for the first that is not.
    pub fn check(&self, tokens: &[u32]) -> Result<(), Rejection> {
        match tokens.iter().position(|token| *token >= self.vocabulary) {
            Some(index) => Err(Rejection::UnknownToken {
                token: tokens[index],
                index: index as u64,
                vocabulary: u64::from(self.vocabulary),
            }),
            None => Ok(()),
        }
    }
}

/// Largest `tokenizer.json`, in bytes.
const MAX_JSON_BYTES: usize = 32 << 20;

/// Longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A tokenizer of three tokens, `<s>`, `a` and `aa`, with changes.
    fn tokenizer(change: impl Fn(&mut Value)) -> Result<Tokenizer, TokenizerError> {
        let mut json = json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
            "pre_tokenizer": null, "decoder": null,
            "added_tokens": [{
                "id": 0, "content": "<s>", "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true
            }],
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [
                    {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
                ],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
            },
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "vocab": {"<s>": 0, "a": 1, "aa": 2}, "merges": [["a", "a"]]
            }
        });
        change(&mut json);
        Tokenizer::new(&serde_json::to_vec(&json).unwrap(), 3)
    }

    #[test]
    fn text_is_merged_behind_the_template() {
        let tokenizer = tokenizer(|_| ()).unwrap();
        assert_eq!(tokenizer.encode("aaa").unwrap(), [0, 2, 1]);
    }

    #[test]
    fn a_malformed_decoder_is_refused() {
        for decoder in [json!(3), json!({"type": "Nothing"}), json!([])] {
            let error = tokenizer(|json| json["decoder"] = decoder.clone()).unwrap_err();
            assert!(matches!(error, TokenizerError::Syntax { .. }), "{decoder}: {error}");
        }
        let json = b"{\"version\":\"1.0\",\"decoder\":{\"type\":\"Byte\x01Level\"},\"model\":null}";
        assert!(matches!(Tokenizer::new(json, 3), Err(TokenizerError::Syntax { .. })));
    }

    #[test]
    fn random_merges_are_refused() {
        let error = tokenizer(|json| json["model"]["dropout"] = json!(0.5)).unwrap_err();
        assert_eq!(error, TokenizerError::Dropout { got: "0.5".to_owned() });
    }

    #[test]
    fn tokens_of_the_template_must_be_in_the_vocabulary() {
        let error = tokenizer(|json| {
            json["post_processor"]["special_tokens"]["<s>"]["ids"] = json!([3]);
        });
        assert_eq!(error.unwrap_err(), TokenizerError::Vocabulary { got: 3, vocabulary: 3 });
    }

    #[test]
    fn a_token_that_fills_the_memory_is_refused() {
        let error = tokenizer(|json| {
            json["added_tokens"][0]["content"] = json!("s".repeat(2_000));
            json["model"]["vocab"] = json!({"s".repeat(2_000): 0, "a": 1, "aa": 2});
            json["post_processor"] = Value::Null;
        });
        let expected = TokenizerError::TokenLength { token: 0, got: 2_000, max: MAX_TOKEN_BYTES };
        assert_eq!(error.unwrap_err(), expected);
    }
}
