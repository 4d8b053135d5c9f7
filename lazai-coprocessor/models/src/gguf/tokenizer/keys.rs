//! The keys under which a GGUF file describes its tokenizer.

use crate::gguf::{Gguf, GgufError};

/// Reads the number of a token under a key, if the key is there.
pub(super) fn token(file: &Gguf, key: &'static str) -> Result<Option<u32>, GgufError> {
    let Some(token) = file.u32(key)? else { return Ok(None) };
    let tokens = file.texts(TOKENS)?.ok_or_else(|| GgufError::missing_key(TOKENS))?;
    if token as usize >= tokens.len() {
        let expected = "a token of the vocabulary";
        return Err(GgufError::value(key, expected, format!("{token} of {}", tokens.len())));
    }
    Ok(Some(token))
}

// What the tokenizer is.
pub(super) const MERGES: &str = "tokenizer.ggml.merges";
pub(super) const MODEL: &str = "tokenizer.ggml.model";
pub(super) const PRE_TOKENIZER: &str = "tokenizer.ggml.pre";
pub(super) const SCORES: &str = "tokenizer.ggml.scores";
pub(crate) const TOKENS: &str = "tokenizer.ggml.tokens";
pub(super) const TOKEN_TYPES: &str = "tokenizer.ggml.token_type";

// Tokens with a meaning of their own.
pub(crate) const BOS: &str = "tokenizer.ggml.bos_token_id";
pub(super) const CLS: &str = "tokenizer.ggml.cls_token_id";
pub(super) const EOM: &str = "tokenizer.ggml.eom_token_id";
pub(crate) const EOS: &str = "tokenizer.ggml.eos_token_id";
pub(super) const EOT: &str = "tokenizer.ggml.eot_token_id";
pub(super) const FIM_PAD: &str = "tokenizer.ggml.fim_pad_token_id";
pub(super) const FIM_REPO: &str = "tokenizer.ggml.fim_rep_token_id";
pub(super) const FIM_SEP: &str = "tokenizer.ggml.fim_sep_token_id";
/// The key has this spelling.
pub(super) const SEP: &str = "tokenizer.ggml.seperator_token_id";
pub(super) const UNKNOWN: &str = "tokenizer.ggml.unknown_token_id";

// What is done to a text.
pub(super) const ADD_BOS: &str = "tokenizer.ggml.add_bos_token";
pub(super) const ADD_EOS: &str = "tokenizer.ggml.add_eos_token";
pub(super) const ESCAPE_SPACES: &str = "tokenizer.ggml.escape_whitespaces";
pub(super) const ADD_SPACE_PREFIX: &str = "tokenizer.ggml.add_space_prefix";
pub(crate) const CHAT_TEMPLATE: &str = "tokenizer.chat_template";
pub(super) const CHARSMAP: &str = "tokenizer.ggml.precompiled_charsmap";
pub(super) const LOWERCASE: &str = "tokenizer.ggml.normalizer.lowercase";
pub(super) const REMOVE_WHITESPACE: &str = "tokenizer.ggml.remove_extra_whitespaces";
pub(super) const STRIP_ACCENTS: &str = "tokenizer.ggml.normalizer.strip_accents";
