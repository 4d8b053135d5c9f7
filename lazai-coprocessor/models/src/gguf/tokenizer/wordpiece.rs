//! `bert`: WordPiece over the words of BERT.

use std::borrow::Cow;

use super::{
    json::{Decoder, Model, Normalizer, Parts, PreTokenizer, Template, Vocab},
    keys::{self, token},
    vocabulary::{TokenType, Vocabulary},
};
use crate::gguf::{Gguf, GgufError};

pub(super) fn convert<'a>(
    file: &'a Gguf,
    vocabulary: &'a Vocabulary<'a>,
) -> Result<Parts<'a>, GgufError> {
    // llama.cpp writes both around a text, whatever the keys `add_bos_token` and `add_sep_token`
    // say: the latter is about pairs, and false in most files. The key of newer files stands first.
    let before = named(file, vocabulary, &[keys::BOS, keys::CLS], "[CLS]")?;
    let after = named(file, vocabulary, &[keys::SEP], "[SEP]")?;
    let (unk_token, _) = named(file, vocabulary, &[keys::UNKNOWN], "[UNK]")?;
    Ok(Parts {
        normalizer: Some(Normalizer::Bert {
            clean_text: true,
            handle_chinese_chars: true,
            strip_accents: file.bool(keys::STRIP_ACCENTS)?,
            lowercase: file.bool(keys::LOWERCASE)?.unwrap_or(true),
        }),
        pre_tokenizer: Some(PreTokenizer::Bert),
        post_processor: Some(Template::new(Some(before), Some(after))),
        decoder: Decoder::WordPiece { prefix: CONTINUATION, cleanup: true },
        model: Model::WordPiece {
            unk_token,
            continuing_subword_prefix: CONTINUATION,
            max_input_chars_per_word: 100,
            vocab: Vocab(vocabulary.iter().map(|(id, text, _)| (text, id)).collect()),
        },
    })
}

/// Returns the piece that a token of the file stands for: a word begins with the mark of a space
/// there, and what continues a word has no mark.
pub(super) fn piece(kind: TokenType, text: &str) -> Cow<'_, str> {
    if let Some(word) = text.strip_prefix(SPACE).filter(|word| !word.is_empty()) {
        Cow::Borrowed(word)
    } else if kind == TokenType::Control || (text.starts_with('[') && text.ends_with(']')) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{CONTINUATION}{text}"))
    }
}

/// Returns the token that the first of some keys names, or that has a certain text.
fn named<'a>(
    file: &Gguf,
    vocabulary: &'a Vocabulary<'_>,
    keys: &[&'static str],
    default: &'static str,
) -> Result<(&'a str, u32), GgufError> {
    for key in keys {
        if let Some(id) = token(file, key)? {
            return Ok((vocabulary.text(key, id)?, id));
        }
    }
    match vocabulary.id(default) {
        Some(id) => Ok((default, id)),
        None => Err(GgufError::missing_key(keys[0])),
    }
}

const CONTINUATION: &str = "##";
const SPACE: char = '\u{2581}';
