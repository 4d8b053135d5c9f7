//! Small tokenizers of other kinds than that of the shipped model, as `tokenizer.json`.

use lazai_coprocessor::tokenizer_json as json;
use serde_json::Value;

/// Tokens that a model of any of these tokenizers has.
pub(crate) const VOCABULARY: u32 = 2_048;

/// Byte-level BPE behind NFC, as in Qwen and `GPT-NeoX`, with tokens of 128 bytes: runs of spaces,
/// letters and digits.
pub(crate) fn byte_level() -> Value {
    let mut vocabulary: Vec<String> = vec!["<s>".into(), "</s>".into()];
    vocabulary.extend((0..=255_u8).map(|byte| spelled(byte).to_string()));
    let mut merges = Vec::new();
    for letter in [' ', '\n', '\t', 'a', 'e', '0', '='] {
        let mut piece = spelled(letter as u8).to_string();
        for _ in 0..7 {
            merges.push((piece.clone(), piece.clone()));
            piece = format!("{piece}{piece}");
            vocabulary.push(piece.clone());
        }
    }
    for first in ('a'..='z').chain([spelled(b' ')]) {
        for second in 'a'..='z' {
            let piece = format!("{first}{second}");
            if !vocabulary.contains(&piece) {
                merges.push((first.to_string(), second.to_string()));
                vocabulary.push(piece);
            }
        }
    }
    json::behind("NFC", json::byte_level(&vocabulary, &merges))
}

/// The same in words that a pattern finds, as that of GPT-4o does, behind NFKC.
pub(crate) fn pattern() -> Value {
    let mut json = byte_level();
    json["normalizer"] = serde_json::json!({"type": "NFKC"});
    json["pre_tokenizer"] = serde_json::json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": GPT_4O}, "behavior": "Isolated", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}
    ]});
    json
}

/// BPE over pieces with spaces as `U+2581`, and bytes for what no piece covers, as in Llama 2; it
/// is put behind NFKC, which makes texts of more characters.
pub(crate) fn sentence_piece() -> Value {
    let mut vocabulary = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    vocabulary.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    vocabulary.push("\u{2581}".to_owned());
    vocabulary.extend(LETTERS.chars().map(String::from));
    let mut merges = Vec::new();
    for letter in ['\u{2581}', 'a', 'e', '0', '.'] {
        let mut piece = letter.to_string();
        for _ in 0..4 {
            merges.push((piece.clone(), piece.clone()));
            piece = format!("{piece}{piece}");
            vocabulary.push(piece.clone());
        }
    }
    for first in ('a'..='z').chain(['\u{2581}']) {
        for second in 'a'..='z' {
            let piece = format!("{first}{second}");
            if !vocabulary.contains(&piece) {
                merges.push((first.to_string(), second.to_string()));
                vocabulary.push(piece);
            }
        }
    }
    json::behind("NFKC", json::sentence_piece(&vocabulary, &merges))
}

/// Unigram behind NFKC, as in T5 and XLM-R.
pub(crate) fn unigram() -> Value {
    let mut pieces: Vec<(String, i64)> =
        ["<s>", "<pad>", "</s>", "<unk>"].map(|text| (text.to_owned(), 0)).to_vec();
    pieces.push(("\u{2581}".to_owned(), -4 << 24));
    pieces.extend(LETTERS.chars().map(|letter| (letter.to_string(), -6 << 24)));
    for first in ('a'..='z').chain(['\u{2581}']) {
        for second in 'a'..='z' {
            pieces.push((format!("{first}{second}"), -7 << 24));
        }
    }
    for length in 3..=16 {
        pieces.push(("a".repeat(length), -8 << 24));
        pieces.push(("\u{644}".repeat(length), -8 << 24));
    }
    json::unigram(&pieces)
}

/// `WordPiece` as in BERT, put behind NFKC.
pub(crate) fn word_piece() -> Value {
    let mut vocabulary: Vec<String> =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from).to_vec();
    vocabulary.extend("abcdefghijklmnopqrstuvwxyz[]<>/|,.!?0123456789".chars().map(String::from));
    vocabulary.extend(('a'..='z').map(|letter| format!("##{letter}")));
    for first in 'a'..='z' {
        for second in 'a'..='z' {
            vocabulary.push(format!("{first}{second}"));
            vocabulary.push(format!("##{first}{second}"));
        }
    }
    json::behind("NFKC", json::word_piece(&vocabulary))
}

/// The SentencePiece tokenizer behind steps that do nothing but take time: each byte is a word, and
/// six steps look at each; strings are replaced and put back before; the decoder does so as well.
pub(crate) fn many_steps() -> Value {
    let mut json = sentence_piece();
    let step = |kind: &str| serde_json::json!({"type": kind});
    let replace = |pattern: &str, content: &str| {
        serde_json::json!({
            "type": "Replace", "pattern": {"String": pattern}, "content": content
        })
    };
    let mut words = vec![serde_json::json!({
        "type": "Split", "pattern": {"Regex": r"\s+(?!\S)|[\s\S]"}, "behavior": "Isolated",
        "invert": false
    })];
    words.extend(vec![step("BertPreTokenizer"); 6]);
    json["pre_tokenizer"] = serde_json::json!({"type": "Sequence", "pretokenizers": words});
    let back_and_forth: Vec<Value> =
        (0..4).flat_map(|_| [replace("a", "b"), replace("b", "a")]).collect();
    json["normalizer"] = serde_json::json!({"type": "Sequence", "normalizers": back_and_forth});
    json["decoder"] = serde_json::json!({
        "type": "Sequence", "decoders": &back_and_forth[..5]
    });
    json
}

/// How byte-level tokenizers spell a byte.
fn spelled(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !printable(*byte)).count() as u32;
    char::from_u32(256 + before).unwrap()
}

/// Characters that have pieces of their own.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz<>/|[]_,.!?:\n0123456789\u{644}\u{627}\u{4e00}";

/// How GPT-4o splits words.
const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
