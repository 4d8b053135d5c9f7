//! The configuration of a Llama checkpoint.

use serde_json::{Map, Value};

use super::ReferenceError;

/// The shape of a Llama decoder, as Hugging Face's `config.json` gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width of the gated feed-forward network.
    pub intermediate: u32,
    /// Blocks of attention and feed-forward network.
    pub layers: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u32,
    /// Elements of a head; even.
    pub head_dim: u32,
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// Most positions of a sequence.
    pub context: u32,
    /// What is added to a mean square before its root is taken.
    pub norm_epsilon: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: u64,
    /// Whether the embedding is also the output projection.
    pub tied: bool,
    /// Tokens that end a text.
    pub end_tokens: Vec<u32>,
}

impl LlamaConfig {
    /// Reads a `config.json`.
    ///
    /// Fields that change the result and that this version does not implement (scaled rotary
    /// positions, biases, other activations, stored quantization) must have their neutral value;
    /// fields that do not change the result are passed over.
    ///
    /// # Errors
    /// [`ReferenceError::Syntax`] if it is not a JSON object, [`ReferenceError::Field`] if a field
    /// is absent or has a value that this version does not read.
    pub fn from_json(json: &[u8]) -> Result<Self, ReferenceError> {
        let map: Map<String, Value> = serde_json::from_slice(json).map_err(|error| {
            ReferenceError::Syntax { file: "config.json", problem: error.to_string() }
        })?;
        let fields = Fields(&map);
        fields.only("model_type", "\"llama\"", |value| value == "llama")?;
        fields.neutral("hidden_act", "\"silu\"", |value| value == "silu")?;
        for field in ["attention_bias", "mlp_bias"] {
            fields.neutral(field, "false", |value| value == false)?;
        }
        for field in ["rope_scaling", "quantization_config", "sliding_window"] {
            fields.neutral(field, "null: scaling is not supported", Value::is_null)?;
        }
        fields.neutral("partial_rotary_factor", "1", |value| value.as_f64() == Some(1.0))?;

        let hidden = fields.integer("hidden_size", None, MAX_WIDTH)?;
        let heads = fields.integer("num_attention_heads", None, MAX_WIDTH)?;
        let kv_heads = fields.integer("num_key_value_heads", Some(heads), heads)?;
        if !heads.is_multiple_of(kv_heads) {
            let expected = "a divisor of num_attention_heads";
            return Err(fields.refused("num_key_value_heads", expected));
        }
        let head_dim = fields.integer("head_dim", Some(hidden / heads), MAX_HEAD_DIM)?;
        if !head_dim.is_multiple_of(2) || heads.saturating_mul(head_dim) > MAX_WIDTH {
            return Err(fields.refused("head_dim", "even, and at most 2^20 times all heads"));
        }
        let vocabulary = fields.integer("vocab_size", None, MAX_WIDTH)?;
        Ok(Self {
            hidden,
            intermediate: fields.integer("intermediate_size", None, MAX_WIDTH)?,
            layers: fields.integer("num_hidden_layers", None, MAX_LAYERS)?,
            heads,
            kv_heads,
            head_dim,
            vocabulary,
            context: fields.integer("max_position_embeddings", None, MAX_CONTEXT)?,
            norm_epsilon: fields.norm_epsilon()?,
            rope_theta: fields.rope_theta()?,
            tied: fields.tied()?,
            end_tokens: fields.end_tokens(vocabulary)?,
        })
    }

    /// Every tensor of a checkpoint with its shape, matrices as `[outputs, inputs]`.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let [hidden, intermediate, vocabulary] =
            [self.hidden, self.intermediate, self.vocabulary].map(|size| size as usize);
        let [queries, keys] =
            [self.heads, self.kv_heads].map(|heads| heads as usize * self.head_dim as usize);
        let mut tensors = vec![("model.embed_tokens.weight".to_owned(), vec![vocabulary, hidden])];
        for layer in 0..self.layers {
            for (name, shape) in [
                ("input_layernorm", vec![hidden]),
                ("self_attn.q_proj", vec![queries, hidden]),
                ("self_attn.k_proj", vec![keys, hidden]),
                ("self_attn.v_proj", vec![keys, hidden]),
                ("self_attn.o_proj", vec![hidden, queries]),
                ("post_attention_layernorm", vec![hidden]),
                ("mlp.gate_proj", vec![intermediate, hidden]),
                ("mlp.up_proj", vec![intermediate, hidden]),
                ("mlp.down_proj", vec![hidden, intermediate]),
            ] {
                tensors.push((format!("model.layers.{layer}.{name}.weight"), shape));
            }
        }
        tensors.push(("model.norm.weight".to_owned(), vec![hidden]));
        if !self.tied {
            tensors.push(("lm_head.weight".to_owned(), vec![vocabulary, hidden]));
        }
        tensors
    }
}

/// The fields of a configuration, with refusals that name them.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The field, unless it is absent or null.
    fn present(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn refused(&self, field: &'static str, expected: &'static str) -> ReferenceError {
        refused(field, expected, self.0.get(field))
    }

    /// Requires a value.
    fn only(
        &self,
        field: &'static str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ReferenceError> {
        match self.0.get(field) {
            Some(value) if fits(value) => Ok(()),
            _ => Err(self.refused(field, expected)),
        }
    }

    /// Requires a value unless the field is absent or null.
    fn neutral(
        &self,
        field: &'static str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ReferenceError> {
        if self.present(field).is_some() { self.only(field, expected, fits) } else { Ok(()) }
    }

    /// A positive integer up to `max`.
    fn integer(
        &self,
        field: &'static str,
        default: Option<u32>,
        max: u32,
    ) -> Result<u32, ReferenceError> {
        let got = match (self.present(field), default) {
            (Some(value), _) => value.as_u64().and_then(|value| u32::try_from(value).ok()),
            (None, default) => default,
        };
        got.filter(|got| (1..=max).contains(got))
            .ok_or_else(|| self.refused(field, "a positive integer that this version can hold"))
    }

    fn norm_epsilon(&self) -> Result<f64, ReferenceError> {
        let field = "rms_norm_eps";
        let got = self.present(field).and_then(Value::as_f64);
        got.filter(|got| (0.0..=1.0).contains(got))
            .ok_or_else(|| self.refused(field, "a number from 0 to 1"))
    }

    /// The base of the frequencies, which newer files put inside `rope_parameters`.
    fn rope_theta(&self) -> Result<u64, ReferenceError> {
        let mut value = self.present("rope_theta");
        if let Some(parameters) = self.present("rope_parameters") {
            let rope_type = parameters.get("rope_type").filter(|value| !value.is_null());
            if !parameters.is_object() || rope_type.is_some_and(|value| value != "default") {
                let expected = "an object with rope_type \"default\"";
                return Err(self.refused("rope_parameters", expected));
            }
            value = parameters.get("rope_theta").or(value);
        }
        let Some(value) = value else { return Ok(DEFAULT_THETA) };
        // Python writes the integer as 10000.0.
        let theta = value.as_f64().filter(|theta| {
            (2.0..=MAX_THETA).contains(theta) && theta.to_bits() == theta.trunc().to_bits()
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        let theta = theta.map(|theta| theta as u64);
        theta.ok_or_else(|| refused("rope_theta", "an integer from 2 to 2^53", Some(value)))
    }

    fn tied(&self) -> Result<bool, ReferenceError> {
        let field = "tie_word_embeddings";
        self.present(field).map_or(Ok(false), |value| {
            value.as_bool().ok_or_else(|| self.refused(field, "true or false"))
        })
    }

    /// One token, a list of tokens, or none.
    fn end_tokens(&self, vocabulary: u32) -> Result<Vec<u32>, ReferenceError> {
        let field = "eos_token_id";
        let values = match self.present(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) if values.len() <= MAX_END_TOKENS => values.as_slice(),
            Some(value) => core::slice::from_ref(value),
        };
        let token = |value: &Value| {
            let token = value.as_u64().and_then(|token| u32::try_from(token).ok());
            token
                .filter(|token| *token < vocabulary)
                .ok_or_else(|| self.refused(field, "tokens of the vocabulary, at most 64"))
        };
        values.iter().map(token).collect()
    }
}

fn refused(field: &'static str, expected: &'static str, got: Option<&Value>) -> ReferenceError {
    let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
    ReferenceError::Field { field, expected, got: got.chars().take(64).collect() }
}

const DEFAULT_THETA: u64 = 10_000;
const MAX_CONTEXT: u32 = 1 << 17;
const MAX_END_TOKENS: usize = 64;
const MAX_HEAD_DIM: u32 = 256;
const MAX_LAYERS: u32 = 1_024;
const MAX_THETA: f64 = 9_007_199_254_740_992.0;
const MAX_WIDTH: u32 = 1 << 20;
