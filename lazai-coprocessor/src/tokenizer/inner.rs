//! The tokenizer of the crate, made of what was read of a file.

use tokenizers::{
    AddedVocabulary, DecoderWrapper, ModelWrapper, PostProcessorWrapper,
    models::{
        bpe::{BpeBuilder, Vocab},
        wordlevel::WordLevel,
    },
};

use super::{
    TokenizerError,
    file::{BytePairModel, File, Model, WordModel},
    normalizer::Steps,
};

/// Builds it, and returns the tokens that every text gets besides. Texts are normalized by
/// `normalizer` and split here, so it has neither.
pub(super) fn build(
    file: File,
    normalizer: &Steps,
) -> Result<(tokenizers::Tokenizer, Vec<u32>), TokenizerError> {
    let model = model(file.model).map_err(TokenizerError::syntax)?;
    let mut added = AddedVocabulary::new();
    let tokens = file.added_tokens.into_iter().map(Into::into);
    added.add_tokens(tokens, &model, Some(normalizer)).map_err(TokenizerError::syntax)?;
    let mut inner = tokenizers::Tokenizer::new(model);
    inner.with_added_vocabulary(added);
    inner.with_post_processor(file.post_processor.of_the_crate::<PostProcessorWrapper>()?);
    inner.with_decoder(file.decoder.of_the_crate::<DecoderWrapper>()?);
    let template = inner.encode_fast("", true).map_err(TokenizerError::syntax)?;
    Ok((inner, template.get_ids().to_vec()))
}

/// The crate's model; where the model is read here, the crate has its texts only.
fn model(model: Model) -> tokenizers::Result<ModelWrapper> {
    match model {
        Model::BytePairs(model) => byte_pairs(model),
        Model::Unigram(model) => {
            texts(model.pieces.into_iter().map(|(piece, _)| piece).zip(0..).collect(), None)
        }
        Model::WordPiece(model) => texts(model.vocabulary.into_iter().collect(), None),
        Model::Words(WordModel { vocabulary, unknown }) => {
            texts(vocabulary.into_iter().collect(), Some(unknown))
        }
    }
}

fn byte_pairs(model: BytePairModel) -> tokenizers::Result<ModelWrapper> {
    let vocabulary: Vocab = model.vocabulary.into_iter().collect();
    let mut builder = BpeBuilder::new()
        .vocab_and_merges(vocabulary, model.merges)
        // What a text costs must not depend on the texts before it.
        .cache_capacity(0)
        .fuse_unk(model.fuses_unknown)
        .byte_fallback(model.falls_back_to_bytes)
        .ignore_merges(model.ignores_merges);
    if let Some(unknown) = model.unknown {
        builder = builder.unk_token(unknown);
    }
    if let Some(prefix) = model.prefix {
        builder = builder.continuing_subword_prefix(prefix);
    }
    if let Some(suffix) = model.suffix {
        builder = builder.end_of_word_suffix(suffix);
    }
    builder.build().map(ModelWrapper::BPE)
}

fn texts(vocabulary: Vocab, unknown: Option<String>) -> tokenizers::Result<ModelWrapper> {
    let builder = WordLevel::builder().vocab(vocabulary).unk_token(unknown.unwrap_or_default());
    builder.build().map(ModelWrapper::WordLevel)
}
