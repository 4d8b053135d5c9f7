#[cfg(feature = "prover")]
use lazai_coprocessor::program::Target;

/// The part of a run's result that a proof makes public.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProvedOutput {
    /// The embedding: a unit vector.
    Embedding,
    /// The logits after the last token, or the whole result of a network that reads a tensor.
    Logits,
    /// The `n` tokens that a run of [`Task::GreedyTokens`](lazai_api_types::Task::GreedyTokens)
    /// chooses: the best token after each of the last `n` tokens that the network reads.
    GreedyTokens(u32),
}

#[cfg(feature = "prover")]
impl ProvedOutput {
    /// Returns what the program has to compute.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Embedding => Target::Embedding,
            Self::GreedyTokens(_) | Self::Logits => Target::Logits,
        }
    }

    /// Returns how many rows of logits the program has to compute.
    #[must_use]
    pub const fn outputs(self) -> usize {
        match self {
            Self::GreedyTokens(count) => count as usize,
            Self::Embedding | Self::Logits => 1,
        }
    }
}
