use alloy_primitives::{B256, Keccak256};

use super::{Coding, CodingError, LEAF_BYTES};

/// The size of a dataset, its coding, and the Merkle root over the roots of its stripes.
///
/// The number and the size of all stripes, shards and leaves follow from these, so a verifier that
/// knows only the [`root`](Self::root) can check an opening of any leaf.
///
/// # Encoding
/// 48 bytes, all numbers big-endian:
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 8 | bytes of data, from 1 |
/// | 8 | 2 | `k`, the shards that restore a stripe; always `floor((n - 1) / 3) + 1` |
/// | 10 | 2 | `n`, the shards of a stripe, from 1 to [`MAX_SHARDS`](super::MAX_SHARDS) |
/// | 12 | 4 | bytes of data in a full stripe, from 1 to [`MAX_STRIPE_BYTES`](super::MAX_STRIPE_BYTES) |
/// | 16 | 32 | root of the tree over the roots of the stripes |
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DatasetCommitment {
    bytes: u64,
    coding: Coding,
    stripes_root: B256,
}

impl DatasetCommitment {
    /// Creates the commitment to `bytes` bytes in `coding`, with `stripes_root` over the stripe
    /// roots.
    ///
    /// # Errors
    /// [`CommitmentError::Empty`] or [`CommitmentError::TooManyStripes`].
    pub fn new(bytes: u64, coding: Coding, stripes_root: B256) -> Result<Self, CommitmentError> {
        if bytes == 0 {
            return Err(CommitmentError::Empty);
        }
        let stripes = bytes.div_ceil(coding.stripe_bytes().into());
        if stripes > u64::from(MAX_STRIPES) {
            return Err(CommitmentError::TooManyStripes { got: stripes, max: MAX_STRIPES });
        }
        Ok(Self { bytes, coding, stripes_root })
    }

    /// Encodes the commitment; the format is given at [`DatasetCommitment`].
    #[must_use]
    pub fn encode(&self) -> [u8; COMMITMENT_BYTES] {
        let mut bytes = [0; COMMITMENT_BYTES];
        bytes[..8].copy_from_slice(&self.bytes.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.coding.k().to_be_bytes());
        bytes[10..12].copy_from_slice(&self.coding.n().to_be_bytes());
        bytes[12..16].copy_from_slice(&self.coding.stripe_bytes().to_be_bytes());
        bytes[16..].copy_from_slice(self.stripes_root.as_slice());
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`CommitmentError`] if the length is wrong or a number is out of its bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommitmentError> {
        let bytes: &[u8; COMMITMENT_BYTES] = bytes.try_into().map_err(|_| {
            CommitmentError::Length { expected: COMMITMENT_BYTES as u64, got: bytes.len() as u64 }
        })?;
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let short = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
        let stripe_bytes = u32::try_from(number(12, 16)).unwrap_or(u32::MAX);
        let coding = Coding::with_stripe_bytes(short(number(10, 12)), stripe_bytes)?;
        let k = short(number(8, 10));
        if k != coding.k() {
            return Err(CommitmentError::Threshold { expected: coding.k(), got: k });
        }
        Self::new(number(0, 8), coding, B256::from_slice(&bytes[16..]))
    }

    /// Returns the root of the dataset, its name on chain:
    /// `keccak256("lazvm/dataset/1" ‖ encoding)`.
    #[must_use]
    pub fn root(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(DOMAIN);
        hasher.update(self.encode());
        hasher.finalize()
    }

    /// Returns the number of data bytes, at least 1.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the parameters of the erasure code.
    #[must_use]
    pub const fn coding(&self) -> Coding {
        self.coding
    }

    /// Returns the root of the tree over the stripe roots.
    #[must_use]
    pub const fn stripes_root(&self) -> B256 {
        self.stripes_root
    }

    /// Returns the number of stripes: `ceil(bytes / stripe bytes)`, from 1 to [`MAX_STRIPES`].
    #[must_use]
    pub fn stripes(&self) -> u32 {
        let stripes = self.bytes.div_ceil(self.coding.stripe_bytes().into());
        u32::try_from(stripes).unwrap_or(MAX_STRIPES)
    }

    /// Returns the number of data bytes in a stripe. All stripes but the last are full; 0 past the
    /// end.
    #[must_use]
    pub fn stripe_len(&self, stripe: u32) -> u32 {
        let full = self.coding.stripe_bytes();
        let before = u64::from(stripe).saturating_mul(full.into());
        u32::try_from(self.bytes.saturating_sub(before)).map_or(full, |left| left.min(full))
    }

    /// Returns the number of leaves in each shard of a stripe:
    /// `ceil(stripe_len / (k * LEAF_BYTES))`; 0 past the end.
    #[must_use]
    pub fn leaves(&self, stripe: u32) -> u32 {
        self.coding.leaves(self.stripe_len(stripe))
    }

    /// Returns the size of each shard of a stripe in bytes, a multiple of [`LEAF_BYTES`]; 0 past
    /// the end.
    #[must_use]
    pub fn shard_bytes(&self, stripe: u32) -> usize {
        // At most 64 MiB.
        (self.leaves(stripe) as usize).saturating_mul(LEAF_BYTES)
    }

    /// Returns the total bytes of the `k` shards that restore a full stripe.
    #[must_use]
    pub fn restore_bytes(&self) -> u64 {
        (self.shard_bytes(0) as u64).saturating_mul(self.coding.k().into())
    }
}

/// A commitment is malformed or out of bounds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommitmentError {
    /// The coding is out of bounds.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// There is no data. An empty dataset has no leaf to open, so its availability could not be
    /// shown.
    #[error("a dataset must have at least one byte")]
    Empty,
    /// The length of the encoding is wrong.
    #[error("a commitment has {expected} bytes, got {got}")]
    Length {
        /// Bytes of every commitment.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// `k`, the number of shards that restore a stripe, does not follow from `n`.
    #[error("{expected} shards restore a stripe, not {got}")]
    Threshold {
        /// `k` as computed from `n`.
        expected: u16,
        /// `k` as encoded.
        got: u16,
    },
    /// The data is too large for stripes of this size.
    #[error("{got} stripes are too many, use larger stripes to have at most {max}")]
    TooManyStripes {
        /// Stripes needed.
        got: u64,
        /// Maximum number of stripes.
        max: u32,
    },
}

/// Bytes of an encoded commitment.
pub const COMMITMENT_BYTES: usize = 48;

/// Maximum number of stripes of a dataset, 2^24: 256 TiB at the default size of a stripe.
pub const MAX_STRIPES: u32 = 1 << 24;

const DOMAIN: &[u8] = b"lazvm/dataset/1";

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use alloy_primitives::{hex, keccak256};
    use proptest::prelude::*;

    use super::*;

    fn commitment() -> DatasetCommitment {
        let coding = Coding::with_stripe_bytes(7, 5_000).unwrap();
        DatasetCommitment::new(12_345, coding, B256::repeat_byte(0xab)).unwrap()
    }

    #[test]
    fn the_bytes_are_fixed() {
        let mut expected = hex!("0000000000003039 0003 0007 00001388").to_vec();
        expected.extend([0xab; 32]);
        assert_eq!(commitment().encode().as_slice(), expected);
        let preimage = [b"lazvm/dataset/1".as_slice(), &expected].concat();
        assert_eq!(commitment().root(), keccak256(preimage));
    }

    #[test]
    fn the_last_stripe_holds_what_is_left() {
        let commitment = commitment();
        assert_eq!(commitment.stripes(), 3);
        assert_eq!(
            [0, 1, 2, 3].map(|stripe| commitment.stripe_len(stripe)),
            [5_000, 5_000, 2_345, 0]
        );
        assert_eq!([0, 1, 2, 3].map(|stripe| commitment.leaves(stripe)), [2, 2, 1, 0]);
        assert_eq!([0, 2, 3].map(|stripe| commitment.shard_bytes(stripe)), [2_048, 1_024, 0]);
        assert_eq!(commitment.stripe_len(u32::MAX), 0);
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let changed = |at: usize, with: &[u8]| {
            let mut bytes = commitment().encode();
            bytes[at..at + with.len()].copy_from_slice(with);
            DatasetCommitment::decode(&bytes).unwrap_err()
        };
        assert_eq!(changed(0, &[0; 8]), CommitmentError::Empty);
        assert_eq!(changed(8, &[0, 2]), CommitmentError::Threshold { expected: 3, got: 2 });
        assert_eq!(
            changed(10, &[0, 0]),
            CommitmentError::Coding(CodingError::Shards { got: 0, max: 1_024 })
        );
        assert_eq!(
            changed(12, &[0; 4]),
            CommitmentError::Coding(CodingError::StripeBytes { got: 0, max: 64 << 20 })
        );
        assert!(matches!(changed(0, &[255; 8]), CommitmentError::TooManyStripes { .. }));
    }

    proptest! {
        #[test]
        fn encodings_round_trip_and_have_one_length(
            bytes in 1..=u64::MAX,
            n in 1..=1_024_u16,
            stripe_bytes in 1..=64_u32 << 20,
            root: [u8; 32],
        ) {
            let coding = Coding::with_stripe_bytes(n, stripe_bytes).unwrap();
            if let Ok(commitment) = DatasetCommitment::new(bytes, coding, root.into()) {
                let encoded = commitment.encode();
                prop_assert_eq!(DatasetCommitment::decode(&encoded), Ok(commitment));
                for length in 0..COMMITMENT_BYTES {
                    prop_assert!(DatasetCommitment::decode(&encoded[..length]).is_err());
                }
                prop_assert!(DatasetCommitment::decode(&[encoded.as_slice(), &[0]].concat()).is_err());
                let last = commitment.stripes() - 1;
                prop_assert!(commitment.stripe_len(last) > 0);
                prop_assert_eq!(commitment.stripe_len(last + 1), 0);
            } else {
                prop_assert!(bytes.div_ceil(stripe_bytes.into()) > u64::from(MAX_STRIPES));
            }
        }

        #[test]
        fn what_decodes_encodes_to_the_same(bytes: [u8; COMMITMENT_BYTES], n in 0..2_000_u16) {
            let mut bytes = bytes;
            bytes[..4].fill(0);
            bytes[8..10].copy_from_slice(&(n.saturating_sub(1) / 3 + 1).to_be_bytes());
            bytes[10..12].copy_from_slice(&n.to_be_bytes());
            bytes[12] &= 3;
            if let Ok(commitment) = DatasetCommitment::decode(&bytes) {
                prop_assert_eq!(commitment.encode(), bytes);
            }
        }
    }
}
