use alloc::vec::Vec;

use alloy_primitives::{B256, keccak256};

use crate::codec::{DecodeError, Reader};

/// A block of the chain as consensus sees it: where it stands, and bytes that only the executor
/// reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// Its distance from the genesis block, whose height is 0.
    pub height: u64,
    /// The epoch and the view in which it was proposed, and who proposed it.
    pub epoch: u64,
    /// The view of the epoch in which it was proposed.
    pub view: u64,
    /// The view of its parent, in the same epoch; 0 if the parent is the last block of the epoch
    /// before.
    pub parent_view: u64,
    /// The seat of its proposer.
    pub proposer: u32,
    /// The digest of its parent; zero for the genesis block.
    pub parent: B256,
    /// Milliseconds since the Unix epoch, strictly above the parent's.
    pub timestamp_ms: u64,
    /// The state after its execution.
    pub state_root: B256,
    /// What the executor executes: transactions, certificates.
    pub payload: Vec<u8>,
}

impl Block {
    /// Makes the block from which a chain begins, with the state that its executor begins from.
    #[must_use]
    pub const fn genesis(state_root: B256) -> Self {
        Self {
            height: 0,
            epoch: 0,
            view: 0,
            parent_view: 0,
            proposer: 0,
            parent: B256::ZERO,
            timestamp_ms: 0,
            state_root,
            payload: Vec::new(),
        }
    }

    /// Returns the canonical bytes: version, the fields in their order, big-endian, and the payload
    /// with its length in front.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES.saturating_add(self.payload.len()));
        bytes.push(VERSION);
        for word in [self.height, self.epoch, self.view, self.parent_view] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        bytes.extend_from_slice(&self.proposer.to_be_bytes());
        bytes.extend_from_slice(self.parent.as_slice());
        bytes.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        bytes.extend_from_slice(self.state_root.as_slice());
        // A payload above the limit is encoded with a length that no reader accepts.
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are of another version, end early, go on, or claim a payload
    /// above [`MAX_PAYLOAD_BYTES`]; nothing is allocated before that is known.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let block = Self {
            height: reader.u64()?,
            epoch: reader.u64()?,
            view: reader.u64()?,
            parent_view: reader.u64()?,
            proposer: reader.u32()?,
            parent: reader.hash()?,
            timestamp_ms: reader.u64()?,
            state_root: reader.hash()?,
            payload: Vec::new(),
        };
        let length = reader.u32()?;
        let payload = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAX_PAYLOAD_BYTES)
            .ok_or(DecodeError::Field { field: "payload length", got: length.into() })?;
        let payload = reader.slice(payload)?.to_vec();
        reader.finish()?;
        Ok(Self { payload, ..block })
    }

    /// Returns the name of the block: keccak256 of its bytes, of which it therefore is a commitment
    /// to every field.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// Most bytes of a payload.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// Most bytes of an encoded block.
pub const MAX_BLOCK_BYTES: usize = HEADER_BYTES + MAX_PAYLOAD_BYTES;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 * 8 + 4 + 32 + 8 + 32 + 4;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn block() -> impl Strategy<Value = Block> {
        let words = any::<([u64; 5], u32, [u8; 32], [u8; 32])>();
        (words, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(words, payload)| {
            let ([height, epoch, view, parent_view, timestamp_ms], proposer, parent, root) = words;
            let (parent, state_root) = (B256::new(parent), B256::new(root));
            Block {
                height,
                epoch,
                view,
                parent_view,
                proposer,
                parent,
                timestamp_ms,
                state_root,
                payload,
            }
        })
    }

    proptest! {
        #[test]
        fn a_block_comes_back(block in block()) {
            prop_assert_eq!(Block::decode(&block.encode()), Ok(block));
        }

        #[test]
        fn cut_or_longer_bytes_are_refused(block in block(), at in any::<prop::sample::Index>()) {
            let mut bytes = block.encode();
            prop_assert!(Block::decode(&bytes[..at.index(bytes.len())]).is_err());
            bytes.push(0);
            prop_assert!(Block::decode(&bytes).is_err());
        }

        #[test]
        fn what_is_read_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(block) = Block::decode(&bytes) {
                prop_assert_eq!(block.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_large_payload_is_refused_by_its_claim() {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[0] = VERSION;
        bytes[HEADER_BYTES - 4..].copy_from_slice(&u32::MAX.to_be_bytes());
        let refused = DecodeError::Field { field: "payload length", got: u64::from(u32::MAX) };
        assert_eq!(Block::decode(&bytes), Err(refused));
    }
}
