use lazai_coprocessor::architecture::Pooling;

use super::Family;

/// How a checkpoint is read.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions<'a> {
    /// The families that are known.
    pub families: &'a [Family],
    /// How the rows of a text become one; `None` for what the checkpoint says.
    pub pooling: Option<Pooling>,
}

impl Default for OpenOptions<'_> {
    fn default() -> Self {
        Self { families: Family::ALL, pooling: None }
    }
}
