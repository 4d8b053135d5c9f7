use core::fmt::Debug;

use super::{Note, ReferenceError};

/// Tensors by name, in a file that is read piece by piece.
pub(super) trait TensorSource: Debug + Send + Sync {
    /// Returns all names, sorted.
    fn names(&self) -> Vec<String>;

    /// Returns the shape of a tensor that can be read and should have `rank` sizes, outermost
    /// first.
    fn shape(&self, name: &str, rank: usize) -> Result<Vec<usize>, ReferenceError>;

    /// Reads the elements of a tensor, all of them finite.
    fn read(&self, name: &str) -> Result<Vec<f32>, ReferenceError>;

    /// Returns whether two tensors have the same elements.
    fn same(&self, first: &str, second: &str) -> Result<bool, ReferenceError> {
        Ok(self.read(first)? == self.read(second)?)
    }

    /// Reads the `tokenizer.json` that belongs to the tensors, for an embedding of `vocabulary`
    /// rows, and what a user should know of it.
    fn tokenizer_json(&self, vocabulary: u32) -> Result<(Vec<u8>, Vec<Note>), ReferenceError>;
}
