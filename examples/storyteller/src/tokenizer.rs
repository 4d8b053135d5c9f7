//! The tokenizer: byte-level byte pairs, learnt from the corpus.

use std::{fs, path::Path};

use tokenizers::{
    AddedToken, Tokenizer,
    models::{
        TrainerWrapper,
        bpe::{BPE, BpeTrainerBuilder},
    },
    pre_tokenizers::byte_level::ByteLevel,
    processors::template::TemplateProcessing,
};

use crate::{
    corpus::{BOS, EOS},
    error::RecipeError,
};

/// Learns the vocabulary from `documents` and returns the `tokenizer.json`.
///
/// The same documents give the same bytes. `<s>` is token 0 and is put before each text, `</s>` is
/// token 1.
pub(crate) fn learn(documents: &[String], vocab: usize) -> Result<Vec<u8>, RecipeError> {
    let mut trainer: TrainerWrapper = BpeTrainerBuilder::new()
        .vocab_size(vocab)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens([BOS, EOS].map(|token| AddedToken::from(token, true)).to_vec())
        .build()
        .into();
    let template = TemplateProcessing::builder()
        .try_single(format!("{BOS} $A"))
        .map_err(tokenizers::Error::from)?
        .try_pair(format!("{BOS} $A {BOS} $B"))
        .map_err(tokenizers::Error::from)?
        .special_tokens(vec![(BOS, 0)])
        .build()
        .map_err(tokenizers::Error::from)?;
    let mut tokenizer = Tokenizer::new(BPE::default());
    tokenizer
        .with_pre_tokenizer(Some(ByteLevel::new(false, true, true)))
        .with_decoder(Some(ByteLevel::default()))
        .with_post_processor(Some(template));
    // The marks are tokens already; as text they would be merged into words.
    let texts = documents.iter().map(|document| document.replace(BOS, "").replace(EOS, ""));
    tokenizer.train(&mut trainer, texts)?;
    let mut json = tokenizer.to_string(true)?.into_bytes();
    json.push(b'\n');
    Ok(json)
}

/// Reads a tokenizer.
pub(crate) fn load(path: &Path) -> Result<(Tokenizer, Vec<u8>), RecipeError> {
    let bytes = fs::read(path).map_err(RecipeError::reading(path))?;
    Ok((Tokenizer::from_bytes(&bytes)?, bytes))
}

/// Encodes documents that carry their marks as text.
pub(crate) fn encode(
    tokenizer: &Tokenizer,
    documents: &[String],
) -> Result<Vec<Vec<u32>>, RecipeError> {
    let texts: Vec<&str> = documents.iter().map(String::as_str).collect();
    let encodings = tokenizer.encode_batch_fast(texts, false)?;
    Ok(encodings.iter().map(|encoding| encoding.get_ids().to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::{encode, learn};
    use crate::corpus::Corpus;
    use tokenizers::Tokenizer;

    #[test]
    fn learning_twice_gives_the_same_bytes() {
        let documents: Vec<String> = Corpus::new(3).take(400).collect();
        assert_eq!(learn(&documents, 512).unwrap(), learn(&documents, 512).unwrap());
    }

    #[test]
    fn text_survives_and_the_marks_are_single_tokens() {
        let documents: Vec<String> = Corpus::new(3).take(400).collect();
        let tokenizer = Tokenizer::from_bytes(learn(&documents, 512).unwrap()).unwrap();
        assert_eq!(tokenizer.get_vocab_size(true), 512);
        let tokens = encode(&tokenizer, &documents[..1]).unwrap().remove(0);
        assert_eq!(tokens[0], 0);
        assert_eq!(*tokens.last().unwrap(), 1);
        assert_eq!(tokenizer.decode(&tokens, false).unwrap(), documents[0]);
        let plain = tokenizer.encode("Who are you?", true).unwrap();
        assert_eq!(plain.get_ids()[0], 0);
        assert_eq!(tokenizer.decode(plain.get_ids(), true).unwrap(), "Who are you?");
    }
}
