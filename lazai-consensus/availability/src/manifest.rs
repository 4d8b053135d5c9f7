use alloc::vec::Vec;

use alloy_primitives::B256;
use lazai_consensus::merkle::Tree;

use super::{COMMITMENT_BYTES, CommitmentError, DatasetCommitment};

/// A commitment with the roots of all its stripes, as needed to verify shards.
///
/// It takes 32 bytes for each stripe: 64 KiB for 32 GiB of data at the default size of a stripe. It
/// is checked against the commitment, so it may come from an untrusted source.
///
/// # Encoding
/// The 48 bytes of the [`DatasetCommitment`], then 32 bytes for the root of each stripe.
#[derive(Clone, Debug)]
pub struct Manifest {
    commitment: DatasetCommitment,
    stripe_roots: Vec<B256>,
    tree: Tree,
}

impl Manifest {
    /// Creates the manifest of `commitment` with the roots of its stripes.
    ///
    /// # Errors
    /// [`ManifestError`] if the number of roots is wrong, or they do not hash to the commitment.
    pub fn new(
        commitment: DatasetCommitment,
        stripe_roots: Vec<B256>,
    ) -> Result<Self, ManifestError> {
        let (expected, got) = (u64::from(commitment.stripes()), stripe_roots.len() as u64);
        if got != expected {
            return Err(ManifestError::Stripes { expected, got });
        }
        let tree = Tree::over_roots(&stripe_roots);
        if tree.root() != commitment.stripes_root() {
            return Err(ManifestError::WrongRoot);
        }
        Ok(Self { commitment, stripe_roots, tree })
    }

    /// Encodes the manifest; the format is given at [`Manifest`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.commitment.encode().to_vec();
        bytes.extend(self.stripe_roots.iter().flat_map(|root| root.0));
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode), and checks the roots against the commitment.
    /// The caller compares the [`root`](Self::root) with that of the dataset it expects.
    ///
    /// # Errors
    /// [`ManifestError`] if the length is wrong or the roots do not hash to the commitment.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let (commitment, roots) = bytes.split_at_checked(COMMITMENT_BYTES).unwrap_or((bytes, &[]));
        let commitment = DatasetCommitment::decode(commitment)?;
        let (roots, rest) = roots.as_chunks::<32>();
        let (expected, got) = (u64::from(commitment.stripes()), roots.len() as u64);
        if !rest.is_empty() || got != expected {
            return Err(ManifestError::Stripes { expected, got });
        }
        Self::new(commitment, roots.iter().map(B256::from).collect())
    }

    /// Returns the commitment.
    #[must_use]
    pub const fn commitment(&self) -> &DatasetCommitment {
        &self.commitment
    }

    /// Returns the root of the dataset, its name on chain.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.commitment.root()
    }

    /// Returns the root of each stripe; at least one.
    #[must_use]
    pub fn stripe_roots(&self) -> &[B256] {
        &self.stripe_roots
    }

    /// Returns the siblings from the root of a stripe to that of the dataset; empty past the last
    /// stripe.
    pub(super) fn stripe_path(&self, stripe: u32) -> Vec<B256> {
        if stripe < self.commitment.stripes() { self.tree.path(stripe.into()) } else { Vec::new() }
    }

    /// Returns the root of a stripe.
    pub(super) fn stripe_root(&self, stripe: u32) -> Option<&B256> {
        self.stripe_roots.get(usize::try_from(stripe).ok()?)
    }
}

impl PartialEq for Manifest {
    fn eq(&self, other: &Self) -> bool {
        // The commitment binds the roots.
        self.commitment == other.commitment
    }
}

impl Eq for Manifest {}

/// A manifest is malformed or does not match its commitment.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ManifestError {
    /// The encoded commitment is malformed.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// The number of roots is wrong, or the last one is incomplete.
    #[error("the dataset has {expected} stripes, got {got} whole roots")]
    Stripes {
        /// Stripes according to the commitment.
        expected: u64,
        /// Whole roots given.
        got: u64,
    },
    /// The roots do not hash to the commitment.
    #[error("the roots of the stripes do not lead to the committed root")]
    WrongRoot,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Coding;

    fn manifest(stripes: u8) -> Manifest {
        let roots: Vec<_> = (0..stripes).map(B256::repeat_byte).collect();
        let coding = Coding::with_stripe_bytes(4, 100).unwrap();
        let root = Tree::over_roots(&roots).root();
        let commitment = DatasetCommitment::new(u64::from(stripes) * 100, coding, root).unwrap();
        Manifest::new(commitment, roots).unwrap()
    }

    #[test]
    fn roots_must_be_those_committed() {
        let manifest = manifest(3);
        let commitment = *manifest.commitment();
        let mut roots = manifest.stripe_roots().to_vec();
        roots.swap(0, 1);
        assert_eq!(Manifest::new(commitment, roots.clone()), Err(ManifestError::WrongRoot));
        roots.pop();
        let expected = ManifestError::Stripes { expected: 3, got: 2 };
        assert_eq!(Manifest::new(commitment, roots), Err(expected));
    }

    proptest! {
        #[test]
        fn encodings_round_trip_and_nothing_else_decodes(
            stripes in 1..20_u8,
            at: prop::sample::Index,
            bit in 0..8_u8,
        ) {
            let manifest = manifest(stripes);
            let encoded = manifest.encode();
            let decoded = Manifest::decode(&encoded).unwrap();
            prop_assert_eq!(decoded.stripe_roots(), manifest.stripe_roots());
            prop_assert_eq!(decoded.root(), manifest.root());
            for length in 0..encoded.len() {
                prop_assert!(Manifest::decode(&encoded[..length]).is_err());
            }
            for more in [1, 32] {
                let longer = [encoded.as_slice(), &alloc::vec![0; more]].concat();
                prop_assert!(Manifest::decode(&longer).is_err());
            }
            let mut changed = encoded.clone();
            changed[at.index(encoded.len())] ^= 1_u8 << bit;
            prop_assert!(Manifest::decode(&changed).map_or(true, |m| m.root() != manifest.root()));
        }

        #[test]
        fn random_bytes_are_no_manifest(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Manifest::decode(&bytes).is_err());
        }
    }
}
