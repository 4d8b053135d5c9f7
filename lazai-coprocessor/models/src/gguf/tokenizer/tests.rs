//! Tokenizers of Hugging Face against the ones that come back from a GGUF file, as converters write
//! it.

use lazai_coprocessor::Tokenizer;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    gguf::{Array, GgufError, writer::Writer},
    tokenizer::with_integer_scores,
};

const BYTE_LEVEL: &str = include_str!("../../../testdata/tokenizers/byte_level.json");
const SENTENCEPIECE: &str = include_str!("../../../testdata/tokenizers/sentencepiece.json");
const UNIGRAM: &str = include_str!("../../../testdata/tokenizers/unigram.json");
const WORDPIECE: &str = include_str!("../../../testdata/tokenizers/wordpiece.json");

const TEXTS: [&str; 34] = [
    "",
    " ",
    "   ",
    "\n",
    "\n\n\n\n",
    "\t",
    "a",
    " a",
    "a ",
    "  a  b    c ",
    "The price is known before it runs, and it doesn't change.",
    "WE'LL see; we'll DON'T don't",
    "12 + 34 = 46, 3.14159265, 1,000,000",
    "def f(x):\n\treturn x ** 2  # comment\n\n\nf(3)",
    "Naïve façades, crème brûlée",
    "cafe\u{301} a\u{30a} \u{fb01}ne ½ Ⅳ ²",
    "Привет, мир!",
    "你好，世界！",
    "こんにちは안녕مرحبا",
    "नमस्ते สวัสดี",
    "😀 👨‍👩‍👧 🇩🇪 🏳️‍🌈",
    "\0\x01\x07\x1b\x7f",
    "\u{a0}\u{2003}\u{3000}\u{200b}\u{feff}\u{85}\u{2028}",
    "\u{fffd}\u{e000}\u{10ffff}",
    "\u{2581}\u{2581}a\u{2581}b",
    "Ｆｕｌｌ　ｗｉｄｔｈ",
    "İstanbul ı ẞ",
    "a <tool> b<tool>",
    "<0x41> ##a [a] Ġ Ċ",
    "<|begin|> is special",
    "</s>",
    "[SEP]",
    "\r\n\r\n x\r",
    "supercalifragilisticexpialidocious",
];

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// The file that converters write for a tokenizer: its model under GGUF's name, and its vocabulary,
/// without the keys of special tokens.
fn embed(original: &Value, model: &str) -> Writer {
    let mut tokens: Vec<(String, f32)> = match &original["model"]["vocab"] {
        Value::Array(pieces) => {
            let piece = |piece: &Value| (text(&piece[0]), piece[1].as_f64().unwrap() as f32);
            pieces.iter().map(piece).collect()
        }
        Value::Object(tokens) => {
            let mut tokens: Vec<(u64, String)> =
                tokens.iter().map(|(token, id)| (id.as_u64().unwrap(), token.clone())).collect();
            tokens.sort();
            tokens.into_iter().map(|(id, token)| (token, -(id as f32))).collect()
        }
        other => panic!("{other} is not a vocabulary"),
    };
    let mut types = vec![1; tokens.len()];
    for (index, (token, _)) in tokens.iter().enumerate() {
        if token.starts_with("<0x") && token.len() == 6 {
            types[index] = 6;
        }
    }
    for added in original["added_tokens"].as_array().unwrap() {
        let (id, content) = (added["id"].as_u64().unwrap() as usize, text(&added["content"]));
        if id == tokens.len() {
            tokens.push((content.clone(), -1_000.0));
            types.push(0);
        }
        assert_eq!(tokens[id].0, content);
        types[id] = match (added["special"].as_bool().unwrap(), content.as_str()) {
            (true, "<unk>") => 2,
            (true, _) => 3,
            (false, _) => 4,
        };
    }
    if model == "bert" {
        for ((token, _), kind) in tokens.iter_mut().zip(&types) {
            *token = match token.strip_prefix("##") {
                _ if *kind == 3 => continue,
                Some(rest) => rest.to_owned(),
                None => format!("\u{2581}{token}"),
            };
        }
    }
    let (tokens, scores): (Vec<String>, Vec<f32>) = tokens.into_iter().unzip();
    let mut writer = Writer::new()
        .entry("tokenizer.ggml.model", model)
        .entry("tokenizer.ggml.tokens", tokens)
        .entry("tokenizer.ggml.token_type", types);
    if let (Value::Array(merges), "gpt2") = (&original["model"]["merges"], model) {
        let merge = |merge: &Value| format!("{} {}", text(&merge[0]), text(&merge[1]));
        let merges: Vec<String> = merges.iter().map(merge).collect();
        writer = writer.entry("tokenizer.ggml.merges", merges);
    }
    if matches!(model, "llama" | "t5") {
        writer = writer.entry("tokenizer.ggml.scores", scores);
    }
    writer
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn convert(writer: &Writer) -> Tokenizer {
    Tokenizer::new(&writer.open().unwrap().tokenizer_json().unwrap(), 1_000).unwrap()
}

/// A tokenizer and its way through a file.
struct Pair {
    original: Tokenizer,
    converted: Tokenizer,
}

impl Pair {
    fn new(original: &Value, writer: &Writer) -> Self {
        let bytes = serde_json::to_vec(original).unwrap();
        let bytes = with_integer_scores(&bytes).unwrap();
        Self { original: Tokenizer::new(&bytes, 1_000).unwrap(), converted: convert(writer) }
    }

    fn check(&self, text: &str) {
        let expected = self.original.encode(text);
        assert_eq!(self.converted.encode(text), expected, "{text:?}");
        let Ok(tokens) = expected else { return };
        let expected = self.original.decode(&tokens);
        assert_eq!(self.converted.decode(&tokens), expected, "{text:?}");
    }

    /// Checks all texts, of which so many must not be refused.
    fn check_all(&self, encoded: usize) {
        TEXTS.iter().for_each(|text| self.check(text));
        let got = TEXTS.iter().filter(|text| self.original.encode(text).is_ok()).count();
        assert!(got >= encoded, "{got} texts are encoded");
    }
}

/// Byte-level BPE whose words are those of a family.
fn byte_level(pre: &str) -> Pair {
    let mut original = parse(BYTE_LEVEL);
    let bytes = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false
    });
    let split = |digits| {
        let regex = format!(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{{L}}\\p{{N}}]?\\p{{L}}+|\\p{{N}}{digits}| \
             ?[^\\s\\p{{L}}\\p{{N}}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
        );
        json!({
            "type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false
        })
    };
    let sequence = |first| json!({"type": "Sequence", "pretokenizers": [first, bytes]});
    match pre {
        "falcon3" | "llama-bpe" | "pixtral" => {
            original["pre_tokenizer"] = sequence(split("{1,3}"));
            original["model"]["ignore_merges"] = json!(true);
        }
        "qwen2" => {
            original["normalizer"] = json!({"type": "NFC"});
            original["pre_tokenizer"] = sequence(split(""));
        }
        "tekken" => {
            // As in the tokenizer.json of Mistral Nemo.
            let letters = |case| format!("[\\p{{{case}}}\\p{{Lt}}\\p{{Lm}}\\p{{Lo}}\\p{{M}}]");
            let (large, small) = (letters("Lu"), letters("Ll").replace("\\p{Lt}", ""));
            let start = "[^\\r\\n\\p{L}\\p{N}]?";
            let regex = format!(
                "{start}{large}*{small}+|{start}{large}+{small}*|\\p{{N}}| \
                 ?[^\\s\\p{{L}}\\p{{N}}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
            );
            original["pre_tokenizer"] = sequence(json!({
                "type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false
            }));
            original["model"]["ignore_merges"] = json!(true);
        }
        "smollm" => {
            let words = original["pre_tokenizer"].clone();
            original["pre_tokenizer"] = json!({
                "type": "Sequence",
                "pretokenizers": [{"type": "Digits", "individual_digits": true}, words]
            });
        }
        _ => {}
    }
    let mut writer = embed(&original, "gpt2");
    if !pre.is_empty() {
        writer = writer.entry("tokenizer.ggml.pre", pre);
    }
    // Llama 3 and Tekken begin every text unless the file says otherwise.
    if matches!(pre, "falcon3" | "llama-bpe" | "pixtral" | "tekken") {
        writer = writer.entry("tokenizer.ggml.bos_token_id", 0);
        original["post_processor"] = template(&[("<|begin|>", 0)], &[]);
    }
    if pre == "smollm" {
        writer = writer
            .entry("tokenizer.ggml.bos_token_id", 0)
            .entry("tokenizer.ggml.eos_token_id", 1)
            .entry("tokenizer.ggml.add_bos_token", true)
            .entry("tokenizer.ggml.add_eos_token", true);
        original["post_processor"] = template(&[("<|begin|>", 0)], &[("<|end|>", 1)]);
    }
    Pair::new(&original, &writer)
}

/// The original's template with tokens before and behind a text.
fn template(before: &[(&str, u32)], after: &[(&str, u32)]) -> Value {
    let special = |(token, _): &(&str, u32)| json!({"SpecialToken": {"id": token, "type_id": 0}});
    let text = [json!({"Sequence": {"id": "A", "type_id": 0}})];
    let single: Vec<Value> =
        before.iter().map(special).chain(text).chain(after.iter().map(special)).collect();
    let tokens = before.iter().chain(after).map(|(token, id)| {
        ((*token).to_owned(), json!({"id": token, "ids": [id], "tokens": [token]}))
    });
    json!({
        "type": "TemplateProcessing",
        "single": single,
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": Value::Object(tokens.collect())
    })
}

fn sentencepiece_writer(original: &Value) -> Writer {
    embed(original, "llama")
        .entry("tokenizer.ggml.bos_token_id", 1)
        .entry("tokenizer.ggml.eos_token_id", 2)
        .entry("tokenizer.ggml.unknown_token_id", 0)
}

fn sentencepiece() -> Pair {
    let original = parse(SENTENCEPIECE);
    Pair::new(&original, &sentencepiece_writer(&original))
}

fn wordpiece(cased: bool) -> Pair {
    let mut original = parse(WORDPIECE);
    original["normalizer"]["lowercase"] = json!(!cased);
    let mut writer = embed(&original, "bert")
        .entry("tokenizer.ggml.seperator_token_id", 3)
        .entry("tokenizer.ggml.unknown_token_id", 1);
    if cased {
        writer = writer
            .entry("tokenizer.ggml.cls_token_id", 2)
            .entry("tokenizer.ggml.normalizer.lowercase", false);
    } else {
        writer = writer.entry("tokenizer.ggml.bos_token_id", 2);
    }
    Pair::new(&original, &writer)
}

fn unigram_writer(original: &Value) -> Writer {
    let charsmap = &original["normalizer"]["normalizers"][0]["precompiled_charsmap"];
    let charsmap =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, charsmap.as_str().unwrap());
    embed(original, "t5")
        .entry("tokenizer.ggml.precompiled_charsmap", Array::U8(charsmap.unwrap()))
        .entry("tokenizer.ggml.add_space_prefix", true)
        .entry("tokenizer.ggml.remove_extra_whitespaces", true)
        .entry("tokenizer.ggml.eos_token_id", 1)
        .entry("tokenizer.ggml.unknown_token_id", 2)
}

fn unigram() -> Pair {
    let original = parse(UNIGRAM);
    Pair::new(&original, &unigram_writer(&original))
}

#[test]
fn byte_level_bpe_makes_the_tokens_of_the_original() {
    for pre in
        ["gpt-2", "default", "", "llama-bpe", "falcon3", "pixtral", "qwen2", "smollm", "tekken"]
    {
        byte_level(pre).check_all(33);
    }
    let tokens = |pre, text| byte_level(pre).converted.encode(text).unwrap().len();
    // The families differ where they should: in digits, and in capitals before an apostrophe's
    // letters.
    assert!(tokens("gpt-2", "1,000,000") < tokens("smollm", "1,000,000") - 2);
    assert_ne!(
        byte_level("gpt-2").converted.encode("x  12345").unwrap(),
        byte_level("qwen2").converted.encode("x  12345").unwrap()
    );
}

#[test]
fn words_that_no_key_names_are_known_of_gpt2_alone() {
    let writer = embed(&parse(BYTE_LEVEL), "gpt2");
    for (architecture, pre, known) in [
        ("gpt2", None, true),
        ("gpt2", Some("default"), true),
        ("llama", None, false),
        ("qwen2", Some("default"), false),
        ("llama", Some("gpt-2"), true),
    ] {
        let mut writer = writer.clone().entry("general.architecture", architecture);
        if let Some(pre) = pre {
            writer = writer.entry("tokenizer.ggml.pre", pre);
        }
        match writer.open().unwrap().tokenizer_json() {
            Ok(_) => assert!(known, "{architecture} {pre:?}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!known && error.contains("--tokenizer"), "{architecture}: {error}");
            }
        }
    }
}

#[test]
fn texts_begin_as_llama_cpp_begins_them() {
    for (pre, begins) in [("tekken", true), ("llama-bpe", true), ("qwen2", false)] {
        let writer = embed(&parse(BYTE_LEVEL), "gpt2")
            .entry("tokenizer.ggml.pre", pre)
            .entry("tokenizer.ggml.bos_token_id", 0);
        let tokens = convert(&writer).encode("a b").unwrap();
        assert_eq!(tokens.first() == Some(&0), begins, "{pre}");
    }
    for key in ["add_bos_token", "add_sep_token"] {
        let writer =
            embed(&parse(WORDPIECE), "bert").entry(&format!("tokenizer.ggml.{key}"), false);
        let plain = embed(&parse(WORDPIECE), "bert");
        let json = |writer: &Writer| writer.open().unwrap().tokenizer_json().unwrap();
        assert_eq!(json(&writer), json(&plain), "{key}");
    }
}

#[test]
fn scores_that_are_rounded_are_counted() {
    let rounded = |writer: &Writer| writer.open().unwrap().rounded_scores().unwrap();
    let mut writer = unigram_writer(&parse(UNIGRAM));
    let place = writer.entries.iter().position(|(key, _)| key == "tokenizer.ggml.scores").unwrap();
    let crate::gguf::Value::Array(Array::F32(scores)) = &writer.entries[place].1 else {
        panic!("no scores")
    };
    let mut scores: Vec<f32> = scores.iter().map(|score| score.round()).collect();
    let whole = scores.clone();
    scores[3] = 0.1;
    scores[4] = -1.0e-9;
    writer.entries[place].1 = scores.into();
    assert_eq!(rounded(&writer), 2);
    writer.entries[place].1 = whole.into();
    assert_eq!(rounded(&writer), 0);
    assert_eq!(rounded(&sentencepiece_writer(&parse(SENTENCEPIECE))), 0);
}

#[test]
fn spaces_of_a_unigram_tokenizer_must_be_stated() {
    for key in ["tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces"] {
        let mut writer = unigram_writer(&parse(UNIGRAM));
        writer.entries.retain(|(known, _)| known != key);
        let error = writer.open().unwrap().tokenizer_json().unwrap_err().to_string();
        assert_eq!(error, format!("metadata lacks the key {key}"));
    }
}

#[test]
fn sentencepiece_makes_the_tokens_of_the_original() {
    sentencepiece().check_all(33);
    let mut original = parse(SENTENCEPIECE);
    original["normalizer"] =
        json!({"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"});
    original["decoder"]["decoders"].as_array_mut().unwrap().pop();
    original["post_processor"] = Value::Null;
    let writer = sentencepiece_writer(&original)
        .entry("tokenizer.ggml.add_space_prefix", false)
        .entry("tokenizer.ggml.add_bos_token", false);
    Pair::new(&original, &writer).check_all(33);
}

#[test]
fn equal_scores_merge_in_the_order_of_the_vocabulary() {
    let original = parse(SENTENCEPIECE);
    let mut writer = sentencepiece_writer(&original);
    let scores = writer.entries.iter_mut().find(|(key, _)| key == "tokenizer.ggml.scores");
    let count = original["model"]["vocab"].as_object().unwrap().len();
    scores.unwrap().1 = vec![-1_000.0; count].into();
    Pair::new(&original, &writer).check_all(33);
}

#[test]
fn wordpiece_makes_the_tokens_of_the_original() {
    for cased in [false, true] {
        wordpiece(cased).check_all(10);
    }
    let pair = wordpiece(false);
    assert_eq!(pair.converted.encode("Price").unwrap(), pair.converted.encode("price").unwrap());
}

#[test]
fn unigram_makes_the_tokens_of_the_original() {
    unigram().check_all(10);
    let mut original = parse(UNIGRAM);
    original["normalizer"] = json!({
        "type": "Sequence",
        "normalizers": [
            {"type": "Strip", "strip_left": false, "strip_right": true},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u{2581}"}
        ]
    });
    original["pre_tokenizer"] = original["decoder"].clone();
    let mut writer = unigram_writer(&parse(UNIGRAM));
    writer.entries.retain(|(key, _)| key != "tokenizer.ggml.precompiled_charsmap");
    Pair::new(&original, &writer).check_all(10);
}

#[test]
fn equal_metadata_gives_equal_bytes() {
    let hash = |writer: &Writer| {
        let json = writer.open().unwrap().tokenizer_json().unwrap();
        Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let writers = [
        embed(&parse(BYTE_LEVEL), "gpt2"),
        sentencepiece_writer(&parse(SENTENCEPIECE)),
        embed(&parse(WORDPIECE), "bert"),
        unigram_writer(&parse(UNIGRAM)),
    ];
    let hashes = writers.each_ref().map(hash);
    assert_eq!(
        hashes,
        [
            "82f054077045f943156f3682092ab87713bab477e4caa2a72545757e259f389e",
            "54a266090666667f155c841e80adebbf7fd02aace7f487397c23bc2fd0c3bd09",
            "de8fa79e0b4a3657d5f57094db7e029f1ba650b03ae73ac483ea72d5eeede06e",
            "0924e91e813d47ea1a755ecd509685fffbc8a06a2de20d427844c04d94dd321a"
        ]
    );
    let reversed = writers.map(|mut writer| {
        writer.entries.reverse();
        hash(&writer)
    });
    assert_eq!(reversed, hashes);
}

#[test]
fn padding_is_no_token() {
    let original = parse(BYTE_LEVEL);
    let mut writer = embed(&original, "gpt2");
    for (key, value) in &mut writer.entries {
        match (key.as_str(), value) {
            ("tokenizer.ggml.tokens", crate::gguf::Value::Array(Array::String(tokens))) => {
                tokens.extend(["[PAD522]", "", "[PAD524]"].map(str::to_owned));
            }
            ("tokenizer.ggml.token_type", crate::gguf::Value::Array(Array::I32(types))) => {
                types.extend([5, 1, 4]);
            }
            _ => {}
        }
    }
    let pair = Pair::new(&original, &writer);
    pair.check_all(33);
    pair.check("[PAD522] [PAD524]");
    assert_eq!(pair.converted.decode(&[522, 523, 524]).unwrap(), "");
}

#[test]
fn tokens_that_end_a_text_are_special_whatever_their_type() {
    let mut writer = embed(&parse(BYTE_LEVEL), "gpt2")
        .entry("tokenizer.ggml.eos_token_id", 1)
        .entry("tokenizer.ggml.eot_token_id", 520)
        .entry("tokenizer.chat_template", "{{ messages }}");
    writer.entries.retain(|(key, _)| key != "tokenizer.ggml.token_type");
    let file = writer.open().unwrap();
    assert_eq!(file.chat_template(), Some("{{ messages }}"));
    assert_eq!(file.end_tokens().unwrap(), [1, 520]);
    let tokenizer = convert(&writer);
    for text in ["an <|end|>", "a <tool>"] {
        assert!(tokenizer.encode(text).is_err(), "{text}");
    }
    assert!(tokenizer.encode("a <|begin|>").is_ok());
    let file = writer.entry("tokenizer.ggml.eom_token_id", 522).open().unwrap();
    let message =
        "key tokenizer.ggml.eom_token_id must be a token of the vocabulary, got 522 of 522";
    assert_eq!(file.end_tokens().unwrap_err().to_string(), message);
    assert_eq!(file.tokenizer_json().unwrap_err().to_string(), message);
}

/// A small byte-level tokenizer with one key changed, or without it.
fn refused(key: &str, value: Option<crate::gguf::Value>) -> String {
    let mut writer = Writer::new()
        .entry("tokenizer.ggml.model", "gpt2")
        .entry("tokenizer.ggml.tokens", ["a", "b", "ab", "<e>"].map(str::to_owned).to_vec())
        .entry("tokenizer.ggml.token_type", vec![1, 1, 1, 3])
        .entry("tokenizer.ggml.scores", vec![0.0; 4])
        .entry("tokenizer.ggml.merges", vec!["a b".to_owned()]);
    writer.open().unwrap().tokenizer_json().unwrap();
    let key = format!("tokenizer.ggml.{key}");
    writer.entries.retain(|(name, _)| *name != key);
    if let Some(value) = value {
        writer = writer.entry(&key, value);
    }
    writer.open().unwrap().tokenizer_json().unwrap_err().to_string()
}

#[test]
fn what_is_missing_or_contradicts_is_named() {
    let texts = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Some(texts.into())
    };
    let messages = [
        refused("model", None),
        refused("model", Some("rwkv".into())),
        refused("pre", Some("chatglm-bpe".into())),
        refused("tokens", None),
        refused("tokens", Some(vec![1].into())),
        refused("tokens", texts(&["a", "b", "a", "c"])),
        refused("tokens", texts(&["a", "b", &"c".repeat(1_025), "d"])),
        refused("token_type", Some(vec![1].into())),
        refused("token_type", Some(vec![1, 1, 7, 1].into())),
        refused("merges", None),
        refused("merges", texts(&["a b", "ab"])),
        refused("merges", texts(&["b a"])),
        refused("bos_token_id", Some(4.into())),
        refused("add_bos_token", Some(true.into())),
        refused("add_bos_token", Some(1.into())),
        refused("model", Some("t5".into())),
        refused("model", Some("bert".into())),
    ];
    assert_eq!(
        messages,
        [
            "metadata lacks the key tokenizer.ggml.model",
            "key tokenizer.ggml.model must be gpt2, llama, bert or t5, got rwkv",
            "key tokenizer.ggml.pre must be gpt-2, llama-bpe, llama3, falcon3, pixtral, qwen2, smollm \
             or tekken; for another, give its tokenizer.json with --tokenizer, got chatglm-bpe",
            "metadata lacks the key tokenizer.ggml.tokens",
            "key tokenizer.ggml.tokens must be an array of texts, got an array of 1 i32",
            "tokenizer.ggml.tokens: token 2 appears twice: \"a\"",
            &format!(
                "tokenizer.ggml.tokens: token 2 has more than 1,024 bytes: \"{}\"",
                "c".repeat(64)
            ),
            "key tokenizer.ggml.token_type must be one integer for each token, got 1 for 4 tokens",
            "key tokenizer.ggml.token_type must be integers from 0 to 6, got 7 for token 2",
            "metadata lacks the key tokenizer.ggml.merges",
            "tokenizer.ggml.merges: merge 1 is not two tokens: \"ab\"",
            "tokenizer.ggml.merges: merge 0 has a token that the vocabulary lacks: \"b a\"",
            "key tokenizer.ggml.bos_token_id must be a token of the vocabulary, got 4 of 4",
            "metadata lacks the key tokenizer.ggml.bos_token_id",
            "key tokenizer.ggml.add_bos_token must be a boolean, got 1",
            "metadata lacks the key tokenizer.ggml.add_space_prefix",
            "metadata lacks the key tokenizer.ggml.bos_token_id",
        ]
    );
}

#[test]
fn models_whose_tokens_take_in_spaces_are_refused_by_name() {
    let read = |name: &str| {
        let writer = sentencepiece_writer(&parse(SENTENCEPIECE)).entry("general.name", name);
        writer.open().unwrap().tokenizer_json().map(drop).map_err(|error| error.to_string())
    };
    for name in ["Phi-3-mini-4k-instruct", "My phi3 llamafied"] {
        let error = read(name).unwrap_err();
        assert!(error.starts_with("key general.name must be another name than Phi-3"), "{error}");
        assert!(error.contains("--tokenizer") && error.ends_with(name), "{error}");
    }
    for name in ["Phi 3 Mini", "Phi-2", "llama"] {
        assert_eq!(read(name), Ok(()));
    }
}

#[test]
fn scores_must_be_numbers_of_every_token() {
    let original = parse(SENTENCEPIECE);
    let with = |scores: Vec<f32>| {
        let mut writer = sentencepiece_writer(&original);
        writer.entries.retain(|(key, _)| key != "tokenizer.ggml.scores");
        let file = writer.entry("tokenizer.ggml.scores", scores).open().unwrap();
        file.tokenizer_json().unwrap_err().to_string()
    };
    let key = "key tokenizer.ggml.scores must be";
    assert_eq!(with(vec![0.0; 5]), format!("{key} one f32 for each token, got 5 for 620 tokens"));
    let mut scores = vec![0.0; 620];
    scores[7] = f32::NAN;
    assert_eq!(with(scores), format!("{key} finite numbers, got NaN for token 7"));
}

#[test]
fn a_map_of_characters_that_leads_astray_is_refused() {
    let mut writer = unigram_writer(&parse(UNIGRAM));
    writer.entries.retain(|(key, _)| key != "tokenizer.ggml.precompiled_charsmap");
    for bytes in [vec![1, 2, 3], vec![4, 0, 0, 0, 0, 0, 0, 0], vec![8, 0, 0, 0, 1]] {
        let file = writer.clone().entry("tokenizer.ggml.precompiled_charsmap", Array::U8(bytes));
        let error = file.open().unwrap().tokenizer_json().unwrap_err();
        let named = matches!(&error, GgufError::Value { key, .. }
            if key == "tokenizer.ggml.precompiled_charsmap");
        assert!(named, "{error}");
    }
}

/// Texts of many scripts, spaces and marks.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => "[ -~]{1,8}",
        2 => prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned),
        2 => "[ \t\n\r]{1,4}",
        1 => any::<char>().prop_map(String::from),
        1 => "[\u{300}-\u{36f}\u{2581}\u{1f600}-\u{1f64f}\u{200d}\u{fe0f}]{1,3}",
    ];
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_has_the_tokens_of_the_original(texts in prop::collection::vec(any_text(), 8)) {
        let pairs = ["gpt-2", "llama-bpe", "qwen2", "smollm", "tekken"].map(byte_level);
        let others = [sentencepiece(), wordpiece(false), wordpiece(true), unigram()];
        for pair in pairs.into_iter().chain(others) {
            texts.iter().for_each(|text| pair.check(text));
        }
    }

    #[test]
    fn absurd_vocabularies_are_refused_or_load(
        model in prop::sample::select(vec!["gpt2", "llama", "bert", "t5"]),
        tokens in prop::collection::vec("[ab\u{2581}#<\\[\\]]{0,4}|\\PC{0,3}|<0x[0-9A-F]{2}>", 1..12),
        types in prop::collection::vec(0..8_i32, 12),
        scores in prop::collection::vec(any::<f32>(), 12),
        merges in prop::collection::vec("[ab]{1,2} [ab]{1,2}", 0..2),
        ids in prop::collection::vec((0..6_usize, 0..13_u32), 0..4),
        flags in any::<[Option<bool>; 4]>(),
    ) {
        const IDS: [&str; 6] = ["bos", "eos", "eot", "unknown", "seperator", "cls"];
        const FLAGS: [&str; 4] =
            ["add_bos_token", "add_eos_token", "add_space_prefix", "remove_extra_whitespaces"];
        let mut tokens = tokens;
        tokens.sort();
        tokens.dedup();
        let count = tokens.len();
        let mut writer = Writer::new()
            .entry("tokenizer.ggml.model", model)
            .entry("tokenizer.ggml.tokens", tokens.clone())
            .entry("tokenizer.ggml.token_type", types[..count].to_vec())
            .entry("tokenizer.ggml.scores", scores[..count].to_vec())
            .entry("tokenizer.ggml.merges", merges);
        for (name, id) in std::collections::BTreeMap::from_iter(ids) {
            writer = writer.entry(&format!("tokenizer.ggml.{}_token_id", IDS[name]), id);
        }
        for (name, flag) in FLAGS.iter().zip(flags) {
            if let Some(flag) = flag {
                writer = writer.entry(&format!("tokenizer.ggml.{name}"), flag);
            }
        }
        if let Ok(json) = writer.open().unwrap().tokenizer_json() {
            let tokenizer = Tokenizer::new(&json, 12).unwrap();
            for text in TEXTS.iter().copied().chain(tokens.iter().map(String::as_str)) {
                if let Ok(ids) = tokenizer.encode(text) {
                    tokenizer.decode(&ids).unwrap();
                }
            }
        }
    }
}
