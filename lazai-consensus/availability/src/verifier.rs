use alloc::{boxed::Box, vec::Vec};

use alloy_primitives::B256;
use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Work,
    codec::{DecodeError, Reader},
};

use crate::{
    Coding, CodingError, CommitmentError, DatasetCommitment, LEAF_BYTES, MAX_OPENING_BYTES,
    Opening, OpeningError, verify_opening,
};

/// Verifies openings of datasets, as proofs of the system [`ProofSystemId::DATA_OPENING`].
///
/// The key holds the coding ([`OpeningKey`]), so one key serves all datasets of that coding. The
/// public values are the opened leaf and its position ([`OpeningValues`]); the proof holds the path
/// to the root ([`OpeningProof`]). Claims about runs of models are refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct DataOpeningVerifier;

impl DataOpeningVerifier {
    /// Verifies as [`verify`](ProofVerifier::verify) does, and returns the reason of a refusal.
    ///
    /// # Errors
    /// [`OpeningProofError`], the same on every machine.
    pub fn check(
        &self,
        key: &[u8],
        claim: Claim<'_>,
        proof: &[u8],
    ) -> Result<(), OpeningProofError> {
        let Claim::Values(values) = claim else { return Err(OpeningProofError::NoRuns) };
        let OpeningKey { coding } = OpeningKey::decode(key)?;
        let OpeningValues { root, stripe, shard, leaf, bytes } = OpeningValues::decode(values)?;
        let OpeningProof { data_bytes, stripes_root, path } = OpeningProof::decode(proof)?;
        let commitment = DatasetCommitment::new(data_bytes, coding, stripes_root)?;
        if commitment.root() != root {
            return Err(OpeningError::WrongDataset { expected: root }.into());
        }
        let opening = Opening { stripe, shard, leaf, bytes, path };
        Ok(verify_opening(&commitment, &opening)?)
    }
}

impl ProofVerifier for DataOpeningVerifier {
    fn id(&self) -> ProofSystemId {
        ProofSystemId::DATA_OPENING
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: KEY_BYTES as u64, proof_bytes: MAX_PROOF_BYTES as u64 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        COST.work(key_bytes, proof_bytes)
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        match OpeningKey::decode(key) {
            Ok(_) => Ok(()),
            Err(error) => Err(InvalidKey::new(error.code(), &error)),
        }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        Ok(self.check(key, claim, proof).is_ok())
    }
}

/// The verification key of openings: a coding.
///
/// Bytes, integers big-endian: version 1 ‖ `k` u16 ‖ `n` u16 ‖ bytes of a full stripe u32. `k`
/// follows from `n` ([`Coding::k`]); behind the version they are bytes 8 to 16 of the dataset's
/// commitment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpeningKey {
    /// The parameters of the erasure code.
    pub coding: Coding,
}

impl OpeningKey {
    /// Encodes the key; the format is given at [`OpeningKey`].
    #[must_use]
    pub fn encode(&self) -> [u8; KEY_BYTES] {
        let mut bytes = [KEY_VERSION; KEY_BYTES];
        bytes[1..3].copy_from_slice(&self.coding.k().to_be_bytes());
        bytes[3..5].copy_from_slice(&self.coding.n().to_be_bytes());
        bytes[5..].copy_from_slice(&self.coding.stripe_bytes().to_be_bytes());
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`OpeningProofError`] if the bytes are not canonical or the coding is out of bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, OpeningProofError> {
        let mut reader = Reader::new(bytes);
        reader.version(KEY_VERSION)?;
        let (k, n, stripe_bytes) = (reader.u16()?, reader.u16()?, reader.u32()?);
        reader.finish()?;
        let coding = Coding::with_stripe_bytes(n, stripe_bytes)?;
        if k != coding.k() {
            return Err(CommitmentError::Threshold { expected: coding.k(), got: k }.into());
        }
        Ok(Self { coding })
    }
}

/// The public values of an opening: the bytes of one leaf, and its position.
///
/// Bytes, integers big-endian: root of the dataset ‖ stripe u32 ‖ shard u16 ‖ leaf u32 ‖ the 1,024
/// bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpeningValues {
    /// The root of the dataset.
    pub root: B256,
    /// The stripe, from 0.
    pub stripe: u32,
    /// The shard of the stripe, from 0.
    pub shard: u16,
    /// The leaf of the shard, from 0.
    pub leaf: u32,
    /// The bytes of the leaf.
    pub bytes: Box<[u8; LEAF_BYTES]>,
}

impl OpeningValues {
    /// Returns the public values of `opening` in the dataset of `commitment`.
    #[must_use]
    pub fn new(commitment: &DatasetCommitment, opening: &Opening) -> Self {
        let Opening { stripe, shard, leaf, ref bytes, .. } = *opening;
        Self { root: commitment.root(), stripe, shard, leaf, bytes: bytes.clone() }
    }

    /// Encodes the values; the format is given at [`OpeningValues`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + 4 + 2 + 4 + LEAF_BYTES);
        bytes.extend_from_slice(self.root.as_slice());
        bytes.extend_from_slice(&self.stripe.to_be_bytes());
        bytes.extend_from_slice(&self.shard.to_be_bytes());
        bytes.extend_from_slice(&self.leaf.to_be_bytes());
        bytes.extend_from_slice(self.bytes.as_slice());
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`OpeningProofError::Decode`] if the length is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, OpeningProofError> {
        let mut reader = Reader::new(bytes);
        let root = reader.hash()?;
        let (stripe, shard, leaf) = (reader.u32()?, reader.u16()?, reader.u32()?);
        let bytes = Box::new(reader.array()?);
        reader.finish()?;
        Ok(Self { root, stripe, shard, leaf, bytes })
    }
}

/// The proof of an opening: the parts of the commitment beside the coding, and the Merkle path.
///
/// Bytes, integers big-endian: version 1 ‖ bytes of data u64 ‖ root of the stripes ‖ 32 bytes for
/// each sibling of the path, as in [`Opening`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpeningProof {
    /// The size of the dataset in bytes.
    pub data_bytes: u64,
    /// The root of the tree over the roots of the stripes.
    pub stripes_root: B256,
    /// The siblings, from the leaf up.
    pub path: Vec<B256>,
}

impl OpeningProof {
    /// Returns the proof of `opening` in the dataset of `commitment`.
    #[must_use]
    pub fn new(commitment: &DatasetCommitment, opening: &Opening) -> Self {
        let (data_bytes, stripes_root) = (commitment.bytes(), commitment.stripes_root());
        Self { data_bytes, stripes_root, path: opening.path.clone() }
    }

    /// Encodes the proof; the format is given at [`OpeningProof`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_PROOF_BYTES);
        bytes.push(PROOF_VERSION);
        bytes.extend_from_slice(&self.data_bytes.to_be_bytes());
        bytes.extend_from_slice(self.stripes_root.as_slice());
        for node in &self.path {
            bytes.extend_from_slice(node.as_slice());
        }
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`OpeningProofError`] if the version is unknown, the proof is too long, or the bytes end
    /// within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, OpeningProofError> {
        if bytes.len() > MAX_PROOF_BYTES {
            let (max, got) = (MAX_PROOF_BYTES as u64, bytes.len() as u64);
            return Err(OpeningProofError::Size { max, got });
        }
        let mut reader = Reader::new(bytes);
        reader.version(PROOF_VERSION)?;
        let (data_bytes, stripes_root) = (reader.u64()?, reader.hash()?);
        let mut path = Vec::with_capacity(reader.remaining() / 32);
        while reader.remaining() > 0 {
            path.push(reader.hash()?);
        }
        Ok(Self { data_bytes, stripes_root, path })
    }
}

/// A proof of an opening does not verify, or the key is malformed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpeningProofError {
    /// The coding is out of bounds.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// The commitment is out of bounds.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// Key, values or proof are malformed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The claim is about a run of a model; openings prove only values.
    #[error("an opening shows values, not the run of a model")]
    NoRuns,
    /// The opening does not verify.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The proof is too long.
    #[error("the proof has {got} bytes, expected at most {max}")]
    Size {
        /// Maximum number of bytes.
        max: u64,
        /// Bytes given.
        got: u64,
    },
}

impl OpeningProofError {
    /// Returns the number of the reason, by which a chain names it: the code of an
    /// [`InvalidKey`] of the system. It never changes.
    ///
    /// The second lowest byte is the class, the lowest the reason in it.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Decode(error) => 0x100 | error.code(),
            Self::Coding(CodingError::Shards { .. }) => 0x201,
            Self::Coding(CodingError::StripeBytes { .. }) => 0x202,
            Self::Commitment(CommitmentError::Threshold { .. }) => 0x301,
            // About a claim or a proof, never about a key.
            Self::Commitment(_) => 0x300,
            Self::NoRuns => 0x400,
            Self::Opening(_) => 0x500,
            Self::Size { .. } => 0x600,
        }
    }
}

/// Bytes of an encoded key.
const KEY_BYTES: usize = 1 + 2 + 2 + 4;
/// Maximum bytes of a proof: version, size, root and the longest path.
const MAX_PROOF_BYTES: usize = 1 + 8 + 32 + (MAX_OPENING_BYTES - 4 - 2 - 4 - LEAF_BYTES);
const KEY_VERSION: u8 = 1;
const PROOF_VERSION: u8 = 1;

/// The cost of a verification, at 100,000 operations per microsecond of one core.
const COST: ProofCost = ProofCost {
    // 20 microseconds: a leaf of eight blocks, four short hashes, and copies.
    operations: 2_000_000,
    // 1.3 microseconds for each sibling of 32 bytes, in which its hash of one block fits twice.
    operations_per_key_byte: 4_096,
    operations_per_proof_byte: 4_096,
    // A leaf, a path and a hasher, with a margin.
    peak_bytes: 8 * 1024,
    peak_bytes_per_key_byte: 1,
    peak_bytes_per_proof_byte: 1,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// A changed number here is a change of consensus.
    #[test]
    fn codes_of_refused_keys_are_golden() {
        let golden = [
            (DecodeError::Version { expected: 1, got: 2 }.into(), 0x107),
            (CodingError::Shards { got: 0, max: 1 }.into(), 0x201),
            (CodingError::StripeBytes { got: 0, max: 1 }.into(), 0x202),
            (CommitmentError::Threshold { expected: 1, got: 2 }.into(), 0x301),
        ];
        let golden: [(OpeningProofError, u32); 4] = golden;
        for (error, code) in golden {
            assert_eq!(error.code(), code, "{error}");
        }
        let admit = |key: &[u8]| DataOpeningVerifier.admit(key).unwrap_err().code;
        assert_eq!(admit(&[]), 0x105);
        assert_eq!(admit(&[2, 0, 1, 0, 1, 0, 0, 4, 0]), 0x107);
        assert_eq!(admit(&[1, 0, 1, 0, 0, 0, 0, 4, 0]), 0x201);
        assert_eq!(admit(&[1, 0, 9, 0, 1, 0, 0, 4, 0]), 0x301);
    }
}
