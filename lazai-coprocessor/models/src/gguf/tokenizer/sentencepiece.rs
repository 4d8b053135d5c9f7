//! `llama`: the BPE of SentencePiece, whose merges follow from pieces and scores.

use core::cmp::Reverse;

use super::{
    json::{Decoder, Model, Normalizer, Parts, Pattern, Vocab},
    keys,
    special::Special,
    vocabulary::{TokenType, Vocabulary},
};
use crate::gguf::{Gguf, GgufError};

pub(super) fn convert<'a>(
    file: &'a Gguf,
    vocabulary: &'a Vocabulary<'a>,
    special: &Special,
) -> Result<Parts<'a>, GgufError> {
    if file.bool(keys::ESCAPE_SPACES)? == Some(false) {
        return Err(GgufError::value(keys::ESCAPE_SPACES, "true", "false"));
    }
    let prefix = file.bool(keys::ADD_SPACE_PREFIX)?.unwrap_or(true);
    let merges = derive_merges(vocabulary, vocabulary.scores(file)?);
    let replace = Normalizer::Replace { pattern: Pattern::String(" "), content: SPACE };
    let normalizer = if prefix {
        let normalizers = vec![Normalizer::Prepend { prepend: SPACE }, replace];
        Normalizer::Sequence { normalizers }
    } else {
        replace
    };
    let mut decoders = vec![
        Decoder::Replace { pattern: Pattern::String(SPACE), content: " " },
        Decoder::ByteFallback,
        Decoder::Fuse,
    ];
    if prefix {
        decoders.push(Decoder::Strip { content: " ", start: 1, stop: 0 });
    }
    Ok(Parts {
        normalizer: Some(normalizer),
        pre_tokenizer: None,
        post_processor: special.template(file, vocabulary, true, false)?,
        decoder: Decoder::Sequence { decoders },
        model: Model::Bpe {
            dropout: (),
            unk_token: vocabulary.unknown(file)?.map(|(_, text)| text),
            continuing_subword_prefix: (),
            end_of_word_suffix: (),
            fuse_unk: true,
            byte_fallback: vocabulary.iter().any(|(_, _, kind)| kind == TokenType::Byte),
            ignore_merges: false,
            vocab: Vocab(vocabulary.iter().map(|(id, text, _)| (text, id)).collect()),
            merges,
        },
    })
}

/// Lists every way to make a piece from two, by falling score of the piece.
///
/// Among the ways to make one piece, those with the longer left part come first, as in Hugging
/// Face's converter. Pieces of equal scores keep the order of their numbers, which is that of
/// merges in vocabularies without scores.
fn derive_merges<'a>(vocabulary: &'a Vocabulary<'_>, scores: &[f32]) -> Vec<[&'a str; 2]> {
    let is_part =
        |text: &str| vocabulary.id(text).is_some_and(|id| vocabulary.kind(id).is_merged());
    let mut merges = Vec::new();
    for (id, piece, kind) in vocabulary.iter() {
        if !kind.is_merged() {
            continue;
        }
        // The first character starts at 0, where there is nothing to cut.
        for (cut, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(cut);
            if is_part(left) && is_part(right) {
                merges.push((scores[id as usize], id, Reverse(cut), [left, right]));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    merges.into_iter().map(|(_, _, _, pair)| pair).collect()
}

/// The mark of a space.
pub(super) const SPACE: &str = "\u{2581}";
