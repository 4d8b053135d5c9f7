//! The shapes of random checkpoints, with their configurations and tokenizers.

use clap::ValueEnum;
use serde_json::{Value, json};

/// The shape of a network.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Shape {
    /// A Llama of 110 million weights
    #[value(name = "110m")]
    Llama110m,
    /// A Llama of 1.1 billion weights, that of `TinyLlama`
    #[value(name = "1.1b")]
    Llama1b,
    /// A sentence encoder, that of `MiniLM`
    #[value(name = "minilm")]
    MiniLm,
    /// A BERT for tests
    TinyBert,
    /// A Llama for tests
    TinyLlama,
}

impl Shape {
    pub(crate) fn config(self) -> Value {
        let llama = |hidden: u32,
                     intermediate: u32,
                     layers: u32,
                     heads: [u32; 2],
                     vocabulary: u32| {
            json!({
                "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
                "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
                "num_attention_heads": heads[0], "num_key_value_heads": heads[1],
                "vocab_size": vocabulary, "max_position_embeddings": if layers > 2 { 2_048 } else { 512 },
                "rms_norm_eps": 1e-5, "rope_theta": 10_000.0, "tie_word_embeddings": false,
                "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": "bfloat16"
            })
        };
        let bert = |hidden: u32, intermediate: u32, layers: u32, heads: u32, vocabulary: u32| {
            json!({
                "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
                "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
                "num_attention_heads": heads, "vocab_size": vocabulary, "type_vocab_size": 2,
                "max_position_embeddings": 512, "layer_norm_eps": 1e-12, "torch_dtype": "bfloat16"
            })
        };
        match self {
            Self::Llama110m => llama(768, 2_048, 12, [12, 12], 32_000),
            Self::Llama1b => llama(2_048, 5_632, 22, [32, 4], 32_000),
            Self::MiniLm => bert(384, 1_536, 6, 12, 30_522),
            Self::TinyBert => bert(64, 128, 2, 4, 300),
            Self::TinyLlama => llama(64, 128, 2, [4, 2], 300),
        }
    }

    const fn is_bert(self) -> bool {
        matches!(self, Self::MiniLm | Self::TinyBert)
    }

    /// Returns the marks of a text's start and end.
    const fn marks(self) -> [&'static str; 2] {
        if self.is_bert() { ["[CLS]", "[SEP]"] } else { ["<s>", "</s>"] }
    }

    /// Returns a tokenizer whose tokens are single bytes.
    pub(crate) fn tokenizer(self) -> Value {
        let [start, end] = self.marks();
        let mut vocabulary = serde_json::Map::new();
        vocabulary.insert(start.to_owned(), json!(0));
        vocabulary.insert(end.to_owned(), json!(1));
        let mut spare = 256_u32;
        for byte in 0..=255_u8 {
            let mut character = char::from(byte);
            if !matches!(character, '!'..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}') {
                character = char::from_u32(spare).unwrap_or(character);
                spare += 1;
            }
            vocabulary.insert(character.to_string(), json!(u32::from(byte) + 2));
        }
        let special = |id: u32, content: &str| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true})
        };
        let mark = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
        let text = |id: &str, number: u32| json!({"Sequence": {"id": id, "type_id": number}});
        let mut single = vec![mark(start), text("A", 0)];
        if self.is_bert() {
            single.push(mark(end));
        }
        let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false,
            "trim_offsets": false, "use_regex": false});
        json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [special(0, start), special(1, end)],
            "normalizer": null, "pre_tokenizer": byte_level,
            "post_processor": {
                "type": "TemplateProcessing", "single": single, "pair": [text("A", 0), text("B", 1)],
                "special_tokens": {
                    start: {"id": start, "ids": [0], "tokens": [start]},
                    end: {"id": end, "ids": [1], "tokens": [end]}
                }
            },
            "decoder": byte_level,
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "vocab": vocabulary, "merges": []
            }
        })
    }

    pub(crate) fn tokenizer_config(self) -> Value {
        let [start, end] = self.marks();
        if self.is_bert() {
            return json!({"cls_token": start, "sep_token": end});
        }
        json!({"bos_token": start, "eos_token": end, "chat_template": CHAT_TEMPLATE})
    }
}

/// A turn is the role, the text and a mark.
const CHAT_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}{{ message.role }}: \
{{ message.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";
