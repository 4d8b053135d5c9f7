//! Checkpoints in GGUF files.

use std::collections::BTreeMap;

use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
    Rotary, RotaryScaling,
};

use super::{
    Family, ReferenceError, TensorSource,
    limits::{MAX_CONTEXT, MAX_HEAD_DIM, MAX_LAYERS, MAX_THETA, MAX_WIDTH},
    weights::WeightMapping,
};
use crate::gguf::{Gguf, GgufError};

/// Reads the architecture of a GGUF file, and where its weights are.
pub(super) fn describe(
    file: &Gguf,
) -> Result<(Architecture, BTreeMap<String, WeightMapping>), ReferenceError> {
    let key = "general.architecture";
    let name = file.text(key)?.ok_or_else(|| GgufError::missing_key(key))?;
    let family = Family::of_gguf_architecture(name)
        .ok_or_else(|| refused(key, Family::GGUF_ARCHITECTURES, &name))?;
    let (rules, fields) = (family.rules(), GgufFields { file, architecture: name });
    let architecture = rules.read_gguf(&fields)?;
    let mappings = WeightMapping::of_all(&architecture, |name| {
        rules.map_gguf_weight(&architecture, &fields, name)
    });
    Ok((architecture, mappings))
}

/// Returns whether a tensor that no weight is read from does not change the result: the divisors of
/// rotary frequencies are read apart.
pub(super) fn is_redundant(name: &str) -> bool {
    name == ROPE_FREQUENCIES || name == "token_types.weight"
}

impl TensorSource for Gguf {
    fn names(&self) -> Vec<String> {
        self.tensors().keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, ReferenceError> {
        match self.tensors().get(name) {
            Some(info) => Ok(info.shape.clone()),
            None => Err(ReferenceError::MissingTensor { tensor: name.to_owned() }),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        Ok(self.tensor(name)?)
    }

    fn tokenizer_json(&self) -> Result<Vec<u8>, ReferenceError> {
        Ok(Self::tokenizer_json(self)?)
    }
}

/// The metadata of a GGUF file under the keys of its architecture.
pub(super) struct GgufFields<'a> {
    file: &'a Gguf,
    architecture: &'a str,
}

impl GgufFields<'_> {
    /// Returns the value of `general.architecture`.
    pub(super) const fn architecture(&self) -> &str {
        self.architecture
    }

    /// Returns whether the file has a tensor.
    pub(super) fn has_tensor(&self, tensor: &str) -> bool {
        self.file.tensors().contains_key(tensor)
    }

    /// Returns the rows of a tensor; 0 if the file lacks it.
    pub(super) fn rows(&self, tensor: &str) -> usize {
        self.file.tensors().get(tensor).map_or(0, |info| info.shape[0])
    }

    /// Reads what all architectures have; the rest is that of GPT-2.
    ///
    /// `epsilon` is the key of what the norms add to a mean square.
    pub(super) fn base(&self, epsilon: &str) -> Result<Architecture, ReferenceError> {
        let embedding = "token_embd.weight";
        let missing = || ReferenceError::MissingTensor { tensor: embedding.to_owned() };
        let shape = &self.file.tensors().get(embedding).ok_or_else(missing)?.shape;
        let vocabulary = shape.first().and_then(|rows| u32::try_from(*rows).ok()).unwrap_or(0);
        let hidden = self.integer("embedding_length", None)?;
        let heads = self.integer("attention.head_count", None)?;
        let kv_heads = self.integer("attention.head_count_kv", Some(heads))?;
        let head_dim = self.integer("attention.key_length", Some(hidden / heads))?;
        let even = head_dim.is_multiple_of(2) && (2..=MAX_HEAD_DIM).contains(&head_dim);
        if !even || heads.saturating_mul(head_dim) > MAX_WIDTH {
            let expected = "even, at most 256, and at most 2^20 times all heads";
            return Err(self.refused("attention.key_length", expected, &head_dim));
        }
        if !heads.is_multiple_of(kv_heads) {
            let expected = "a divisor of the head count";
            return Err(self.refused("attention.head_count_kv", expected, &kv_heads));
        }
        let layers = self.integer("block_count", None)?;
        if layers > MAX_LAYERS {
            return Err(self.refused("block_count", "at most 1,024", &layers));
        }
        let context = self.integer("context_length", None)?.min(MAX_CONTEXT);
        let key = self.key(epsilon);
        let norm_epsilon = self.file.f32(&key)?.ok_or_else(|| GgufError::missing_key(&key))?;
        if !(0.0..=1.0).contains(&norm_epsilon) {
            return Err(refused(&key, "a number from 0 to 1", &norm_epsilon));
        }
        let own = self.has_tensor("output.weight");
        Ok(Architecture {
            vocabulary,
            hidden,
            intermediate: self.integer("feed_forward_length", None)?,
            layers,
            heads,
            kv_heads,
            head_dim,
            context,
            mask: Mask::Causal,
            biases: Biases { query_key_value: true, attention_output: true, feed_forward: true },
            head_norm: false,
            norm: Norm::Layer,
            norm_order: NormOrder::Pre,
            norm_epsilon: decimal(norm_epsilon),
            positions: Positions::Learned,
            feed_forward: FeedForward::Gelu(Gelu::Tanh),
            head: if own { Head::Own } else { Head::Tied },
            pooling: Pooling::Mean,
            end_tokens: self.end_tokens(vocabulary)?,
        })
    }

    /// Reads the frequencies of rotary positions.
    pub(super) fn rotary(&self, head_dim: u32) -> Result<Rotary, ReferenceError> {
        let dimensions = self.integer("rope.dimension_count", Some(head_dim))?;
        if dimensions != head_dim {
            let expected = "the width of a head";
            return Err(self.refused("rope.dimension_count", expected, &dimensions));
        }
        let key = self.key("rope.freq_base");
        let theta = f64::from(self.file.f32(&key)?.unwrap_or(10_000.0));
        if !(2.0..=MAX_THETA).contains(&theta) || theta.to_bits() != theta.trunc().to_bits() {
            return Err(refused(&key, "an integer from 2 to 2^53", &theta));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let theta = theta as u64;
        let key = self.key("rope.scaling.type");
        let factor_key = self.key("rope.scaling.factor");
        let scaling = match self.file.text(&key)? {
            None | Some("none") => RotaryScaling::None,
            Some("linear") => {
                let factor = self.file.f32(&factor_key)?;
                let factor = factor.ok_or_else(|| GgufError::missing_key(&factor_key))?;
                RotaryScaling::Linear { factor_q32: q32(&factor_key, factor)? }
            }
            Some(got) => return Err(refused(&key, "none or linear", &got)),
        };
        if !self.has_tensor(ROPE_FREQUENCIES) {
            return Ok(Rotary { theta, scaling });
        }
        let divisors = self.file.tensor(ROPE_FREQUENCIES)?;
        let q32 = divisors.iter().map(|divisor| q32(ROPE_FREQUENCIES, *divisor));
        let divisors_q32: Vec<u64> = q32.collect::<Result<_, _>>()?;
        if divisors_q32.len() != head_dim as usize / 2 {
            let (expected, got) = (vec![head_dim as usize / 2], vec![divisors_q32.len()]);
            return Err(ReferenceError::Shape {
                tensor: ROPE_FREQUENCIES.to_owned(),
                expected,
                got,
            });
        }
        Ok(Rotary { theta, scaling: RotaryScaling::Divisors { divisors_q32 } })
    }

    fn end_tokens(&self, vocabulary: u32) -> Result<Vec<u32>, ReferenceError> {
        let mut tokens = Vec::new();
        for name in ["eos", "eot", "eom"] {
            let key = format!("tokenizer.ggml.{name}_token_id");
            let Some(token) = self.file.u32(&key)? else { continue };
            if token >= vocabulary {
                return Err(refused(&key, "a token of the vocabulary", &token));
            }
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        Ok(tokens)
    }

    /// Reads a positive integer up to 2^20 under a key of the architecture.
    pub(super) fn integer(&self, key: &str, default: Option<u32>) -> Result<u32, ReferenceError> {
        let key = self.key(key);
        let got = self.file.u32(&key)?.or(default);
        let got = got.ok_or_else(|| GgufError::missing_key(&key))?;
        if (1..=MAX_WIDTH).contains(&got) {
            Ok(got)
        } else {
            Err(refused(&key, "a positive integer up to 2^20", &got))
        }
    }

    /// Reads a boolean under a key of the architecture.
    pub(super) fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.file.bool(&self.key(key))
    }

    /// Reads an integer of 32 bits under a key of the architecture.
    pub(super) fn u32(&self, key: &str) -> Result<Option<u32>, GgufError> {
        self.file.u32(&self.key(key))
    }

    /// Returns the error that refuses the value of a key of the architecture.
    pub(super) fn refused(
        &self,
        key: &str,
        expected: &'static str,
        got: &dyn ToString,
    ) -> ReferenceError {
        refused(&self.key(key), expected, got)
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }
}

/// Returns the shortest decimal number that is written as `value`: files keep 32 bits of what a
/// configuration says.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// Converts a number from 1 to 2^16 to 32 fraction bits.
fn q32(key: &str, value: f32) -> Result<u64, ReferenceError> {
    if !(1.0..=65_536.0).contains(&value) {
        return Err(refused(key, "a number from 1 to 2^16", &value));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^49")]
    let value = (f64::from(value) * 4_294_967_296.0).round() as u64;
    Ok(value)
}

fn refused(key: &str, expected: &'static str, got: &dyn ToString) -> ReferenceError {
    let got = got.to_string().chars().take(64).collect();
    ReferenceError::Key { key: key.to_owned(), expected, got }
}

const ROPE_FREQUENCIES: &str = "rope_freqs.weight";
