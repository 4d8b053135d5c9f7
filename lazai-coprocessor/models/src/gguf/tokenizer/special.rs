//! Tokens that the metadata names by a key.

use super::{
    json::Template,
    keys::{ADD_BOS, ADD_EOS, BOS, EOS, token},
    vocabulary::Vocabulary,
};
use crate::gguf::{Gguf, GgufError};

/// The tokens that begin or end a text.
pub(super) struct Special {
    bos: Option<u32>,
    eos: Option<u32>,
    ends: Vec<u32>,
}

impl Special {
    pub(super) fn read(file: &Gguf) -> Result<Self, GgufError> {
        Ok(Self { bos: token(file, BOS)?, eos: token(file, EOS)?, ends: file.end_tokens()? })
    }

    /// Returns whether a prompt must not spell the token, whatever its type says.
    pub(super) fn contains(&self, token: u32) -> bool {
        self.bos == Some(token) || self.ends.contains(&token)
    }

    /// Returns what stands before and behind a text, if anything; the defaults hold where the file
    /// says nothing.
    pub(super) fn template<'a>(
        &self,
        file: &Gguf,
        vocabulary: &'a Vocabulary<'_>,
        default_bos: bool,
        default_eos: bool,
    ) -> Result<Option<Template<'a>>, GgufError> {
        let wanted = |add, default, key, token: Option<u32>| {
            if !file.bool(add)?.unwrap_or(default) {
                return Ok(None);
            }
            let token = token.ok_or_else(|| GgufError::missing_key(key))?;
            Ok(Some((vocabulary.text(key, token)?, token)))
        };
        let before = wanted(ADD_BOS, default_bos, BOS, self.bos)?;
        let after = wanted(ADD_EOS, default_eos, EOS, self.eos)?;
        let empty = before.is_none() && after.is_none();
        Ok((!empty).then(|| Template::new(before, after)))
    }
}
