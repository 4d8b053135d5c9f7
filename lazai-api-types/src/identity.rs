use core::fmt;

use alloy_primitives::{B256, U256};

/// The identity of a model: the Merkle root over the bytes of its artifact.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ModelId(pub B256);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<B256> for ModelId {
    fn from(root: B256) -> Self {
        Self(root)
    }
}

/// The id of a Data Anchoring Token, which the deployed contracts call a file id.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct DatId(pub U256);

/// A number that a wallet uses once for each AI node; strictly increasing, gaps allowed.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Nonce(pub U256);

/// The index of a token in a model's vocabulary.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct TokenId(pub u32);

/// Which proof system made a proof. Ids from 1,000 are free for private use.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ProofSystemId(pub u32);

impl ProofSystemId {
    /// A quorum ran the job again and signed the result.
    pub const QUORUM: Self = Self(0);
    /// halo2 with KZG commitments over bn256.
    pub const HALO2: Self = Self(1);
    /// Sumcheck, logup and WHIR over `KoalaBear`.
    pub const SUMCHECK: Self = Self(2);
    /// A STARK.
    pub const STARK: Self = Self(3);
    /// Groth16 over bn254, as zkMIPS, SP1 and RISC Zero emit it.
    pub const GROTH16: Self = Self(4);
    /// PLONK as gnark emits it.
    pub const PLONK: Self = Self(5);
    /// Accepted unless disputed.
    pub const OPTIMISTIC: Self = Self(6);
    /// A leaf of off-chain data with its path to the dataset's commitment.
    pub const DATA_OPENING: Self = Self(7);
}
