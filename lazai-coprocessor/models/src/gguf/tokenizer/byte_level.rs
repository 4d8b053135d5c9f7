//! `gpt2`: BPE over bytes, whose merges are in the file.

use super::{
    json::{Decoder, Model, Normalizer, Parts, Pattern, PreTokenizer, Vocab},
    keys,
    special::Special,
    vocabulary::Vocabulary,
};
use crate::gguf::{Gguf, GgufError, error::shorten};

/// The rule that cuts a text into words, inside which bytes are merged.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Words {
    Gpt2,
    Llama3,
    Qwen2,
    SmolLm,
    Tekken,
}

pub(super) fn convert<'a>(
    file: &'a Gguf,
    vocabulary: &'a Vocabulary<'a>,
    special: &Special,
) -> Result<Parts<'a>, GgufError> {
    let words = Words::read(file)?;
    Ok(Parts {
        normalizer: (words == Words::Qwen2).then_some(Normalizer::Nfc),
        pre_tokenizer: Some(words.pre_tokenizer()),
        post_processor: special.template(file, vocabulary, file.words_begin()?, false)?,
        decoder: Decoder::ByteLevel { add_prefix_space: true, trim_offsets: true, use_regex: true },
        model: Model::Bpe {
            dropout: (),
            unk_token: None,
            continuing_subword_prefix: (),
            end_of_word_suffix: (),
            fuse_unk: false,
            byte_fallback: false,
            // Some words of both are tokens that the merges do not lead to.
            ignore_merges: matches!(words, Words::Llama3 | Words::Tekken),
            vocab: Vocab(vocabulary.iter().map(|(id, text, _)| (text, id)).collect()),
            merges: read_merges(file, vocabulary)?,
        },
    })
}

impl Words {
    fn read(file: &Gguf) -> Result<Self, GgufError> {
        // Files from before the key was invented have none, and llama.cpp guesses: "default" is its
        // name for that. The words of GPT-2 itself are known.
        let known = file.text("general.architecture")?.is_none_or(|name| name == "gpt2");
        Ok(match file.text(keys::PRE_TOKENIZER)? {
            None | Some("default") if known => Self::Gpt2,
            Some("gpt-2") => Self::Gpt2,
            Some("falcon3" | "llama-bpe" | "llama-v3" | "llama3" | "pixtral") => Self::Llama3,
            Some("deepseek-r1-qwen" | "qwen2") => Self::Qwen2,
            Some("smollm") => Self::SmolLm,
            Some("tekken") => Self::Tekken,
            got => {
                let expected = "gpt-2, llama-bpe, llama3, falcon3, pixtral, qwen2, smollm or \
                    tekken; for another, give its tokenizer.json with --tokenizer";
                return Err(GgufError::value(keys::PRE_TOKENIZER, expected, got.unwrap_or("none")));
            }
        })
    }

    fn pre_tokenizer(self) -> PreTokenizer {
        let bytes = |use_regex| PreTokenizer::ByteLevel {
            add_prefix_space: false,
            trim_offsets: true,
            use_regex,
        };
        let split = |regex| PreTokenizer::Split {
            pattern: Pattern::Regex(regex),
            behavior: "Isolated",
            invert: false,
        };
        let pretokenizers = match self {
            Self::Gpt2 => return bytes(true),
            Self::Llama3 => vec![split(LLAMA3), bytes(false)],
            Self::Qwen2 => vec![split(QWEN2), bytes(false)],
            Self::SmolLm => vec![PreTokenizer::Digits { individual_digits: true }, bytes(true)],
            Self::Tekken => vec![split(TEKKEN), bytes(false)],
        };
        PreTokenizer::Sequence { pretokenizers }
    }
}

/// Reads the merges, by falling priority.
fn read_merges<'a>(
    file: &'a Gguf,
    vocabulary: &Vocabulary<'_>,
) -> Result<Vec<[&'a str; 2]>, GgufError> {
    let merges = file.texts(keys::MERGES)?.ok_or_else(|| GgufError::missing_key(keys::MERGES))?;
    let mut pairs = Vec::new();
    for (index, merge) in merges.iter().enumerate() {
        let failed = |problem| Err(GgufError::Merge { index, problem, got: shorten(merge) });
        let Some((left, right)) = merge.split_once(' ') else {
            return failed("is not two tokens");
        };
        let known = |token: &str| vocabulary.id(token).is_some();
        if !known(left) || !known(right) || !known(&format!("{left}{right}")) {
            return failed("has a token that the vocabulary lacks");
        }
        pairs.push([left, right]);
    }
    Ok(pairs)
}

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(crate) const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(crate) const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
