use alloc::{string::String, vec::Vec};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Capabilities, EmbeddingObject, Input, ListObject, OtherFields, Request, RequestError,
    capabilities, limits,
    number::whole,
    request_error::{bound_number, bound_text},
    text_or_list::TextOrList,
};
use crate::authorization::LazaiFields;

/// Asks for vectors that stand for the meaning of prompts: the body of `POST /v1/embeddings`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct EmbeddingRequest {
    /// The model.
    pub model: String,
    /// The prompts; each has its own embedding.
    pub input: Input,
    /// Numbers of an embedding, where the model leaves a choice.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// How the numbers are written. Absent means `float`; the Python and Node clients send `base64`
    /// unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<EncodingFormat>,
    /// An identifier of the end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Who pays, and which data may be used.
    #[serde(flatten)]
    pub lazai: LazaiFields,
    /// Fields that this type does not have; refused if they would change the answer.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Request for EmbeddingRequest {
    fn validate(&self) -> Result<(), RequestError> {
        bound_text("model", &self.model, limits::MAX_NAME_BYTES)?;
        bound_number("dimensions", self.dimensions, 1, limits::MAX_DIMENSIONS)?;
        self.input.validate("input")?;
        self.other.validate()
    }

    fn check(&self, server: &Capabilities) -> Result<(), RequestError> {
        capabilities::check(&[("dimensions", self.dimensions.is_some(), server.dimensions)])
    }
}

/// How the numbers of an embedding are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EncodingFormat {
    /// Little-endian 32-bit floats in base64.
    Base64,
    /// A list of numbers.
    #[default]
    Float,
}

/// The answer to an embedding request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct EmbeddingResponse {
    /// Always `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The embeddings, in the order of the prompts.
    pub data: Vec<Embedding>,
    /// The model that answered.
    pub model: String,
    /// Tokens used.
    pub usage: EmbeddingUsage,
}

/// The embedding of one prompt.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Embedding {
    /// Always `embedding`.
    #[serde(default)]
    pub object: EmbeddingObject,
    /// The place of its prompt among the prompts.
    pub index: u32,
    /// The numbers.
    pub embedding: EmbeddingVector,
}

/// Tokens that an embedding request used.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct EmbeddingUsage {
    /// Tokens read.
    pub prompt_tokens: u32,
    /// The same, since an embedding writes none.
    pub total_tokens: u32,
}

/// The numbers of an embedding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EmbeddingVector {
    /// Little-endian 32-bit floats in base64.
    Base64(String),
    /// A list of numbers.
    Float(Vec<f32>),
}

impl EmbeddingVector {
    /// Writes `values` in `format`.
    #[must_use]
    pub fn new(values: Vec<f32>, format: EncodingFormat) -> Self {
        match format {
            EncodingFormat::Float => Self::Float(values),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = values.iter().copied().flat_map(f32::to_le_bytes).collect();
                Self::Base64(BASE64_STANDARD.encode(bytes))
            }
        }
    }

    /// Writes the integers of an [`Output::Embedding`](crate::Output::Embedding) in `format`.
    ///
    /// Arithmetic: each value times `2^-fraction_bits`, which a 32-bit float holds exactly.
    ///
    /// # Errors
    /// [`EmbeddingError::FractionBits`] if the power of two is not a normal float.
    pub fn from_fixed_point(
        values: &[i16],
        fraction_bits: u8,
        format: EncodingFormat,
    ) -> Result<Self, EmbeddingError> {
        if fraction_bits > MAX_FRACTION_BITS {
            return Err(EmbeddingError::FractionBits {
                got: fraction_bits,
                max: MAX_FRACTION_BITS,
            });
        }
        let unit = f32::from_bits((127 - u32::from(fraction_bits)) << 23);
        Ok(Self::new(values.iter().map(|value| f32::from(*value) * unit).collect(), format))
    }

    /// Returns the numbers.
    ///
    /// # Errors
    /// [`EmbeddingError::Base64`] or [`EmbeddingError::Length`] if the base64 is not that of whole
    /// floats.
    pub fn values(&self) -> Result<Vec<f32>, EmbeddingError> {
        let text = match self {
            Self::Float(values) => return Ok(values.clone()),
            Self::Base64(text) => text,
        };
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| EmbeddingError::Base64)?;
        let (floats, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(EmbeddingError::Length { got: bytes.len() as u64 });
        }
        Ok(floats.iter().copied().map(f32::from_le_bytes).collect())
    }
}

impl Default for EmbeddingVector {
    fn default() -> Self {
        Self::Float(Vec::new())
    }
}

impl<'de> Deserialize<'de> for EmbeddingVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) => Self::Base64(text),
            TextOrList::List(values) => Self::Float(values),
        })
    }
}

/// Why an embedding could not be written or read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EmbeddingError {
    /// The text is not base64.
    #[error("the embedding is not base64")]
    Base64,
    /// There are more bits behind the binary point than a float can hold exactly.
    #[error("the embedding has {got} fraction bits, above the limit {max}")]
    FractionBits {
        /// Bits behind the binary point.
        got: u8,
        /// Most bits.
        max: u8,
    },
    /// The bytes are not whole floats.
    #[error("the embedding has {got} bytes, which is not a multiple of 4")]
    Length {
        /// Bytes of the embedding.
        got: u64,
    },
}

/// The exponent of the least normal 32-bit float.
const MAX_FRACTION_BITS: u8 = 126;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn base64_is_little_endian() {
        let vector = EmbeddingVector::new(vec![1.0, -2.5], EncodingFormat::Base64);
        assert_eq!(vector, EmbeddingVector::Base64("AACAPwAAIMA=".into()));
        assert_eq!(vector.values(), Ok(vec![1.0, -2.5]));
    }

    #[test]
    fn fixed_point_is_exact() {
        let vector = EmbeddingVector::from_fixed_point(
            &[i16::MIN, -1, 0, 3, i16::MAX],
            15,
            EncodingFormat::Float,
        );
        let expected = vec![-1.0, -1.0 / 32_768.0, 0.0, 3.0 / 32_768.0, 32_767.0 / 32_768.0];
        assert_eq!(vector, Ok(EmbeddingVector::Float(expected)));
        let vector = EmbeddingVector::from_fixed_point(&[7], 0, EncodingFormat::Float);
        assert_eq!(vector, Ok(EmbeddingVector::Float(vec![7.0])));
        let vector = EmbeddingVector::from_fixed_point(&[1], 126, EncodingFormat::Float);
        assert_eq!(vector, Ok(EmbeddingVector::Float(vec![f32::MIN_POSITIVE])));
        assert_eq!(
            EmbeddingVector::from_fixed_point(&[1], 127, EncodingFormat::Float),
            Err(EmbeddingError::FractionBits { got: 127, max: 126 })
        );
    }

    #[test]
    fn broken_base64_is_refused() {
        let values = |text: &str| EmbeddingVector::Base64(text.into()).values();
        assert_eq!(values("AACAPwAAIMA"), Err(EmbeddingError::Base64));
        assert_eq!(values("?"), Err(EmbeddingError::Base64));
        assert_eq!(values("AACAPwA="), Err(EmbeddingError::Length { got: 5 }));
        assert_eq!(values(""), Ok(vec![]));
    }
}
