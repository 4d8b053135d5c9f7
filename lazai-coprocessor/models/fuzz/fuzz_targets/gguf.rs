//! Any bytes, and any change of a good GGUF file: refused, or metadata, tensors and a tokenizer
//! that are used without a panic.

#![no_main]

use std::{env, fs, path::PathBuf, process, sync::LazyLock};

use lazai_coprocessor::Tokenizer;
use lazai_models::gguf::Gguf;
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| env::temp_dir().join(format!("lazvm-fuzz-gguf-{}", process::id())));

/// A good file for each model of tokenizers.
static BASES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let bases = [
        base("gpt2", &["a", "b", "ab", "<s>"], &[1, 1, 1, 3]),
        base(
            "llama",
            &["<unk>", "<s>", "<0x41>", "\u{2581}", "a", "\u{2581}a"],
            &[2, 3, 6, 1, 1, 1],
        ),
        base("bert", &["[UNK]", "[CLS]", "[SEP]", "\u{2581}a", "b"], &[3, 3, 3, 1, 1]),
        base("t5", &["<pad>", "</s>", "<unk>", "\u{2581}", "a", "[PAD5]"], &[3, 3, 2, 1, 1, 5]),
    ];
    for base in &bases {
        fs::write(&*FILE, base).expect("the temporary folder can be written");
        let file = Gguf::open(&FILE).expect("the file is good");
        file.tokenizer_json().expect("the tokenizer is good");
        file.tensor("w").expect("the tensor is good");
    }
    bases.to_vec()
});

// The tokenizer's library panics on some files, and the loader answers that with an error. The
// fuzzer's own hook would end the process before it can; a panic that nobody catches still does.
fuzz_target!(init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))), |data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let bytes = match BASES.get(usize::from(kind % 5)) {
        None => data.to_vec(),
        Some(base) => {
            let mut bytes = base.clone();
            for change in data.as_chunks::<3>().0 {
                let offset = usize::from(u16::from_le_bytes([change[0], change[1]]));
                let length = bytes.len();
                bytes[offset % length] = change[2];
            }
            bytes
        }
    };
    fs::write(&*FILE, &bytes).expect("the temporary folder can be written");
    let Ok(file) = Gguf::open(&FILE) else { return };
    for (name, info) in file.tensors() {
        assert!(info.offset + info.bytes <= bytes.len() as u64, "{name} is outside the file");
        if let Ok(values) = file.tensor(name) {
            assert_eq!(values.len(), info.elements());
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
    let _ = (file.chat_template(), file.end_tokens());
    let Ok(json) = file.tokenizer_json() else { return };
    let count = file.texts("tokenizer.ggml.tokens").ok().flatten().map_or(0, <[String]>::len);
    // To load it takes most of the time.
    if *kind < 192 {
        return;
    }
    if let Ok(tokenizer) = Tokenizer::new(&json, count as u32) {
        for text in ["", " a b", "<s>", "\u{e9}\u{ff21}\n"] {
            if let Ok(tokens) = tokenizer.encode(text) {
                let _ = tokenizer.decode(&tokens);
            }
        }
    }
});

/// Returns a file with a tokenizer and two tensors.
fn base(model: &str, tokens: &[&str], types: &[i32]) -> Vec<u8> {
    let tokens: Vec<Vec<u8>> = tokens.iter().map(|token| text(token)).collect();
    let types: Vec<Vec<u8>> = types.iter().map(|kind| kind.to_le_bytes().to_vec()).collect();
    let scores: Vec<Vec<u8>> =
        (0..types.len()).map(|id| (-(id as f32)).to_le_bytes().to_vec()).collect();
    let number = |number: u32| number.to_le_bytes().to_vec();
    // A trie in which nothing is found.
    let mut charsmap = vec![vec![0_u8]; 4 + 1_024];
    charsmap[1][0] = 4;
    let entries = [
        entry("general.alignment", 4, &number(32)),
        entry("tokenizer.ggml.model", 8, &text(model)),
        entry("tokenizer.ggml.pre", 8, &text("llama-bpe")),
        entry("tokenizer.ggml.tokens", 9, &array(8, &tokens)),
        entry("tokenizer.ggml.token_type", 9, &array(5, &types)),
        entry("tokenizer.ggml.scores", 9, &array(6, &scores)),
        entry("tokenizer.ggml.merges", 9, &array(8, &[text("a b")])),
        entry("tokenizer.ggml.precompiled_charsmap", 9, &array(0, &charsmap)),
        entry("tokenizer.ggml.bos_token_id", 4, &number(1)),
        entry("tokenizer.ggml.eos_token_id", 4, &number(1)),
        entry("tokenizer.ggml.add_bos_token", 7, &[1]),
        entry("tokenizer.ggml.add_eos_token", 7, &[0]),
        entry("tokenizer.ggml.add_space_prefix", 7, &[1]),
        entry("nested", 9, &array(9, &[array(12, &[vec![0; 8]]), array(7, &[vec![1]])])),
    ];
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend_from_slice(&2_u64.to_le_bytes());
    bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    bytes.extend(entries.concat());
    for (name, sizes, kind, offset) in [("w", vec![32_u64, 2], 8_u32, 0_u64), ("v", vec![3], 0, 96)]
    {
        bytes.extend(text(name));
        bytes.extend_from_slice(&(sizes.len() as u32).to_le_bytes());
        bytes.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(32) + 128, 1);
    bytes
}

fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key), &kind.to_le_bytes()[..], value].concat()
}

fn array(kind: u32, values: &[Vec<u8>]) -> Vec<u8> {
    let count = values.len() as u64;
    [&kind.to_le_bytes()[..], &count.to_le_bytes(), &values.concat()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}
