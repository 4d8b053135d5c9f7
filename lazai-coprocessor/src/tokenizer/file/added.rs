use serde::Deserialize;

/// A token that is looked for in a text before the model reads it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddedToken {
    /// The token that the file expects; the crate numbers tokens itself.
    pub(crate) id: u32,
    pub(crate) content: String,
    single_word: bool,
    pub(crate) lstrip: bool,
    pub(crate) rstrip: bool,
    pub(crate) normalized: bool,
    pub(crate) special: bool,
}

impl From<AddedToken> for tokenizers::AddedToken {
    fn from(token: AddedToken) -> Self {
        Self {
            content: token.content,
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized,
            special: token.special,
        }
    }
}
