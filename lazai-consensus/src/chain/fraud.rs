use alloc::vec::Vec;

use alloy_primitives::{Address, B256};
use lazai_api_types::codec::{DecodeError, Reader};

/// A challenge of a block, in the shape of the contract's `FraudProof`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FraudProof {
    /// The digest of the block that is disputed.
    pub disputed_block: B256,
    /// The data for the [`FraudVerifier`](crate::chain::FraudVerifier), in its own format.
    pub challenge_data: Vec<u8>,
    /// The time of the challenge, in seconds since the Unix epoch. It decides nothing: the window
    /// counts blocks.
    pub timestamp: u64,
    /// The wallet that is rewarded if the challenge is upheld.
    pub challenger: Address,
}

impl FraudProof {
    /// Returns the canonical bytes: version, disputed block, timestamp and challenger, then the
    /// data with its length in front, all big-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES.saturating_add(self.challenge_data.len()));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.disputed_block.as_slice());
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(self.challenger.as_slice());
        // Data above the limit is encoded with a length that no reader accepts.
        let length = u32::try_from(self.challenge_data.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.challenge_data);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`FraudProofError`] if the bytes are of another version, end early, go on, or claim data
    /// above [`MAX_CHALLENGE_BYTES`]; nothing is allocated before that is known.
    pub fn decode(bytes: &[u8]) -> Result<Self, FraudProofError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let (disputed_block, timestamp) = (reader.hash()?, reader.u64()?);
        let challenger = reader.address()?;
        let (max, got) = (MAX_CHALLENGE_BYTES as u64, u64::from(reader.u32()?));
        if got > max {
            return Err(FraudProofError::DataTooLarge { max, got });
        }
        let challenge_data = reader.slice(usize::try_from(got).unwrap_or(usize::MAX))?.to_vec();
        reader.finish()?;
        Ok(Self { disputed_block, challenge_data, timestamp, challenger })
    }
}

/// Why bytes are no fraud proof.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FraudProofError {
    /// The data is too large.
    #[error("a fraud proof claims {got} bytes of data, at most {max} are read")]
    DataTooLarge {
        /// Most bytes that are read.
        max: u64,
        /// Bytes that the length claims.
        got: u64,
    },
    /// The bytes are of another version, end early or go on.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Most bytes of challenge data.
pub const MAX_CHALLENGE_BYTES: usize = 1 << 20;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 32 + 8 + 20 + 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proof() -> impl Strategy<Value = FraudProof> {
        let fixed = any::<([u8; 32], u64, [u8; 20])>();
        (fixed, prop::collection::vec(any::<u8>(), 0..100)).prop_map(
            |((block, timestamp, challenger), challenge_data)| FraudProof {
                disputed_block: B256::new(block),
                challenge_data,
                timestamp,
                challenger: Address::new(challenger),
            },
        )
    }

    proptest! {
        #[test]
        fn a_proof_comes_back(proof in proof()) {
            prop_assert_eq!(FraudProof::decode(&proof.encode()), Ok(proof));
        }

        #[test]
        fn cut_or_longer_bytes_are_refused(proof in proof()) {
            let mut bytes = proof.encode();
            for end in 0..bytes.len() {
                prop_assert!(FraudProof::decode(&bytes[..end]).is_err());
            }
            bytes.push(0);
            prop_assert!(FraudProof::decode(&bytes).is_err());
        }

        #[test]
        fn what_is_read_is_canonical(mut bytes in prop::collection::vec(any::<u8>(), 60..80), tail in 0_u8..20) {
            // Random lengths would be refused nearly always; these often fit.
            if bytes.len() >= HEADER_BYTES {
                bytes[0] = VERSION;
                bytes[61..65].copy_from_slice(&u32::from(tail).to_be_bytes());
            }
            if let Ok(proof) = FraudProof::decode(&bytes) {
                prop_assert_eq!(proof.encode(), bytes);
            }
        }
    }

    #[test]
    fn large_data_is_refused_by_its_claim() {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = VERSION;
        bytes[61..].copy_from_slice(&u32::MAX.to_be_bytes());
        let refused = FraudProofError::DataTooLarge { max: 1 << 20, got: u64::from(u32::MAX) };
        assert_eq!(FraudProof::decode(&bytes), Err(refused));
    }
}
