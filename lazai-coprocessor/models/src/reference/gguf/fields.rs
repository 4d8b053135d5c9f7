//! The metadata of an architecture.

use core::{cell::RefCell, fmt};
use std::collections::BTreeSet;

use lazai_coprocessor::architecture::{
    Architecture, Biases, FeedForward, Gelu, Head, Mask, Norm, NormOrder, Pooling, Positions,
    Rotary, RotaryScaling,
};

use super::{
    refusal::refused,
    tensors::{OUTPUT, ROPE_FREQUENCIES, without_ones},
};
use crate::{
    gguf::{Array, Gguf, GgufError, Value},
    reference::{
        Note, ReferenceError,
        limits::{MAX_CONTEXT, MAX_HEAD_DIM, MAX_LAYERS, MAX_THETA, MAX_WHOLE_CONTEXT, MAX_WIDTH},
    },
};

/// The metadata of a GGUF file under the keys of its architecture.
pub struct GgufFields<'a> {
    file: &'a Gguf,
    architecture: &'a str,
    /// The pooling that was asked for.
    pooling: Option<Pooling>,
    /// The keys that were asked for.
    asked: RefCell<BTreeSet<String>>,
    notes: RefCell<Vec<Note>>,
}

impl fmt::Debug for GgufFields<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GgufFields").field("architecture", &self.architecture).finish()
    }
}

impl<'a> GgufFields<'a> {
    pub(in crate::reference) fn new(
        file: &'a Gguf,
        architecture: &'a str,
        pooling: Option<Pooling>,
    ) -> Self {
        let (asked, notes) = (RefCell::default(), RefCell::default());
        Self { file, architecture, pooling, asked, notes }
    }

    /// Returns what a user should know.
    pub(in crate::reference) fn into_notes(self) -> Vec<Note> {
        self.notes.into_inner()
    }

    /// Returns the value of `general.architecture`.
    #[must_use]
    pub const fn architecture(&self) -> &str {
        self.architecture
    }

    /// Returns whether the file has a tensor.
    #[must_use]
    pub fn has_tensor(&self, tensor: &str) -> bool {
        self.file.tensors().contains_key(tensor)
    }

    /// Returns the rows of a matrix; 0 if the file lacks it.
    #[must_use]
    pub fn rows(&self, tensor: &str) -> usize {
        let shape = self.file.tensors().get(tensor).map(|info| without_ones(&info.shape, 2));
        shape.and_then(|shape| shape.first().copied()).unwrap_or(0)
    }

    /// Tells the user something.
    pub fn note(&self, note: Note) {
        self.notes.borrow_mut().push(note);
    }

    /// Reads what all architectures have; the rest is that of GPT-2.
    ///
    /// `epsilon` is the key of what the norms add to a mean square.
    ///
    /// # Errors
    /// [`ReferenceError`], which names the key or tensor, if one is absent or not implemented.
    pub fn base(&self, epsilon: &str) -> Result<Architecture, ReferenceError> {
        let embedding = "token_embd.weight";
        if !self.has_tensor(embedding) {
            return Err(ReferenceError::MissingTensor { tensor: embedding.to_owned() });
        }
        let vocabulary = u32::try_from(self.rows(embedding)).unwrap_or(0);
        self.check_neutral()?;
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
        let value_dim = self.integer("attention.value_length", Some(head_dim))?;
        if value_dim != head_dim {
            let expected = "the length of a key";
            return Err(self.refused("attention.value_length", expected, &value_dim));
        }
        let layers = self.integer("block_count", None)?;
        if layers > MAX_LAYERS {
            return Err(self.refused("block_count", "at most 1,024", &layers));
        }
        let causal = self.bool("attention.causal")?.unwrap_or(true);
        let positions = self.integer("context_length", None)?;
        let context = positions.min(if causal { MAX_CONTEXT } else { MAX_WHOLE_CONTEXT });
        if context < positions {
            self.note(Note::Context { positions: positions.into(), context });
        }
        let key = self.key(epsilon);
        let norm_epsilon = self.file.f32(&key)?.ok_or_else(|| GgufError::missing_key(&key))?;
        if !(0.0..=1.0).contains(&norm_epsilon) {
            return Err(refused(&key, "a number from 0 to 1", &norm_epsilon));
        }
        let own = if self.has_tensor(OUTPUT) { Head::Own } else { Head::Tied };
        Ok(Architecture {
            vocabulary,
            hidden,
            intermediate: self.integer("feed_forward_length", None)?,
            layers,
            heads,
            kv_heads,
            head_dim,
            context,
            mask: if causal { Mask::Causal } else { Mask::Bidirectional },
            biases: Biases { query_key_value: true, attention_output: true, feed_forward: true },
            head_norm: false,
            norm: Norm::Layer,
            norm_order: NormOrder::Pre,
            norm_epsilon: decimal(norm_epsilon),
            positions: Positions::Learned,
            feed_forward: FeedForward::Gelu(Gelu::Tanh),
            // Where tokens see those after them, no next one is to be found.
            head: if causal { own } else { Head::None },
            pooling: self.pooling()?,
            end_tokens: if causal { self.end_tokens(vocabulary)? } else { Vec::new() },
        })
    }

    /// Reads how the rows of a text become one, unless that was asked for.
    fn pooling(&self) -> Result<Pooling, ReferenceError> {
        let kind = self.u32("pooling_type")?;
        if let Some(pooling) = self.pooling {
            return Ok(pooling);
        }
        match kind {
            // Files of models that do not embed say nothing, or 0.
            None | Some(0 | 1) => Ok(Pooling::Mean),
            Some(2) => Ok(Pooling::First),
            Some(3) => Ok(Pooling::Last),
            Some(got) => {
                let expected = "1 (mean), 2 (first) or 3 (last); or choose with --pooling";
                Err(self.refused("pooling_type", expected, &got))
            }
        }
    }

    /// Refuses what no architecture here implements.
    fn check_neutral(&self) -> Result<(), ReferenceError> {
        for key in ["expert_count", "expert_used_count"] {
            if let Some(got) = self.u32(key)?.filter(|got| *got > 0) {
                return Err(self.refused(key, "0: mixtures of experts are not read", &got));
            }
        }
        for (key, neutral) in NEUTRAL {
            let key = self.key(key);
            if let Some(got) = self.file.f32(&key)?.filter(|got| got != neutral) {
                return Err(refused(&key, format!("{neutral}"), &got));
            }
        }
        match self.bool("use_parallel_residual")? {
            Some(true) => Err(self.refused("use_parallel_residual", "false", &"true")),
            _ => Ok(()),
        }
    }

    /// Refuses keys of the architecture that nobody asked for, unless they are known to change
    /// nothing.
    pub(in crate::reference) fn check_others(&self) -> Result<(), ReferenceError> {
        let prefix = self.key("");
        let asked = self.asked.borrow();
        for (key, value) in self.file.entries() {
            let Some(name) = key.strip_prefix(&prefix) else { continue };
            if !asked.contains(key) && !IRRELEVANT.contains(&name) {
                let expected = "absent, because its meaning is not implemented";
                return Err(refused(key, expected, &value.describe()));
            }
        }
        Ok(())
    }

    /// Reads the frequencies of rotary positions.
    ///
    /// # Errors
    /// [`ReferenceError::Key`] for values that are not implemented.
    pub fn rotary(&self, head_dim: u32) -> Result<Rotary, ReferenceError> {
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
        let (kind_key, factor_key) = (self.key("rope.scaling.type"), self.key(FACTOR));
        let (kind, old) = (self.file.text(&kind_key)?, self.file.f32(&self.key(OLD_FACTOR))?);
        let factor = self.file.f32(&factor_key)?.or(old);
        let scaling = match (kind, factor) {
            (Some("linear"), None) => return Err(GgufError::missing_key(&factor_key).into()),
            // A factor without a type is linear, and 0 is none.
            (None | Some("linear"), Some(factor)) if factor > 0.0 => {
                RotaryScaling::Linear { factor_q32: q32(&factor_key, factor)? }
            }
            (None | Some("linear" | "none"), _) => RotaryScaling::None,
            (Some(got), _) => return Err(refused(&kind_key, "none or linear", &got)),
        };
        if !self.has_tensor(ROPE_FREQUENCIES) {
            return Ok(Rotary { theta, scaling });
        }
        let divisors = self.file.tensor(ROPE_FREQUENCIES)?;
        let factor = if let RotaryScaling::Linear { .. } = scaling { factor } else { None };
        // Both divide.
        let divisors = divisors.iter().map(|divisor| divisor * factor.unwrap_or(1.0));
        let q32 = divisors.map(|divisor| q32(ROPE_FREQUENCIES, divisor));
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
        for (key, token) in self.file.named_end_tokens()? {
            if token >= vocabulary {
                return Err(refused(key, "a token of the vocabulary", &token));
            }
            tokens.push(token);
        }
        for token in self.file.spelled_end_tokens()? {
            if token < vocabulary {
                tokens.push(token);
            }
        }
        let mut seen = BTreeSet::new();
        tokens.retain(|token| seen.insert(*token));
        Ok(tokens)
    }

    /// Reads a positive integer up to 2^20 under a key of the architecture; a number for each layer
    /// must be the same for all.
    ///
    /// # Errors
    /// [`ReferenceError::Key`] for another value, [`ReferenceError::Gguf`] if the key is absent and
    /// there is no default.
    pub fn integer(&self, key: &str, default: Option<u32>) -> Result<u32, ReferenceError> {
        let key = self.key(key);
        let numbers = self.file.metadata(&key).and_then(Value::as_array).and_then(Array::to_i64s);
        let got = match numbers.as_deref() {
            Some([first, rest @ ..]) if rest.iter().all(|number| number == first) => {
                u32::try_from(*first).ok()
            }
            Some(numbers) => {
                let expected = "one number, or the same for all layers";
                return Err(refused(&key, expected, &format!("{numbers:?}")));
            }
            None => self.file.u32(&key)?.or(default),
        };
        let got = got.ok_or_else(|| GgufError::missing_key(&key))?;
        if (1..=MAX_WIDTH).contains(&got) {
            Ok(got)
        } else {
            Err(refused(&key, "a positive integer up to 2^20", &got))
        }
    }

    /// Reads a boolean under a key of the architecture.
    ///
    /// # Errors
    /// [`GgufError::Value`] for another value.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.file.bool(&self.key(key))
    }

    /// Reads an integer of 32 bits under a key of the architecture.
    ///
    /// # Errors
    /// [`GgufError::Value`] for another value.
    pub fn u32(&self, key: &str) -> Result<Option<u32>, GgufError> {
        self.file.u32(&self.key(key))
    }

    /// Returns the error that refuses the value of a key of the architecture.
    pub fn refused(&self, key: &str, expected: &'static str, got: &dyn ToString) -> ReferenceError {
        refused(&self.key(key), expected, got)
    }

    fn key(&self, key: &str) -> String {
        let key = format!("{}.{key}", self.architecture);
        self.asked.borrow_mut().insert(key.clone());
        key
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

const FACTOR: &str = "rope.scaling.factor";

/// Keys of an architecture that change nothing in those that are read.
const IRRELEVANT: [&str; 10] = [
    "attention.layer_norm_epsilon",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_log_multiplier",
    "tensor_data_layout",
    "vocab_size",
];

/// Numbers that no architecture here has, with the values that change nothing.
const NEUTRAL: &[(&str, f32)] = &[
    ("attention.clamp_kqv", 0.0),
    ("attention.max_alibi_bias", 0.0),
    ("attn_logit_softcapping", 0.0),
    ("embedding_scale", 1.0),
    ("final_logit_softcapping", 0.0),
    ("logit_scale", 1.0),
    ("residual_scale", 1.0),
    ("rope.scaling.attn_factor", 1.0),
];

const OLD_FACTOR: &str = "rope.scale_linear";
