//! Any `tokenizer.json`, and any combination of parts of good ones: refused, or a tokenizer that
//! answers every text.

#![no_main]

use lazai_coprocessor::Tokenizer;
use libfuzzer_sys::fuzz_target;

const NORMALIZERS: [&str; 12] = [
    "null",
    r#"{"type":"NFKC"}"#,
    r#"{"type":"Lowercase"}"#,
    r#"{"type":"Prepend","prepend":"aaaa"}"#,
    r#"{"type":"Replace","pattern":{"String":" "},"content":"aa"}"#,
    r#"{"type":"Replace","pattern":{"Regex":"(a|b)*c?"},"content":"a"}"#,
    r#"{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":true,"lowercase":true}"#,
    r#"{"type":"Strip","strip_left":true,"strip_right":true}"#,
    r#"{"type":"StripAccents"}"#,
    r#"{"type":"Nmt"}"#,
    r#"{"type":"ByteLevel"}"#,
    r#"{"type":"NFD"}"#,
];

const PRE_TOKENIZERS: [&str; 9] = [
    "null",
    r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#,
    r#"{"type":"Metaspace","replacement":"_","prepend_scheme":"always","split":true}"#,
    r#"{"type":"BertPreTokenizer"}"#,
    r#"{"type":"FixedLength","length":0}"#,
    r#"{"type":"Digits","individual_digits":true}"#,
    r#"{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)|\\s+|a"},"behavior":"Isolated","invert":false}"#,
    r#"{"type":"UnicodeScripts"}"#,
    r#"{"type":"Punctuation","behavior":"Removed"}"#,
];

const DECODERS: [&str; 8] = [
    "null",
    r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#,
    r#"{"type":"WordPiece","prefix":"a","cleanup":true}"#,
    r#"{"type":"BPEDecoder","suffix":""}"#,
    r#"{"type":"CTC","pad_token":"a","word_delimiter_token":"b","cleanup":true}"#,
    r#"{"type":"Strip","content":"a","start":1,"stop":3}"#,
    r#"{"type":"ByteFallback"}"#,
    r#"{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":true}"#,
];

const MODELS: [&str; 4] = [
    r#"{"type":"BPE","dropout":null,"unk_token":"b","continuing_subword_prefix":null,"end_of_word_suffix":"</w>","fuse_unk":true,
        "byte_fallback":true,"vocab":{"a":0,"b":1,"aa":2,"<s>":3,"<0x61>":4},"merges":[["a","a"]]}"#,
    r#"{"type":"WordPiece","unk_token":"b","continuing_subword_prefix":"a","max_input_chars_per_word":100,
        "vocab":{"a":0,"b":1,"aa":2,"<s>":3}}"#,
    r#"{"type":"Unigram","unk_id":1,"byte_fallback":true,"vocab":[["a",-1.0],["b",-2.0],["aa",0.0],["<s>",-1.0]]}"#,
    r#"{"type":"WordLevel","unk_token":"b","vocab":{"a":0,"b":1,"aa":2,"<s>":3}}"#,
];

fn parts(names: &[&str], places: &[u8], kind: &str, list: &str) -> String {
    let chosen: Vec<&str> =
        places.iter().map(|place| names[usize::from(*place) % names.len()]).collect();
    match chosen.as_slice() {
        [] => "null".to_owned(),
        [one] => (*one).to_owned(),
        several => {
            let several: Vec<&str> =
                several.iter().copied().filter(|part| *part != "null").collect();
            format!(r#"{{"type":"{kind}","{list}":[{}]}}"#, several.join(","))
        }
    }
}

fn pick<'a>(names: &[&'a str], place: u8) -> &'a str {
    names[usize::from(place) % names.len()]
}

type Choice = (u8, Vec<u8>, Vec<u8>, Vec<u8>, bool);

// The tokenizer's library panics on some files and texts, and that is answered with an error. The
// fuzzer's own hook would end the process before it can; a panic that nobody catches still does.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| ())), |input: (Choice, Option<Vec<u8>>, String, Vec<u32>)| {
    let ((model, normalizers, pre_tokenizers, decoders, normalized), json, text, tokens) = input;
    let json = json.unwrap_or_else(|| {
        format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{{"id":3,"content":"<s>","single_word":false,
                "lstrip":false,"rstrip":true,"normalized":{normalized},"special":true}}],"normalizer":{},"pre_tokenizer":{},
                "post_processor":null,"decoder":{},"model":{}}}"#,
            parts(&NORMALIZERS, &normalizers, "Sequence", "normalizers"),
            parts(&PRE_TOKENIZERS, &pre_tokenizers, "Sequence", "pretokenizers"),
            parts(&DECODERS, &decoders, "Sequence", "decoders"),
            pick(&MODELS, model),
        )
        .into_bytes()
    });
    let Ok(tokenizer) = Tokenizer::new(&json, 1_000) else { return };
    if let Ok(tokens) = tokenizer.encode(&text) {
        assert_eq!(tokenizer.encode(&text), Ok(tokens.clone()), "two readings of {text:?}");
        let _ = tokenizer.decode(&tokens);
    }
    let mut stream = tokenizer.stream();
    for token in tokens {
        let _ = stream.push(token % 8);
    }
    let _ = stream.finish();
});
