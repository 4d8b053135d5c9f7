//! What a normalizer adds to a text is paid for before it runs, or the text is refused.

use std::collections::BTreeMap;

use lazai_api_types::Rejection;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::{NormalizedString, Normalizer};

use crate::tokenizer::{
    Tokenizer, TokenizerKind,
    fixtures::{byte_level, load, pattern, qwen, sentence_piece, unigram, word_piece},
    json,
    normalizer::Step,
    unicode::find_unassigned,
};

const FORMS: [&str; 4] = ["NFC", "NFD", "NFKC", "NFKD"];

fn behind(form: &str, json: Value) -> Tokenizer {
    load(&json::behind(form, json))
}

/// Every kind behind every form.
fn all() -> Vec<Tokenizer> {
    let kinds = [byte_level(), pattern(), sentence_piece(), unigram(), word_piece()];
    let all = FORMS.iter().flat_map(|form| kinds.iter().map(|kind| behind(form, kind.clone())));
    all.collect()
}

/// What the normalizer makes of a text.
fn normalized(tokenizer: &Tokenizer, text: &str) -> String {
    let mut text = NormalizedString::from(text);
    tokenizer.normalizer.normalize(&mut text).unwrap();
    text.get().to_owned()
}

/// The bytes and the characters of a text after each step of the normalizer.
fn lengths(tokenizer: &Tokenizer, text: &str) -> Vec<(u64, u64)> {
    let mut text = NormalizedString::from(text);
    let length = |step: &Step| {
        step.normalize(&mut text).unwrap();
        (text.len() as u64, text.get().chars().count() as u64)
    };
    tokenizer.normalizer.steps().iter().map(length).collect()
}

/// Checks that a text is read if, and only if, at least four fifths of what its normalizer makes of
/// it are paid for, but for a few bytes: of its bytes where the model reads bytes, with one for the
/// mark of a space, otherwise of its characters; and at every step of a third of its bytes and two
/// thirds of its characters.
fn check(tokenizer: &Tokenizer, text: &str) {
    let paid = tokenizer.paid_bytes(text.len() as u64).unwrap();
    let normalized = normalized(tokenizer, text);
    let (bytes, characters) = (normalized.len() as u64, normalized.chars().count() as u64);
    let kind = tokenizer.kind();
    let read = match kind {
        TokenizerKind::ByteLevelBpe | TokenizerKind::PatternBpe => bytes,
        TokenizerKind::SentencePieceBpe => {
            bytes - 2 * normalized.matches('\u{2581}').count() as u64
        }
        _ => characters,
    };
    // Where characters become those that they are compatible with, all are counted first.
    let decomposed = if tokenizer.is_compatible {
        let mut parts = NormalizedString::from(text);
        parts.nfkd();
        parts.get().chars().count() as u64
    } else {
        0
    };
    let lengths = lengths(tokenizer, text);
    let longest = lengths.iter().map(|(bytes, _)| *bytes).max().unwrap();
    let most = lengths.iter().map(|(_, characters)| *characters).max().unwrap();
    let is_paid = decomposed.max(read) <= 32 + paid * 5 / 4
        && longest <= 32 + paid * 3
        && most <= 32 + paid * 3 / 2;
    let shown: String = text.chars().take(9).collect();
    match tokenizer.encode(text) {
        Ok(_) => assert!(is_paid, "{kind:?}: {} bytes of {shown:?}, {paid}", text.len()),
        Err(Rejection::InputTooLong { got, .. }) => {
            let is_made = lengths.iter().any(|made| [made.0, made.1].contains(&got));
            let is_counted = [decomposed, read].contains(&got) || is_made;
            assert!(!is_paid && is_counted, "{kind:?}: {shown:?}");
        }
        Err(other) => panic!("{kind:?}: {shown:?}, {other}"),
    }
}

/// Of the characters that a form makes as long and as many, the first: from all of Unicode.
fn growing() -> Vec<char> {
    let forms = FORMS.map(|form| behind(form, byte_level()));
    let mut first = BTreeMap::new();
    for character in '\u{80}'..=char::MAX {
        let text = character.to_string();
        if find_unassigned(&text).is_some() {
            continue;
        }
        for (form, tokenizer) in FORMS.iter().zip(&forms) {
            let made = normalized(tokenizer, &text);
            if made.len() > text.len() {
                let class = (form, text.len(), made.len(), made.chars().count());
                first.entry(class).or_insert(character);
            }
        }
    }
    first.into_values().collect()
}

#[test]
fn a_byte_is_paid_as_three_where_characters_are_taken_apart_and_bytes_are_read() {
    for (form, paid) in [("NFC", 1), ("NFD", 3), ("NFKC", 1), ("NFKD", 3), ("BertNormalizer", 3)] {
        for json in [byte_level(), pattern()] {
            let mut tokenizer = json.clone();
            tokenizer["normalizer"] = json!({"type": form});
            if form == "BertNormalizer" {
                tokenizer["normalizer"] = json!({
                    "type": form, "clean_text": true, "handle_chinese_chars": true,
                    "strip_accents": null, "lowercase": true
                });
            }
            assert_eq!(load(&tokenizer).paid_bytes(1_000), Some(1_000 * paid), "{form}");
        }
        for json in [unigram(), word_piece()] {
            if form != "BertNormalizer" {
                assert_eq!(behind(form, json).paid_bytes(1_000), Some(1_000), "{form}");
            }
        }
        // Bytes stand for the parts that no piece covers, if there are bytes.
        for (fallback, paid) in [(true, paid), (false, 1)] {
            let mut json = sentence_piece();
            json["model"]["byte_fallback"] = json!(fallback);
            if form != "BertNormalizer" {
                assert_eq!(behind(form, json).paid_bytes(1_000), Some(1_000 * paid), "{form}");
            }
        }
    }
    for json in [byte_level(), qwen(), pattern(), sentence_piece(), unigram(), word_piece()] {
        let tokenizer = load(&json);
        assert_eq!(tokenizer.paid_bytes(1_000), Some(1_000), "{:?}", tokenizer.kind());
        assert_eq!(tokenizer.paid_bytes(u64::MAX), Some(u64::MAX));
    }
    assert_eq!(behind("NFD", byte_level()).paid_bytes(u64::MAX), None);
}

#[test]
fn every_way_to_grow_is_paid_for_or_refused() {
    let growing = growing();
    for known in ['\u{fdfa}', '\u{1d15e}', '\u{1d160}', '\u{958}', '\u{fb2c}', '\u{3316}'] {
        let alike = |form: &str| {
            let tokenizer = behind(form, byte_level());
            let class = |character: char| {
                let made = normalized(&tokenizer, &character.to_string());
                (character.len_utf8(), made.len(), made.chars().count())
            };
            growing.iter().any(|other| class(*other) == class(known))
        };
        assert!(FORMS.iter().any(|form| alike(form)), "{known:?}");
    }
    for tokenizer in all() {
        for character in &growing {
            for others in [0, 3, 12, 80] {
                let pattern = format!("{character}{}", "a".repeat(others));
                check(&tokenizer, &pattern.repeat(600 / pattern.len() + 1));
            }
        }
    }
}

/// Normalizing them takes a machine longer than a text of the same length that is read.
#[test]
fn characters_that_become_many_are_refused_before_they_are_normalized() {
    let text = "\u{fdfa}".repeat(1_000);
    let counted = Rejection::InputTooLong { got: 18_000, max: 3_750 + 32 };
    for json in [byte_level(), pattern(), sentence_piece(), unigram(), word_piece()] {
        let tokenizer = behind("NFKC", json);
        assert_eq!(tokenizer.encode(&text), Err(counted.clone()), "{:?}", tokenizer.kind());
    }
}

/// What is looked for in it afterwards would be found as often as it was made.
#[test]
fn texts_that_a_replacement_makes_longer_are_refused_before_tokens_are_looked_for() {
    let text = "a".repeat(2_000);
    for (content, limits) in [
        // Bytes, characters and symbols: of three, the first that is exceeded.
        ("bbbb", [8_000, 6_032]),
        ("bbb", [6_000, 3_032]),
        ("b\u{301}", [4_000, 3_032]),
        ("\u{20ac}", [6_000, 2_532]),
    ] {
        let mut json = byte_level();
        json["normalizer"] =
            json!({"type": "Replace", "pattern": {"String": "a"}, "content": content});
        json["added_tokens"].as_array_mut().unwrap().push(json!({
            "id": 500, "content": "a", "single_word": false, "lstrip": true, "rstrip": true,
            "normalized": true, "special": false
        }));
        let [got, max] = limits;
        let refused = Err(Rejection::InputTooLong { got, max });
        assert_eq!(load(&json).encode(&text), refused, "{content}");
        // Steps behind it do not run.
        let step = json["normalizer"].clone();
        let back = json!({"type": "Replace", "pattern": {"String": content}, "content": "a"});
        json["normalizer"] = json!({"type": "Sequence", "normalizers": [step, back]});
        let tokens = load(&json).encode(&text);
        assert_eq!(tokens.is_ok(), max == 2_532, "{content}: {tokens:?}");
    }
}

/// Three bytes stand for each mark of a space then.
#[test]
fn spaces_whose_mark_no_piece_covers_are_refused() {
    let text = " ".repeat(1_000);
    assert!(load(&sentence_piece()).encode(&text).is_ok());
    let mut json = sentence_piece();
    let pieces = json["model"]["vocab"].as_object_mut().unwrap();
    let token = pieces.remove("\u{2581}").unwrap();
    pieces.insert("\u{2580}".to_owned(), token);
    json["model"]["merges"] = json!([]);
    let rejection = Rejection::InputTooLong { got: 3_003, max: 1_250 + 32 };
    assert_eq!(load(&json).encode(&text), Err(rejection));
}

/// Texts that people write do not grow beyond what is paid for.
#[test]
fn honest_texts_of_many_scripts_are_read() {
    let texts = [
        "The price of a call is known before it runs. ",
        "Le prix d\u{2019}un appel est connu avant qu\u{2019}il soit ex\u{e9}cut\u{e9}. ",
        "Gi\u{e1} c\u{1ee7}a m\u{1ed9}t l\u{1ec7}nh g\u{1ecd}i \u{111}\u{1b0}\u{1ee3}c bi\u{1ebf}t tr\u{1b0}\u{1edb}c. ",
        "\u{c804}\u{d654}\u{c758} \u{ac00}\u{aca9}\u{c740} \u{c2e4}\u{d589}\u{b418}\u{ae30} \u{c804}\u{c5d0} \u{c54c}\u{b824}\u{c9c4}\u{b2e4}. ",
        "\u{901a}\u{8bdd}\u{7684}\u{4ef7}\u{683c}\u{5728}\u{8fd0}\u{884c}\u{4e4b}\u{524d}\u{5df2}\u{77e5}\u{3002}",
        "\u{5b9f}\u{884c}\u{524d}\u{306b}\u{30c7}\u{30fc}\u{30bf}\u{306e}\u{4fa1}\u{683c}\u{304c}\u{308f}\u{304b}\u{308b}\u{3002}",
        "\u{92a}\u{95d}\u{928}\u{947} \u{938}\u{947} \u{92a}\u{939}\u{932}\u{947} \u{92c}\u{95c}\u{940} \u{915}\u{940}\u{92e}\u{924} \u{92a}\u{924}\u{93e} \u{939}\u{94b}\u{924}\u{940} \u{939}\u{948}\u{964} ",
        "\u{633}\u{639}\u{631} \u{627}\u{644}\u{645}\u{643}\u{627}\u{644}\u{645}\u{629} \u{645}\u{639}\u{631}\u{648}\u{641} \u{642}\u{628}\u{644} \u{62a}\u{646}\u{641}\u{64a}\u{630}\u{647}\u{627}. ",
        "\u{5e9}\u{5c1}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd} \u{5dc}\u{5b0}\u{5db}\u{5bb}\u{5dc}\u{5bc}\u{5b8}\u{5dd}. ",
        "\u{3a4}\u{3b9}\u{3bc}\u{3ae} \u{3c4}\u{3b7}\u{3c2} \u{3ba}\u{3bb}\u{3ae}\u{3c3}\u{3b7}\u{3c2}, \u{43f}\u{440}\u{438}\u{439}\u{43e}\u{43c}. ",
        "a b c d e f g h. ",
        "    \n\t    if x { y() }\n",
    ];
    for tokenizer in all() {
        for text in texts {
            let text = text.repeat(2_000 / text.len());
            assert!(tokenizer.encode(&text).is_ok(), "{:?}: {text}", tokenizer.kind());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_is_paid_for(
        characters in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    '\u{fdfa}', '\u{fdfb}', '\u{3316}', '\u{1d160}', '\u{958}', '\u{fb2c}',
                    '\u{390}', '\u{1fb6}', '\u{d55c}', '\u{bd}', '\u{a8}', '\u{2474}', '\u{344}',
                ]),
                prop::sample::select(vec![
                    'a', ' ', '\u{e9}', '\u{323}', '\u{301}', '\u{644}', '\u{4f60}', '\u{1f600}',
                ]),
            ],
            1..40,
        ),
        repeats in 1_usize..60,
    ) {
        let text: String = characters.iter().collect();
        for tokenizer in all() {
            check(&tokenizer, &text.repeat(repeats));
        }
    }
}
