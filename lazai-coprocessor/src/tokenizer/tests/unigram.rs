//! Unigram models in integers, against the crate's in floats.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::Model;

use crate::tokenizer::{
    Tokenizer, TokenizerError,
    fixtures::{VOCABULARY, load, unigram},
    meter::Meter,
    unigram::Unigram,
};

/// The model of pieces with quarters as scores.
fn model(pieces: &[(&str, i64)], byte_fallback: bool) -> Unigram {
    let piece = |(piece, quarters): &(&str, i64)| ((*piece).to_owned(), quarters << 22);
    let pieces: Vec<_> = pieces.iter().map(piece).collect();
    Unigram::new(&pieces, Some(0), byte_fallback).unwrap()
}

fn tokens(model: &Unigram, text: &str) -> Vec<(u32, usize, usize)> {
    let pieces = model.tokenize(text, &Meter::new(u64::MAX)).unwrap();
    pieces.into_iter().map(|piece| (piece.token, piece.start, piece.end)).collect()
}

#[test]
fn of_equal_sums_the_longest_last_piece_wins() {
    let model = model(&[("<unk>", 0), ("a", -24), ("aa", -40)], false);
    assert_eq!(tokens(&model, "aaa"), [(1, 0, 1), (2, 1, 3)]);
    assert_eq!(tokens(&model, "aaaaa"), [(1, 0, 1), (2, 1, 3), (2, 3, 5)]);
}

#[test]
fn unknown_characters_become_one_token_or_their_bytes() {
    let pieces = [("<unk>", 0), ("a", -4), ("<0xC3>", -8), ("<0xA9>", -8)];
    let text = "a\u{e9}\u{e9}a\u{e8}";
    assert_eq!(tokens(&model(&pieces, false), text), [(1, 0, 1), (0, 1, 5), (1, 5, 6), (0, 6, 8)]);
    let bytes = [(2, 1, 5), (3, 1, 5), (2, 1, 5), (3, 1, 5)];
    let expected = [&[(1, 0, 1)][..], &bytes, &[(1, 5, 6), (0, 6, 8)]].concat();
    assert_eq!(tokens(&model(&pieces, true), text), expected);
}

#[test]
fn scores_that_are_no_integers_of_the_scale_are_refused() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut json = unigram();
        change(&mut json["model"]);
        Tokenizer::new(json.to_string().as_bytes(), VOCABULARY).unwrap_err()
    };
    let floats = TokenizerError::FloatScores { bits: 24 };
    assert_eq!(refused(&|model| model["vocab"][4][1] = json!(-4.0)), floats);
    assert_eq!(refused(&|model| model["vocab"][4][1] = json!(u64::MAX)), floats);
    assert_eq!(refused(&|model| model["score_fraction_bits"] = json!(23)), floats);
    assert_eq!(refused(&|model| model["score_fraction_bits"] = Value::Null), floats);
    assert_eq!(
        refused(&|model| model["vocab"][4][1] = json!(-1_i64 << 39)),
        TokenizerError::Score { index: 4, got: -1 << 39, max: 1 << 38 }
    );
    assert_eq!(
        refused(&|model| model["unk_id"] = json!(900)),
        TokenizerError::UnknownId { got: 900, pieces: 56 }
    );
    let error = refused(&|model| model["vocab"][4] = json!([1, 2]));
    assert!(matches!(error, TokenizerError::Syntax { .. }), "{error}");
    let _ = load(&unigram());
}

proptest! {
    #[test]
    fn tokens_are_those_of_the_crate(
        pieces in prop::collection::btree_map("[ab\u{e9}<]{1,4}", -40_i64..8, 0..24),
        bytes in any::<bool>(),
        unknown in any::<bool>(),
        text in "[abc\u{e9}<>]{0,24}",
    ) {
        let mut pieces: Vec<_> = pieces.iter().map(|(piece, score)| (piece.as_str(), *score)).collect();
        pieces.insert(0, ("<unk>", 0));
        let byte_pieces: Vec<String> = (0..=0xa9).map(|byte| format!("<0x{byte:02X}>")).collect();
        pieces.extend(byte_pieces.iter().map(|piece| (piece.as_str(), 0)));
        // Sums of quarters are exact as floats, so ties are ties there too.
        let floats = pieces.iter().map(|(piece, score)| ((*piece).to_owned(), *score as f64 / 4.0));
        let unknown_id = unknown.then_some(0);
        let theirs =
            tokenizers::models::unigram::Unigram::from(floats.collect(), unknown_id, bytes).unwrap();
        let ours: Vec<_> =
            pieces.iter().map(|(piece, score)| ((*piece).to_owned(), score << 22)).collect();
        let ours = Unigram::new(&ours, unknown.then_some(0), bytes).unwrap();
        let expected = theirs.tokenize(&text).ok();
        let expected: Option<Vec<u32>> =
            expected.map(|tokens| tokens.iter().map(|token| token.id).collect());
        let got = ours.tokenize(&text, &Meter::new(u64::MAX)).ok();
        prop_assert_eq!(got.map(|pieces| pieces.iter().map(|p| p.token).collect()), expected);
    }
}
