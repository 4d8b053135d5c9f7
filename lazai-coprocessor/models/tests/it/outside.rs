//! A family of checkpoints that another crate defines: its file, and its row in a table.

use std::{fs, path::PathBuf};

use lazai_coprocessor::{
    architecture::{
        Architecture, Biases, FeedForward, Head, Mask, Norm, NormOrder, Pooling, Positions, Rotary,
    },
    kernel::Threads,
};
use lazai_models::reference::{
    Checkpoint, Config, Family, FamilyRules, Fields, GgufFields, OpenOptions, ReferenceError,
    ReferenceModel, WeightName, WeightRole, WeightTransform,
};
use serde_json::json;

/// A network with the choices of Llama and words of its own, whose queries, keys and values are one
/// tensor.
#[derive(Debug)]
struct Fused;

impl FamilyRules for Fused {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn model_types(&self) -> &'static [&'static str] {
        &["fused", "fused2"]
    }

    fn read_config(&self, _: &str, fields: &Fields<'_>) -> Result<Config, ReferenceError> {
        fields.neutral("gate", "\"silu\"", |value| value == "silu")?;
        let vocabulary = fields.integer("words", None, 1 << 20)?;
        let heads = fields.integer("heads", None, 64)?;
        let head_dim = fields.integer("head_size", Some(16), 256)?;
        let architecture = Architecture {
            vocabulary,
            hidden: heads * head_dim,
            intermediate: fields.integer("inner", None, 1 << 20)?,
            layers: fields.integer("blocks", None, 1_024)?,
            heads,
            kv_heads: heads,
            head_dim,
            context: fields.integer("places", None, u32::MAX)?,
            mask: Mask::Causal,
            biases: Biases::default(),
            head_norm: false,
            norm: Norm::RootMeanSquare,
            norm_order: NormOrder::Pre,
            norm_epsilon: fields.epsilon("epsilon", Some(1e-5))?,
            positions: Positions::Rotary(Rotary::new(10_000)),
            feed_forward: FeedForward::GatedSilu,
            head: Head::Tied,
            pooling: Pooling::Mean,
            end_tokens: fields.end_tokens(vocabulary)?,
        };
        Ok(Config::new(Family::new(&Self), architecture))
    }

    fn prefix(&self) -> &'static str {
        "net."
    }

    fn map_weight(
        &self,
        _: &Config,
        name: &WeightName<'_>,
        prefix: &str,
    ) -> (String, WeightTransform) {
        let fused = |index| WeightTransform::FusedPart { index, transposed: false };
        let (module, transform) = match name.role {
            WeightRole::AttentionNorm => ("first_norm", WeightTransform::Identity),
            WeightRole::Down => ("down", WeightTransform::Transpose),
            WeightRole::Embedding => ("words", WeightTransform::Identity),
            WeightRole::FinalNorm => ("last_norm", WeightTransform::Identity),
            WeightRole::Gate => ("gate", WeightTransform::Identity),
            WeightRole::MlpNorm => ("second_norm", WeightTransform::Identity),
            WeightRole::Output => ("mix", WeightTransform::Identity),
            WeightRole::Query => ("qkv", fused(0)),
            WeightRole::Key => ("qkv", fused(1)),
            WeightRole::Value => ("qkv", fused(2)),
            WeightRole::Up => ("up", WeightTransform::Identity),
            _ => ("none", WeightTransform::Identity),
        };
        (name.tensor(prefix, "blocks", module), transform)
    }

    fn is_redundant(&self, tensor: &str) -> bool {
        tensor == "counter"
    }

    fn gguf_architectures(&self) -> &'static [&'static str] {
        &["fused"]
    }

    fn read_gguf(&self, fields: &GgufFields<'_>) -> Result<Architecture, ReferenceError> {
        let base = fields.base("attention.layer_norm_rms_epsilon")?;
        Ok(Architecture { norm: Norm::RootMeanSquare, ..base })
    }

    fn map_gguf_weight(
        &self,
        _: &Architecture,
        _: &GgufFields<'_>,
        name: &WeightName<'_>,
    ) -> (String, WeightTransform) {
        (name.gguf_tensor(), WeightTransform::Identity)
    }
}

/// A folder of the family, whose names stand behind `prefix`.
fn folder(name: &str, prefix: &str, extra: Option<&str>) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("lazai-outside-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let config = json!({"model_type": "fused2", "words": 40, "heads": 2, "inner": 24, "blocks": 2,
        "places": 300_000, "end": 1, "eos_token_id": [3]});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut tensors = vec![("words".to_owned(), vec![40, 32]), ("last_norm".to_owned(), vec![32])];
    for block in 0..2 {
        for (module, shape) in [
            ("first_norm", vec![32]),
            ("qkv", vec![96, 32]),
            ("mix", vec![32, 32]),
            ("second_norm", vec![32]),
            ("gate", vec![24, 32]),
            ("up", vec![24, 32]),
            ("down", vec![24, 32]),
        ] {
            tensors.push((format!("blocks.{block}.{module}"), shape));
        }
    }
    let mut names: Vec<(String, Vec<usize>)> = tensors
        .into_iter()
        .map(|(name, shape)| (format!("{prefix}{name}.weight"), shape))
        .collect();
    names.extend(extra.map(|name| (name.to_owned(), vec![1])));
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (index, (name, shape)) in names.iter().enumerate() {
        let start = data.len();
        for i in 0..shape.iter().product::<usize>() {
            let value = ((i * 37 + index * 11) % 61) as f32 / 256.0 - 0.12;
            data.extend_from_slice(&value.to_le_bytes());
        }
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
    folder
}

#[test]
fn a_family_may_come_from_outside() {
    let table = [&[Family::new(&Fused)], Family::ALL].concat();
    let options = OpenOptions { families: &table, pooling: Some(Pooling::Last) };
    let mut vectors = Vec::new();
    for (name, prefix) in [("bare", ""), ("prefixed", "net.")] {
        let folder = folder(name, prefix, Some("counter"));
        assert!(Checkpoint::open(&folder).unwrap_err().to_string().contains("llama"));
        let checkpoint = Checkpoint::open_with(&folder, &options).unwrap();
        assert_eq!(checkpoint.context(), 131_072);
        assert_eq!(checkpoint.notes().len(), 1);
        assert_eq!(checkpoint.architecture().end_tokens, [3]);
        // Keys are the second third of the fused rows.
        let [query, key] =
            ["query", "key"].map(|part| checkpoint.tensor(&format!("layers.0.{part}")).unwrap());
        assert_eq!((query.len(), key.len()), (32 * 32, 32 * 32));
        assert!(query != key);
        let model = ReferenceModel::new(&checkpoint, Threads::single()).unwrap();
        vectors.push(model.embed(&[1, 2, 3]).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }
    assert!(vectors[0] == vectors[1]);
    let folder = folder("strange", "", Some("bias"));
    let error = Checkpoint::open_with(&folder, &options).unwrap_err();
    assert_eq!(error, ReferenceError::UnexpectedTensor { tensor: "bias".to_owned() });
    fs::remove_dir_all(folder).unwrap();
}
