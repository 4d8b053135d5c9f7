use crate::failure::Failure;

/// Something that runs a workload.
pub trait Engine {
    /// Returns its name, version and instructions.
    fn about(&self) -> String;

    /// Starts a new sequence and reads the prompt, to the scores of its last token or the vector of
    /// the text.
    fn prefill(&mut self) -> Result<(), Failure>;

    /// Continues the sequence token by token, to the scores of each.
    fn decode(&mut self) -> Result<(), Failure>;
}
