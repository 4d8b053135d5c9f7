#[cfg(feature = "prover")]
use lazai_coprocessor::program::Target;

/// What a proof shows of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Goal {
    /// The unit vector.
    Embedding,
    /// The scores after the last token, or the whole result of a network that reads a tensor.
    Values,
    /// The best token after each of the last tokens, so many of them.
    Best(u32),
}

#[cfg(feature = "prover")]
impl Goal {
    /// What the program has to compute.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Embedding => Target::Embedding,
            Self::Best(_) | Self::Values => Target::Logits,
        }
    }

    /// Rows of scores that the program has to compute.
    #[must_use]
    pub const fn outputs(self) -> usize {
        match self {
            Self::Best(count) => count as usize,
            Self::Embedding | Self::Values => 1,
        }
    }
}
