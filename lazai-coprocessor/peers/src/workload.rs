//! Workloads: shapes of networks, and how many tokens run through them.

use serde::{Deserialize, Serialize};

/// A network of some shape and the tokens that run through it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Workload {
    pub name: &'static str,
    pub kind: Kind,
    pub vocabulary: usize,
    pub hidden: usize,
    pub intermediate: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub layers: usize,
    /// Tokens that are read at once.
    pub prompt: usize,
    /// Tokens that are then read one by one, as when they are generated; 0 for an encoder.
    pub new: usize,
}

/// The result that a network computes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A vector of the whole text, by a BERT.
    Encoder,
    /// Scores of the next token, by a Llama.
    Llama,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self { name: "110M", ..Self::SMALL },
        Self {
            name: "1.1B",
            kind: Kind::Llama,
            vocabulary: 32_000,
            hidden: 2_048,
            intermediate: 5_632,
            heads: 32,
            kv_heads: 4,
            layers: 22,
            prompt: 256,
            new: 32,
        },
        Self { name: "minilm-128", prompt: 128, ..Self::MINILM },
        Self { name: "minilm-32", prompt: 32, ..Self::MINILM },
        Self { name: "110M-8k", prompt: 8_000, new: 32, ..Self::SMALL },
    ];

    /// Those that are measured if none is named: a long prompt takes some engines minutes.
    pub const USUAL: [&str; 4] = ["110M", "1.1B", "minilm-128", "minilm-32"];

    const SMALL: Self = Self {
        name: "small",
        kind: Kind::Llama,
        vocabulary: 32_000,
        hidden: 768,
        intermediate: 2_048,
        heads: 12,
        kv_heads: 12,
        layers: 12,
        prompt: 512,
        new: 64,
    };

    const MINILM: Self = Self {
        name: "minilm",
        kind: Kind::Encoder,
        vocabulary: 30_522,
        hidden: 384,
        intermediate: 1_536,
        heads: 12,
        kv_heads: 12,
        layers: 6,
        prompt: 128,
        new: 0,
    };

    /// Returns the workload of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name == name)
    }

    /// Returns the most positions of a sequence.
    pub fn context(&self) -> usize {
        (self.prompt + self.new).max(1_024)
    }

    /// Returns the number of elements of a head.
    pub const fn head_dim(&self) -> usize {
        self.hidden / self.heads
    }

    /// Returns the prompt: ordinary tokens, all different from the special ones.
    pub fn tokens(&self) -> Vec<u32> {
        (0..self.prompt).map(Self::token).collect()
    }

    /// Returns the token at a place.
    pub fn token(index: usize) -> u32 {
        300 + (index * 37 % 20_000) as u32
    }
}
