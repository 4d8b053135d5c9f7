//! Texts that grow token by token.

use lazai_api_types::Rejection;
use proptest::prelude::*;

use crate::tokenizer::{
    TextStream, Tokenizer,
    fixtures::{byte_level, load, sentence_piece, unigram},
};

/// The pieces of a stream, and what was left.
fn stream(tokenizer: &Tokenizer, tokens: &[u32]) -> (Vec<String>, String) {
    let mut stream = tokenizer.stream();
    let pieces = tokens.iter().map(|token| stream.push(*token).unwrap()).collect();
    (pieces, stream.finish().unwrap())
}

#[test]
fn a_character_waits_until_it_is_whole() {
    let tokenizer = load(&sentence_piece());
    let tokens = tokenizer.encode("a\u{1f600}b").unwrap();
    let (pieces, rest) = stream(&tokenizer, &tokens);
    // The first token and the space before the text have none.
    assert_eq!(pieces, ["", "", "a", "", "", "", "\u{1f600}", "b"]);
    assert_eq!(rest, "");
}

#[test]
fn a_broken_character_comes_at_the_end() {
    let tokenizer = load(&byte_level());
    let tokens = tokenizer.encode("ab\u{1f601}").unwrap();
    let cut = &tokens[..tokens.len() - 1];
    let (pieces, rest) = stream(&tokenizer, cut);
    assert_eq!(pieces.concat() + &rest, tokenizer.decode(cut).unwrap());
    assert_eq!(rest, "\u{fffd}");
}

#[test]
fn spaces_between_words_stay() {
    for json in [byte_level(), sentence_piece(), unigram()] {
        let tokenizer = load(&json);
        let tokens = tokenizer.encode("hello hello a hello").unwrap();
        let (pieces, rest) = stream(&tokenizer, &tokens);
        assert_eq!(pieces.concat() + &rest, "hello hello a hello");
        assert_eq!(rest, "");
    }
}

#[test]
fn few_tokens_wait() {
    let tokenizer = load(&sentence_piece());
    let broken = tokenizer.inner.token_to_id("<0x80>").unwrap();
    let (pieces, _) = stream(&tokenizer, &[broken; 3 * TextStream::MAX_WAITING]);
    assert_eq!(pieces.iter().filter(|piece| !piece.is_empty()).count(), 3);
}

#[test]
fn tokens_that_are_not_there_are_refused() {
    let tokenizer = load(&byte_level());
    let mut stream = tokenizer.stream();
    let rejection = Rejection::UnknownToken { token: 1_000, index: 0, vocabulary: 1_000 };
    assert_eq!(stream.push(1_000), Err(rejection));
    // A token of the model without a text adds none.
    assert_eq!(stream.push(999).unwrap(), "");
    let token = tokenizer.encode("a").unwrap()[0];
    assert_eq!(stream.push(token).unwrap(), "a");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_are_the_text(text in "[a-z \n\u{e9}\u{4f60}\u{1f600}\u{1f468}\u{200d}]{0,30}") {
        for json in [byte_level(), sentence_piece(), unigram()] {
            let tokenizer = load(&json);
            let tokens = tokenizer.encode(&text).unwrap();
            let (pieces, rest) = stream(&tokenizer, &tokens);
            prop_assert_eq!(pieces.concat() + &rest, tokenizer.decode(&tokens).unwrap());
        }
    }

    #[test]
    fn any_bytes_of_a_byte_level_tokenizer_come_out(
        tokens in prop::collection::vec(0_u32..400, 0..60),
    ) {
        let tokenizer = load(&byte_level());
        let (pieces, rest) = stream(&tokenizer, &tokens);
        let text = pieces.concat() + &rest;
        // A run of bytes that is no UTF-8 may be cut once it is long.
        if !text.contains('\u{fffd}') {
            prop_assert_eq!(text, tokenizer.decode(&tokens).unwrap());
        }
    }
}
