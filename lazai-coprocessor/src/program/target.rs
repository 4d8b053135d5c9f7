/// What a run of a program is for; operators that the target does not need are left out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// The unit vector of the whole text.
    Embedding,
    /// The scores after the last tokens.
    Logits,
}
