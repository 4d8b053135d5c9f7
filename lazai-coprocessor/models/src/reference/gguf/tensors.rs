//! The tensors of a GGUF file, and those that are not weights.

use lazai_coprocessor::architecture::{Architecture, Head};

use crate::{
    gguf::Gguf,
    reference::{Note, ReferenceError, tensor_source::TensorSource},
};

/// Returns whether a tensor that no weight is read from does not change the result: the divisors of
/// rotary frequencies are read apart, and scores of a network that only embeds are not asked for.
pub(in crate::reference) fn is_redundant(name: &str, architecture: &Architecture) -> bool {
    name == ROPE_FREQUENCIES
        || name == "token_types.weight"
        || (name == OUTPUT && architecture.head == Head::None)
}

impl TensorSource for Gguf {
    fn names(&self) -> Vec<String> {
        self.tensors().keys().cloned().collect()
    }

    fn shape(&self, name: &str, rank: usize) -> Result<Vec<usize>, ReferenceError> {
        match self.tensors().get(name) {
            Some(info) => Ok(without_ones(&info.shape, rank).to_vec()),
            None => Err(ReferenceError::MissingTensor { tensor: name.to_owned() }),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        Ok(self.tensor(name)?)
    }

    fn tokenizer_json(&self, _: u32) -> Result<(Vec<u8>, Vec<Note>), ReferenceError> {
        let (json, count) = (Self::tokenizer_json(self)?, self.rounded_scores()?);
        let note = (count > 0).then_some(Note::RoundedScores { count });
        Ok((json, note.into_iter().collect()))
    }
}

/// Returns a shape without sizes of 1 in front, by which ggml fills up a rank.
pub(super) fn without_ones(mut shape: &[usize], rank: usize) -> &[usize] {
    while let [1, rest @ ..] = shape
        && shape.len() > rank
    {
        shape = rest;
    }
    shape
}

pub(super) const OUTPUT: &str = "output.weight";
pub(super) const ROPE_FREQUENCIES: &str = "rope_freqs.weight";
