//! Prints what a unigram tokenizer whose scores are often tied makes of many texts.
//!
//! serde_json reads some decimal fractions to another last bit with its feature `float_roundtrip`
//! than without. The converted file and the tokens must not depend on it.

use std::fmt::Write;

use lazai_coprocessor::Tokenizer;
use lazai_models::tokenizer::with_integer_scores;
use sha2::{Digest, Sha256};

fn main() {
    let mut random = Random(1);
    // Scores as published: single floats, printed as doubles. Pieces of as many letters share them.
    let scores: Vec<f64> =
        (0..64).map(|_| f64::from(-4.0 - random.next(1 << 22) as f32 / 4e5)).collect();
    let misread = scores.iter().filter(|score| {
        let read: f64 = serde_json::from_str(&score.to_string()).unwrap();
        read.to_bits() != score.to_bits()
    });
    eprintln!("serde_json misreads {} of {} scores", misread.count(), scores.len());

    let mut pieces = vec![("<unk>".to_owned(), 0.0)];
    for length in 1..=3_u32 {
        for number in 0..4_u32.pow(length) {
            let letters = (0..length).map(|place| letter(number >> (2 * place))).collect();
            pieces.push((letters, scores[random.next(8) as usize * 8 + length as usize]));
        }
    }
    let vocabulary = u32::try_from(pieces.len()).unwrap();
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": false}
    });
    let json = json.to_string();
    let json = with_integer_scores(json.as_bytes()).unwrap();
    let tokenizer = Tokenizer::new(&json, vocabulary).unwrap();

    let mut hash = Sha256::new();
    hash.update(&json);
    for _ in 0..20_000 {
        let text: String = (0..random.next(24)).map(|_| letter(random.next(5))).collect();
        for token in tokenizer.encode(&text).unwrap() {
            hash.update(token.to_le_bytes());
        }
        hash.update([0xff; 4]);
    }
    let mut line = String::new();
    hash.finalize().iter().for_each(|byte| write!(line, "{byte:02x}").unwrap());
    println!("{line}");
}

/// Letters with few kinds, so that a text can be cut in many ways; the fifth has no piece.
fn letter(number: u32) -> char {
    if number == 4 { '?' } else { char::from(b'a' + (number % 4) as u8) }
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) % u64::from(below)) as u32
    }
}
