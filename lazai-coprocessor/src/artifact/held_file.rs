//! The files that an artifact holds as tensors.

use core::ops::Range;
use std::collections::BTreeMap;

use super::{ArtifactError, Element, TensorInfo};

/// Where a file inside the artifact lies: a row of bytes, since any other shape would give it a
/// second form.
pub(super) fn held_file(
    tensors: &BTreeMap<String, TensorInfo>,
    name: &'static str,
) -> Result<Range<usize>, ArtifactError> {
    let info =
        tensors.get(name).ok_or_else(|| ArtifactError::MissingTensor { name: name.to_owned() })?;
    if info.element == Element::U8 && info.shape.len() == 1 {
        return Ok(info.range());
    }
    Err(ArtifactError::Tensor {
        name: name.to_owned(),
        expected: "U8 of one dimension".to_owned(),
        got: info.to_string(),
    })
}

/// Name of the tensor that holds the manifest.
pub(crate) const MANIFEST: &str = "manifest.json";

/// Name of the tensor that holds the tokenizer.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
