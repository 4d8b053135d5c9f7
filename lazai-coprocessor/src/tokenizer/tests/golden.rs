//! The tokens of hostile texts, pinned.
//!
//! `cargo test -p lazai-coprocessor write_golden_tokens -- --ignored` writes the file anew; a
//! change of it is a change of consensus.

use core::fmt::Write;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::tokenizer::{
    fixtures::{
        byte_level, llama, load, mapped_unigram, qwen, sentence_piece, unigram, word_piece,
    },
    unicode,
};

#[test]
fn tokens_of_hostile_texts_are_the_golden_ones() {
    assert_eq!(render(), include_str!("../../../testdata/tokens.txt"));
}

#[test]
#[ignore = "writes the golden file"]
fn write_golden_tokens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tokens.txt");
    std::fs::write(path, render()).unwrap();
}

/// A line for each thousand texts of each kind: the kind, how many are not refused, their tokens,
/// and the first bytes of a hash of it all.
fn render() -> String {
    let kinds: [(&str, Value); 7] = [
        ("gpt-2", byte_level()),
        ("llama-3", llama()),
        ("qwen-2", qwen()),
        ("sentencepiece-bpe", sentence_piece()),
        ("wordpiece", word_piece()),
        ("unigram-nfkc", unigram()),
        ("unigram-charsmap", mapped_unigram()),
    ];
    let mut lines = String::new();
    for (name, json) in kinds {
        let tokenizer = load(&json);
        let mut random = Random(1);
        for _ in 0..TEXTS / 1_000 {
            let (mut hash, mut read, mut count) = (Sha256::new(), 0, 0);
            for _ in 0..1_000 {
                match tokenizer.encode(&random.text()) {
                    Ok(tokens) => {
                        (read, count) = (read + 1, count + tokens.len());
                        hash.update((tokens.len() as u64).to_be_bytes());
                        tokens.iter().for_each(|token| hash.update(token.to_be_bytes()));
                        hash.update(tokenizer.decode(&tokens).unwrap());
                    }
                    Err(rejection) => hash.update(format!("{rejection:?}")),
                }
            }
            write!(lines, "{name} {read} {count} ").unwrap();
            hash.finalize()[..8].iter().for_each(|byte| write!(lines, "{byte:02x}").unwrap());
            lines.push('\n');
        }
    }
    lines
}

/// A small generator, the same for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Runs of characters of several kinds; one text in some hundreds is refused.
    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(12) {
            let piece = match self.below(200) {
                0 => REFUSED[self.below(REFUSED.len())].to_owned(),
                1..60 => PIECES[self.below(PIECES.len())].to_owned(),
                60..100 => {
                    let character = char::from(b' ' + self.below(95) as u8);
                    character.to_string().repeat(1 + self.below(6))
                }
                100..130 => (0..=self.below(4)).map(|_| self.low()).collect(),
                130..160 => WORDS[self.below(WORDS.len())].to_owned(),
                _ => (0..=self.below(3)).map(|_| self.any()).collect(),
            };
            text.push_str(&piece);
        }
        text
    }

    /// A character of a script in use.
    fn low(&mut self) -> char {
        self.assigned(0x3100)
    }

    fn any(&mut self) -> char {
        self.assigned(0x2_0000)
    }

    fn assigned(&mut self, bound: usize) -> char {
        loop {
            let character = char::from_u32(self.below(bound) as u32);
            let character =
                character.filter(|c| unicode::find_unassigned(&c.to_string()).is_none());
            if let Some(character) = character {
                return character;
            }
        }
    }
}

const TEXTS: usize = 10_000;

/// What tables and tokenizers treat in ways of their own.
const PIECES: [&str; 34] = [
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t\t",
    "\u{a0}",
    "\u{2003}",
    "\u{3000}",
    "\u{200b}",
    "\u{feff}",
    "\u{85}",
    "\u{2581}",
    "e\u{301}",
    "\u{301}\u{323}",
    "\u{fdfa}",
    "\u{fb01}",
    "\u{130}",
    "\u{1e9e}",
    "\u{3a3}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{ac01}",
    "\u{1100}\u{1161}\u{11a8}",
    "\u{fdd0}",
    "\u{fffd}",
    "\u{10ffff}",
    "'s",
    "'LL",
    "1234567",
    "\u{bd}\u{2163}\u{b2}",
    "\u{0}",
    "<0x41>",
    "##a",
    "\u{ff28}\u{ff25}",
];

/// Words of the vocabularies.
const WORDS: [&str; 8] = [
    "hello",
    "Hello world",
    "once upon",
    " model",
    "llo",
    "story.",
    "\u{4f60}\u{597d}",
    "k\u{f6}ln",
];

/// Special tokens, one of them behind a normalizer, and a character of Unicode 17.
const REFUSED: [&str; 5] = ["</s>", "[SEP]", "<|im_end|>", "\u{ff1c}/s\u{ff1e}", "\u{20c1}"];
