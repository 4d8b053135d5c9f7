//! A writer of a small GGUF file: a Llama of random weights in 32 bits, with a tokenizer of bytes.

use std::fs;

/// Writes a model of one layer.
pub(crate) fn write_gguf(path: &str) {
    let mut file = Writer::default();
    file.text("general.architecture", "llama");
    file.text("general.name", "tiny gguf");
    for (key, value) in [
        ("llama.context_length", 128),
        ("llama.embedding_length", 64),
        ("llama.block_count", 1),
        ("llama.feed_forward_length", 96),
        ("llama.attention.head_count", 4),
        ("llama.attention.head_count_kv", 2),
        ("tokenizer.ggml.bos_token_id", 0),
        ("tokenizer.ggml.eos_token_id", 1),
    ] {
        file.integer(key, value);
    }
    file.real("llama.attention.layer_norm_rms_epsilon", 1e-5);
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "gpt-2");
    let tokens = tokens();
    file.texts("tokenizer.ggml.tokens", &tokens);
    // Two control tokens, then normal ones.
    let kinds: Vec<i32> = (0..tokens.len()).map(|token| if token < 2 { 3 } else { 1 }).collect();
    file.integers("tokenizer.ggml.token_type", &kinds);
    file.texts("tokenizer.ggml.merges", &["a b".to_owned()]);
    file.tensor("token_embd.weight", &[VOCABULARY, 64]);
    file.tensor("output_norm.weight", &[64]);
    file.tensor("output.weight", &[VOCABULARY, 64]);
    for (name, shape) in [
        ("attn_norm", &[64][..]),
        ("attn_q", &[64, 64]),
        ("attn_k", &[32, 64]),
        ("attn_v", &[32, 64]),
        ("attn_output", &[64, 64]),
        ("ffn_norm", &[64]),
        ("ffn_gate", &[96, 64]),
        ("ffn_up", &[96, 64]),
        ("ffn_down", &[64, 96]),
    ] {
        file.tensor(&format!("blk.0.{name}.weight"), shape);
    }
    fs::write(path, file.bytes()).unwrap();
}

/// Two marks, the characters of bytes, and a pair.
fn tokens() -> Vec<String> {
    let mut spare = 256;
    let mut tokens = vec!["<s>".to_owned(), "</s>".to_owned()];
    for byte in 0..=255_u8 {
        let mut character = char::from(byte);
        if !matches!(character, '!'..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}') {
            character = char::from_u32(spare).unwrap();
            spare += 1;
        }
        tokens.push(character.to_string());
    }
    tokens.push("ab".to_owned());
    assert_eq!(tokens.len(), VOCABULARY);
    tokens
}

#[derive(Default)]
struct Writer {
    entries: Vec<u8>,
    entry_count: u64,
    infos: Vec<u8>,
    info_count: u64,
    data: Vec<u8>,
    state: u32,
}

impl Writer {
    fn text(&mut self, key: &str, value: &str) {
        self.entry(key, 8);
        push_text(&mut self.entries, value);
    }

    fn integer(&mut self, key: &str, value: u32) {
        self.entry(key, 4);
        self.entries.extend(value.to_le_bytes());
    }

    fn real(&mut self, key: &str, value: f32) {
        self.entry(key, 6);
        self.entries.extend(value.to_le_bytes());
    }

    fn texts(&mut self, key: &str, values: &[String]) {
        self.array(key, 8, values.len());
        for value in values {
            push_text(&mut self.entries, value);
        }
    }

    fn integers(&mut self, key: &str, values: &[i32]) {
        self.array(key, 5, values.len());
        self.entries.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn array(&mut self, key: &str, kind: u32, length: usize) {
        self.entry(key, 9);
        self.entries.extend(kind.to_le_bytes());
        self.entries.extend((length as u64).to_le_bytes());
    }

    fn entry(&mut self, key: &str, kind: u32) {
        push_text(&mut self.entries, key);
        self.entries.extend(kind.to_le_bytes());
        self.entry_count += 1;
    }

    /// Gains of one, other weights from -1/8 to 1/8.
    fn tensor(&mut self, name: &str, shape: &[usize]) {
        push_text(&mut self.infos, name);
        self.infos.extend((shape.len() as u32).to_le_bytes());
        for size in shape.iter().rev() {
            self.infos.extend((*size as u64).to_le_bytes());
        }
        // Elements of 32 bits.
        self.infos.extend(0_u32.to_le_bytes());
        self.infos.extend((self.data.len() as u64).to_le_bytes());
        self.info_count += 1;
        for _ in 0..shape.iter().product() {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let random = (self.state >> 16) as f32 / 262_144.0 - 0.125;
            let weight = if shape.len() == 1 { 1.0 } else { random };
            self.data.extend(weight.to_le_bytes());
        }
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(self.info_count.to_le_bytes());
        bytes.extend(self.entry_count.to_le_bytes());
        bytes.extend(&self.entries);
        bytes.extend(&self.infos);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend(&self.data);
        bytes
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

const VOCABULARY: usize = 259;
const ALIGNMENT: usize = 32;
