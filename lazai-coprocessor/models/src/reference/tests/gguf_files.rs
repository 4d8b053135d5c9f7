//! Metadata of GGUF files that llama.cpp reads: honoured or refused by name.

use lazai_coprocessor::architecture::{Mask, Pooling, RotaryScaling};

use super::*;
use crate::gguf::{Array, GgufError};

fn writer() -> (Writer, Value) {
    let config = family_configs().into_iter().find(|(name, _)| *name == "qwen3").unwrap().1;
    (gguf_writer("qwen3", &config, &random_tensors(&config, 9)), config)
}

fn open(writer: &Writer) -> Result<Checkpoint, ReferenceError> {
    let folder = Folder::new();
    let path = folder.path().join("model.gguf");
    fs::write(&path, writer.to_bytes()).unwrap();
    Checkpoint::open(&path)
}

/// The file with some keys more, or others.
fn with(entries: &[(&str, Metadata)]) -> Result<Checkpoint, ReferenceError> {
    let (mut writer, _) = writer();
    for (key, value) in entries {
        let key =
            if key.contains('.') && !key.starts_with("rope.") && !key.starts_with("attention.") {
                (*key).to_owned()
            } else {
                format!("qwen3.{key}")
            };
        writer.entries.retain(|(known, _)| *known != key);
        writer = writer.entry(&key, value.clone());
    }
    open(&writer)
}

#[test]
fn decoders_embed_as_their_file_says() {
    for (kind, expected) in [(0, Pooling::Mean), (1, Pooling::Mean), (3, Pooling::Last)] {
        let opened = with(&[("pooling_type", Metadata::U32(kind))]).unwrap();
        assert_eq!(opened.architecture().pooling, expected, "{kind}");
        assert_eq!(opened.architecture().mask, Mask::Causal);
        assert_eq!(opened.architecture().head, Head::Tied);
    }
    // The first row of a decoder has seen the first token alone.
    let first =
        with(&[("pooling_type", Metadata::U32(2)), ("context_length", Metadata::U32(9_000))]);
    let first = first.unwrap();
    assert_eq!(
        (first.architecture().pooling, first.architecture().head),
        (Pooling::First, Head::None)
    );
    assert_eq!((first.context(), first.notes()), (8_192, &[Note::FirstRow][..]));
    let error = with(&[("pooling_type", Metadata::U32(4))]).unwrap_err().to_string();
    assert!(error.contains("qwen3.pooling_type") && error.contains("--pooling"), "{error}");
    let options = OpenOptions { pooling: Some(Pooling::Mean), ..OpenOptions::default() };
    let folder = Folder::new();
    let path = folder.path().join("model.gguf");
    fs::write(&path, writer().0.entry("qwen3.pooling_type", 4_u32).to_bytes()).unwrap();
    Checkpoint::open_with(&path, &options).unwrap();
}

#[test]
fn tokens_may_attend_to_those_after_them() {
    let causal = ("attention.causal", Metadata::Bool(false));
    let embed = |checkpoint: &Checkpoint, tokens: &[u32]| {
        ReferenceModel::new(checkpoint, Threads::single()).unwrap().embed(tokens).unwrap()
    };
    let first = with(&[causal.clone(), ("pooling_type", Metadata::U32(2))]).unwrap();
    assert_eq!(first.architecture().mask, Mask::Bidirectional);
    assert_eq!(first.architecture().head, Head::None);
    assert!(first.architecture().end_tokens.is_empty());
    assert_ne!(embed(&first, &[1, 2, 3]), embed(&first, &[1, 2, 4]));
    let plain = with(&[("pooling_type", Metadata::U32(1))]).unwrap();
    let mean = with(core::slice::from_ref(&causal)).unwrap();
    assert_ne!(embed(&mean, &[1, 2, 3]), embed(&plain, &[1, 2, 3]));
    let long = with(&[causal, ("context_length", Metadata::U32(32_768))]).unwrap();
    assert_eq!(long.context(), 8_192);
    assert_eq!(long.notes(), [Note::Context { positions: 32_768, context: 8_192 }]);
}

#[test]
fn texts_end_at_tokens_that_say_so() {
    let texts = |pairs: &[(usize, &str)]| {
        let mut tokens: Vec<String> = (0..50).map(|id| format!("w{id}")).collect();
        for (id, text) in pairs {
            (*text).clone_into(&mut tokens[*id]);
        }
        ("tokenizer.ggml.tokens", Metadata::Array(Array::String(tokens)))
    };
    let ends =
        |pairs: &[(usize, &str)]| with(&[texts(pairs)]).unwrap().architecture().end_tokens.clone();
    assert_eq!(ends(&[]), [2]);
    assert_eq!(ends(&[(2, "<|end_of_text|>"), (9, "<|eot_id|>"), (1, "<|im_start|>")]), [2, 9]);
    assert_eq!(
        ends(&[(7, "<|im_end|>"), (5, "<|endoftext|>"), (3, "<end_of_turn>")]),
        [2, 3, 5, 7]
    );
    // What frames a text that is filled in, by its text or by a key.
    assert_eq!(
        ends(&[(4, "</s>"), (6, "<eos>"), (8, "<PAD>"), (9, "<|repo_name|>")]),
        [2, 4, 6, 8, 9]
    );
    let key = ("tokenizer.ggml.fim_pad_token_id", Metadata::U32(11));
    let opened = with(&[texts(&[(8, "<PAD>")]), key]).unwrap();
    assert_eq!(opened.architecture().end_tokens, [2, 11]);
    // A message is a part of an answer where answers and calls have ends of their own.
    let parts = [(7, "<|end|>"), (5, "<|return|>"), (3, "<|call|>")];
    assert_eq!(ends(&parts), [2, 3, 5]);
    assert_eq!(ends(&parts[..2]), [2, 5, 7]);
    assert_eq!(ends(&[(7, "</s>"), (5, "<|tool_response>")]), [2, 5]);
}

#[test]
fn sentencepiece_ends_texts_at_its_usual_token() {
    let mut writer = writer().0.entry("tokenizer.ggml.model", "llama");
    writer.entries.retain(|(key, _)| key != "tokenizer.ggml.eos_token_id");
    let tokens: Vec<String> = (0..50).map(|id| format!("w{id}")).collect();
    let ends = |writer: &Writer| open(writer).unwrap().architecture().end_tokens.clone();
    assert!(ends(&writer).is_empty());
    let writer = writer.entry("tokenizer.ggml.tokens", tokens);
    assert_eq!(ends(&writer), [2]);
    assert_eq!(ends(&writer.entry("tokenizer.ggml.eos_token_id", 5_u32)), [5]);
}

#[test]
fn ways_to_choose_tokens_are_told_or_refused() {
    let opened = with(&[("general.sampling.temp", Metadata::F32(0.5))]).unwrap();
    let choices = vec!["temp the f32 0.5".to_owned()];
    assert_eq!(opened.notes(), [Note::Choices { file: "general.sampling", choices }]);
    let tokens = |tokens: &[i32]| Metadata::Array(Array::I32(tokens.to_vec()));
    let key = "tokenizer.ggml.suppress_tokens";
    let error = with(&[(key, tokens(&[7]))]).unwrap_err().to_string();
    assert!(error.contains(key), "{error}");
    with(&[(key, tokens(&[]))]).unwrap();
}

#[test]
fn rotations_are_stretched_in_every_spelling() {
    let scaling = |entries: &[(&str, Metadata)]| {
        let opened = with(entries)?;
        let Positions::Rotary(rotary) = opened.architecture().positions.clone() else {
            panic!("not rotary")
        };
        Ok::<_, ReferenceError>(rotary.scaling)
    };
    let text = |kind: &str| ("rope.scaling.type", Metadata::String(kind.to_owned()));
    let (factor, old) =
        (("rope.scaling.factor", Metadata::F32(4.0)), ("rope.scale_linear", Metadata::F32(4.0)));
    let linear = Ok(RotaryScaling::Linear { factor_q32: 4 << 32 });
    assert_eq!(scaling(&[text("linear"), factor.clone()]), linear);
    assert_eq!(scaling(core::slice::from_ref(&factor)), linear);
    assert_eq!(scaling(core::slice::from_ref(&old)), linear);
    assert_eq!(scaling(&[text("none"), factor.clone()]), Ok(RotaryScaling::None));
    assert_eq!(scaling(&[("rope.scaling.factor", Metadata::F32(0.0))]), Ok(RotaryScaling::None));
    assert_eq!(
        scaling(&[("rope.scale_linear", Metadata::F32(1.0))]),
        Ok(RotaryScaling::Linear { factor_q32: 1 << 32 })
    );
    for refused in [
        vec![text("yarn"), factor],
        vec![text("linear")],
        vec![("rope.scaling.attn_factor", Metadata::F32(2.0))],
    ] {
        assert!(scaling(&refused).unwrap_err().to_string().contains("qwen3.rope.scaling."));
    }
}

#[test]
fn numbers_of_layers_are_one_number() {
    let array = |numbers: &[u32]| {
        ("attention.head_count_kv", Metadata::Array(Array::U32(numbers.to_vec())))
    };
    assert_eq!(with(&[array(&[2, 2])]).unwrap().architecture().kv_heads, 2);
    for numbers in [&[2, 1][..], &[]] {
        let error = with(&[array(numbers)]).unwrap_err().to_string();
        assert!(error.contains("qwen3.attention.head_count_kv"), "{error}");
    }
}

#[test]
fn unknown_keys_of_the_architecture_are_refused() {
    for (key, value) in [
        ("expert_count", Metadata::U32(8)),
        ("logit_scale", Metadata::F32(0.5)),
        ("attention.scale", Metadata::F32(0.5)),
        ("attention.value_length", Metadata::U32(8)),
        ("something_new", Metadata::Bool(true)),
        ("general.type", Metadata::String("adapter".to_owned())),
    ] {
        let error = with(&[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
    let mixture = with(&[("expert_count", Metadata::U32(8))]).unwrap_err().to_string();
    assert!(mixture.contains("experts"), "{mixture}");
    with(&[
        ("expert_count", Metadata::U32(0)),
        ("vocab_size", Metadata::U32(50)),
        ("rope.scaling.original_context_length", Metadata::U32(64)),
        ("attention.value_length", Metadata::U32(16)),
        ("logit_scale", Metadata::F32(1.0)),
        ("general.type", Metadata::String("model".to_owned())),
    ])
    .unwrap();
}

#[test]
fn sizes_of_one_fill_up_a_rank() {
    let (mut writer, _) = writer();
    let expected = open(&writer).unwrap();
    for tensor in &mut writer.tensors {
        // ggml writes them behind the others, which is in front here.
        tensor.sizes.insert(0, 1);
    }
    let got = open(&writer).unwrap();
    assert_eq!(got.architecture(), expected.architecture());
    for (name, _) in expected.architecture().tensors() {
        assert_eq!(got.tensor(&name), expected.tensor(&name), "{name}");
    }
    writer.tensors[0].sizes = vec![2, writer.tensors[0].sizes.iter().product::<u64>() / 2];
    assert!(open(&writer).is_err());
}

#[test]
fn models_in_parts_are_read() {
    let (whole, _) = writer();
    let expected = open(&whole).unwrap();
    let folder = Folder::new();
    let at = |part: usize| folder.path().join(format!("model-{part:05}-of-00002.gguf"));
    let part = |number: u16| {
        let mut part = if number == 0 { whole.clone() } else { Writer::new() };
        part.tensors = whole.tensors.iter().skip(number.into()).step_by(2).cloned().collect();
        part.entry("split.no", Metadata::U16(number)).entry("split.count", Metadata::U16(2))
    };
    fs::write(at(1), part(0).to_bytes()).unwrap();
    let error = Checkpoint::open(&at(1)).unwrap_err().to_string();
    assert!(error.contains("model-00002-of-00002.gguf") && error.contains("download"), "{error}");
    fs::write(at(2), part(1).to_bytes()).unwrap();
    let got = Checkpoint::open(&at(1)).unwrap();
    for (name, _) in expected.architecture().tensors() {
        assert_eq!(got.tensor(&name), expected.tensor(&name), "{name}");
    }
    let error = Checkpoint::open(&at(2)).unwrap_err().to_string();
    assert!(
        error.contains("part 2 of 2") && error.contains("model-00001-of-00002.gguf"),
        "{error}"
    );
    fs::write(at(2), part(0).to_bytes()).unwrap();
    assert!(Checkpoint::open(&at(1)).unwrap_err().to_string().contains("another"));
    let twice = part(1).f32s(&whole.tensors[0].name, &[1], &[0.0]);
    fs::write(at(2), twice.to_bytes()).unwrap();
    assert!(Checkpoint::open(&at(1)).unwrap_err().to_string().contains("again"));
    let other = folder.path().join("renamed.gguf");
    fs::rename(at(1), &other).unwrap();
    let error = Checkpoint::open(&other).unwrap_err().to_string();
    assert!(error.contains("-00001-of-00002.gguf"), "{error}");
}

#[test]
fn a_pointer_is_no_file() {
    let folder = Folder::new();
    let path = folder.path().join("model.gguf");
    fs::write(&path, "version https://git-lfs.github.com/spec/v1\n").unwrap();
    let error = Checkpoint::open(&path).unwrap_err();
    assert!(matches!(error, ReferenceError::Gguf(GgufError::Download { .. })), "{error}");
}
