use std::io;

use alloy_primitives::B256;
use lazai_api_types::ModelId;
use sha2::{Digest, Sha256};

use crate::kernel::Threads;

/// Bytes of a leaf; the last may be shorter.
pub const LEAF_BYTES: usize = 4_096;

/// Computes the id of a model: the Merkle root over the bytes of its artifact.
///
/// Leaves are `sha256(0x00 ‖ data)`, inner nodes `sha256(0x01 ‖ left ‖ right)`, a node without a
/// partner moves up as it is, and the id is `sha256(0x02 ‖ length as u64 little-endian ‖ root)`.
/// The prefixes keep leaves and nodes apart, and the length fixes the shape of the tree.
#[must_use]
pub fn model_id(bytes: &[u8], threads: &Threads) -> ModelId {
    let mut level = vec![[0_u8; 32]; bytes.len().div_ceil(LEAF_BYTES).max(1)];
    let leaves_per_part = level.len().div_ceil(4 * threads.count()).max(1);
    threads.for_each_chunk(&mut level, leaves_per_part, |part, hashes| {
        let start = (part * leaves_per_part * LEAF_BYTES).min(bytes.len());
        let mut leaves = bytes[start..].chunks(LEAF_BYTES);
        for hash in hashes {
            *hash = hash_of(0, &[leaves.next().unwrap_or_default()]);
        }
    });
    id_of(level, bytes.len() as u64)
}

/// The [`model_id`] of bytes as they are written, in the memory of their leaves' hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelHasher {
    leaves: Vec<[u8; 32]>,
    /// The start of the next leaf.
    rest: Vec<u8>,
    length: u64,
}

impl ModelHasher {
    /// Returns the id of all that was written.
    pub(super) fn finish(mut self) -> ModelId {
        if !self.rest.is_empty() || self.leaves.is_empty() {
            self.leaves.push(hash_of(0, &[&self.rest]));
        }
        id_of(self.leaves, self.length)
    }
}

impl io::Write for ModelHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(LEAF_BYTES - self.rest.len());
        self.rest.extend_from_slice(&bytes[..taken]);
        self.length += taken as u64;
        if self.rest.len() == LEAF_BYTES {
            self.leaves.push(hash_of(0, &[&self.rest]));
            self.rest.clear();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The id of `length` bytes with these leaves, at least one.
fn id_of(mut level: Vec<[u8; 32]>, length: u64) -> ModelId {
    while level.len() > 1 {
        let pairs = level.chunks(2).map(|pair| match pair {
            [left, right] => hash_of(1, &[left, right]),
            rest => rest[0],
        });
        level = pairs.collect();
    }
    ModelId(B256::from(hash_of(2, &[&length.to_le_bytes(), &level[0]])))
}

fn hash_of(prefix: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix([prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bytes_that_are_written_piece_by_piece_have_the_same_id() {
        let bytes: Vec<u8> = (0..3 * LEAF_BYTES + 5).map(|i| (i * i % 251) as u8).collect();
        for length in [0, 1, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, bytes.len()] {
            let expected = model_id(&bytes[..length], &Threads::single());
            for piece in [1, 7, LEAF_BYTES - 1, LEAF_BYTES, 2 * LEAF_BYTES + 1] {
                let mut hasher = ModelHasher::default();
                for piece in bytes[..length].chunks(piece) {
                    hasher.write_all(piece).unwrap();
                }
                assert_eq!(hasher.finish(), expected, "{length} bytes by {piece}");
            }
        }
    }
}
