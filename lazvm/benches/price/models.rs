//! The models whose calls are measured: the shipped one, and others in which another part of a run
//! takes most of the time.

use std::path::Path;

use lazai_api_types::ModelId;
use lazai_coprocessor::{
    Cpu,
    architecture::{
        Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Positions,
    },
    artifact::{Artifact, ArtifactBytes},
    kernel::{Backend, Threads},
    model::{Model, synthetic_transformer},
    program::{LlamaShape, Target},
};
use serde_json::Value;

use crate::tokenizers;

/// A model of the bench.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) id: ModelId,
    pub(crate) context: u32,
    pub(crate) vocabulary: u32,
    /// Bytes of the longest text that is read.
    pub(crate) longest_text: u32,
    /// Whether no model before it has this tokenizer.
    pub(crate) own_tokenizer: bool,
    pub(crate) generates: bool,
    pub(crate) embeds: bool,
}

/// Loads all models whose name contains `filter`, to run by `backend` on the caller's thread.
pub(crate) fn load(filter: &str, backend: Backend) -> (Cpu, Vec<Subject>) {
    let mut builder = Cpu::builder().backend(backend);
    let mut subjects = Vec::new();
    for (name, make) in &MODELS {
        if !name.contains(filter) {
            continue;
        }
        let model = make();
        let manifest = model.manifest();
        subjects.push(Subject {
            name,
            id: model.id(),
            context: manifest.context,
            vocabulary: manifest.vocabulary,
            longest_text: manifest.context * model.tokenizer().longest_token() as u32,
            own_tokenizer: OWN_TOKENIZERS.contains(name),
            generates: model.supports(Target::Logits),
            embeds: model.supports(Target::Embedding),
        });
        builder = builder.model(model);
    }
    (builder.build().unwrap(), subjects)
}

type Make = fn() -> Model;

const MODELS: [(&str, Make); 14] = [
    ("storyteller", storyteller),
    ("weights-45M", || made(&llama(4_096, 640, 1_728, 10).architecture(9, 512), None)),
    ("one-layer", || made(&llama(258, 16, 16, 1).architecture(1, 256), None)),
    ("deep-and-thin", || made(&llama(258, 32, 32, 1).architecture(48, 256), None)),
    ("deep-encoder", || made(&Architecture { layers: 80, ..encoder() }, None)),
    ("vocabulary-128k", || made(&llama(131_072, 16, 16, 1).architecture(1, 64), None)),
    ("context-4k", || made(&llama(512, 64, 64, 4).architecture(2, 4_096), None)),
    ("wide-heads", || made(&llama(512, 256, 256, 4).architecture(1, 2_048), None)),
    ("gpt-tokens", || {
        let shape = llama(tokenizers::VOCABULARY, 64, 128, 4);
        made(&shape.architecture(2, 1_024), Some(&tokenizers::byte_level()))
    }),
    ("pattern-tokens", || {
        let shape = llama(tokenizers::VOCABULARY, 64, 128, 4);
        made(&shape.architecture(2, 1_024), Some(&tokenizers::pattern()))
    }),
    ("sentence-piece", || {
        let shape = llama(tokenizers::VOCABULARY, 64, 128, 4);
        made(&shape.architecture(2, 1_024), Some(&tokenizers::sentence_piece()))
    }),
    ("many-steps", || {
        let shape = llama(tokenizers::VOCABULARY, 64, 128, 4);
        made(&shape.architecture(2, 1_024), Some(&tokenizers::many_steps()))
    }),
    ("word-piece-encoder", || made(&encoder(), Some(&tokenizers::word_piece()))),
    ("unigram-encoder", || made(&encoder(), Some(&tokenizers::unigram()))),
];

/// Models whose tokenizer is not that of single bytes, and one that has that.
const OWN_TOKENIZERS: [&str; 8] = [
    "storyteller",
    "one-layer",
    "gpt-tokens",
    "pattern-tokens",
    "sentence-piece",
    "many-steps",
    "word-piece-encoder",
    "unigram-encoder",
];

fn storyteller() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/storyteller/model/storyteller.safetensors");
    Model::load_untrusted(Artifact::open(&path).unwrap(), &Threads::single()).unwrap()
}

/// A Llama of heads of 16 elements or more.
const fn llama(vocabulary: u32, hidden: u32, intermediate: u32, heads: u32) -> LlamaShape {
    let head_dim = hidden / heads;
    LlamaShape { vocabulary, hidden, intermediate, heads, kv_heads: heads, head_dim, tied: false }
}

/// As `MiniLM`, two layers of a third of its width.
fn encoder() -> Architecture {
    Architecture {
        mask: Mask::Bidirectional,
        biases: Biases { query_key_value: true, attention_output: true, feed_forward: true },
        norm: Norm::Layer,
        norm_order: NormOrder::Post,
        positions: Positions::Learned,
        feed_forward: FeedForward::Gelu(Gelu::Exact),
        head: Head::None,
        ..llama(tokenizers::VOCABULARY, 128, 512, 4).architecture(2, 512)
    }
}

/// A model of random weights, with the tokenizer of single bytes unless another is given.
fn made(architecture: &Architecture, tokenizer: Option<&Value>) -> Model {
    let mut builder = synthetic_transformer(architecture, 1).unwrap();
    if let Some(tokenizer) = tokenizer {
        let json = tokenizer.to_string().into_bytes();
        builder.add_u8("tokenizer.json", vec![json.len() as u64], json);
    }
    let artifact = Artifact::new(ArtifactBytes::Owned(builder.to_bytes().unwrap())).unwrap();
    Model::load_untrusted(artifact, &Threads::single()).unwrap()
}
