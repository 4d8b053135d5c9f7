use std::path::Path;

use lazai_coprocessor::kernel::Threads;
use lazai_models::reference::{Checkpoint, Config, ReferenceError, ReferenceModel};
use serde_json::Value;

use crate::folder::{cosine, reference, sequences};

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn gguf_twins_agree_with_transformers() {
    for (name, kinds) in [
        ("llama2", &["F16"][..]),
        ("llama3", &["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"]),
        ("qwen2", &["F16"]),
        ("qwen3", &["F16"]),
        ("gpt2", &["F16"]),
        ("bert", &["F16"]),
    ] {
        let Some(folder) = reference(name) else { return };
        for kind in kinds {
            let path = folder.join(format!("{name}.{kind}.gguf"));
            if !path.exists() && kind.ends_with("_K") {
                eprintln!("skipped: {} was not made", path.display());
                continue;
            }
            let checkpoint = Checkpoint::open(&path).unwrap();
            let model = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
            for sequence in sequences(&folder.join(format!("{kind}.expected.safetensors"))) {
                if sequence.logits.is_empty() {
                    let got = model.embed(&sequence.tokens).unwrap();
                    assert!(cosine(&got, &sequence.embeddings[0]) > 0.999_999, "{name} {kind}");
                    continue;
                }
                let got = model.forward(&sequence.tokens, &mut ()).unwrap();
                for (got, expected) in got.iter().zip(&sequence.logits) {
                    assert!((got - expected).abs() < 4e-3, "{name} {kind}: {got}, not {expected}");
                }
            }
            println!("{name} {kind}: logits agree");
        }
    }
}

/// The numbers of an F16 checkpoint do not change in an F16 GGUF file.
#[test]
fn both_formats_hold_the_same_weights() {
    let Some(folder) = reference("qwen2") else { return };
    let safetensors = Checkpoint::open(&folder).unwrap();
    let gguf = Checkpoint::open(&folder.join("qwen2.F16.gguf")).unwrap();
    for (name, _) in safetensors.architecture().tensors() {
        assert_eq!(gguf.tensor(&name), safetensors.tensor(&name), "{name}");
    }
    assert_eq!(gguf.architecture().positions, safetensors.architecture().positions);
}

#[test]
fn configurations_that_are_not_supported_are_refused_by_field() {
    let Some(folder) = reference("refused") else { return };
    let expected = json(&folder.join("expected.json"));
    for (case, expected) in expected.as_object().unwrap() {
        let config = std::fs::read(folder.join(case).join("config.json")).unwrap();
        let refused = Config::from_json(&config);
        let Err(ReferenceError::Field { field, .. }) = refused else {
            panic!("{case}: {refused:?}");
        };
        assert_eq!(field, expected["field"].as_str().unwrap(), "{case}");
    }
}
