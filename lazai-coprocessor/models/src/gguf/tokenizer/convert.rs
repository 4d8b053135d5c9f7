use super::{
    byte_level,
    json::{AddedToken, Document},
    keys, sentencepiece,
    special::Special,
    unigram,
    vocabulary::{self, TokenType, Vocabulary},
    wordpiece,
};
use crate::{
    gguf::{Gguf, GgufError},
    tokenizer::is_kept,
};

impl Gguf {
    /// Returns the chat template, in Jinja's language, if the file has one.
    #[must_use]
    pub fn chat_template(&self) -> Option<&str> {
        self.text(keys::CHAT_TEMPLATE).ok().flatten()
    }

    /// Counts the scores of a unigram tokenizer that are not kept as they are.
    pub(crate) fn rounded_scores(&self) -> Result<usize, GgufError> {
        if self.text(keys::MODEL)? != Some("t5") {
            return Ok(0);
        }
        let scores = self.f32s(keys::SCORES)?.unwrap_or_default();
        Ok(scores.iter().filter(|score| !is_kept(f64::from(**score))).count())
    }

    /// Converts the embedded tokenizer to the `tokenizer.json` of Hugging Face that makes the same
    /// tokens.
    ///
    /// Equal metadata gives equal bytes. Read are the models `gpt2` (byte-level BPE, whose words
    /// are those of GPT-2, Llama 3, Qwen 2 or SmolLM), `llama` (SentencePiece BPE), `bert`
    /// (WordPiece) and `t5` (unigram). Control tokens, and those that begin or end a text, become
    /// special tokens.
    ///
    /// # Errors
    /// [`GgufError`], which names the key, token or merge, if a part of the tokenizer is absent,
    /// contradicts another, or is of a kind that is not read.
    pub fn tokenizer_json(&self) -> Result<Vec<u8>, GgufError> {
        self.check_name()?;
        let special = Special::read(self)?;
        let got = self.text(keys::MODEL)?.ok_or_else(|| GgufError::missing_key(keys::MODEL))?;
        let rewrite = if got == "bert" { wordpiece::piece } else { vocabulary::verbatim };
        let vocabulary = Vocabulary::read(self, |token| special.contains(token), rewrite)?;
        let parts = match got {
            "bert" => wordpiece::convert(self, &vocabulary)?,
            "gpt2" => byte_level::convert(self, &vocabulary, &special)?,
            "llama" => sentencepiece::convert(self, &vocabulary, &special)?,
            "t5" => unigram::convert(self, &vocabulary, &special)?,
            _ => return Err(GgufError::value(keys::MODEL, "gpt2, llama, bert or t5", got)),
        };
        let added_tokens = vocabulary
            .iter()
            .filter(|(_, _, kind)| kind.is_added())
            .map(|(id, content, kind)| AddedToken::new(id, content, kind != TokenType::UserDefined))
            .collect();
        Document::new(added_tokens, parts).to_bytes()
    }

    /// Refuses names by which llama.cpp knows models whose special tokens take in the spaces behind
    /// them.
    fn check_name(&self) -> Result<(), GgufError> {
        let name = self.text(NAME)?.unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        if !lower.contains("phi-3") && !lower.contains("phi3") {
            return Ok(());
        }
        let expected = "another name than Phi-3, whose special tokens take in spaces in llama.cpp; \
                        give the tokenizer.json of the original with --tokenizer";
        Err(GgufError::value(NAME, expected, name))
    }
}

const NAME: &str = "general.name";
