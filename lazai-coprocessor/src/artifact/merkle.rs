use alloy_primitives::B256;
use lazai_api_types::ModelId;
use sha2::{Digest, Sha256};

use crate::kernel::Threads;

/// Bytes of a leaf; the last may be shorter.
pub const LEAF_BYTES: usize = 4_096;

/// The Merkle root over the bytes of an artifact.
///
/// Leaves are `sha256(0x00 ‖ data)`, inner nodes `sha256(0x01 ‖ left ‖ right)`, a node without a partner moves up as it
/// is, and the id is `sha256(0x02 ‖ length as u64 little-endian ‖ root)`. The prefixes keep leaves and nodes apart, and
/// the length fixes the shape of the tree.
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
    while level.len() > 1 {
        let pairs = level.chunks(2).map(|pair| match pair {
            [left, right] => hash_of(1, &[left, right]),
            rest => rest[0],
        });
        level = pairs.collect();
    }
    ModelId(B256::from(hash_of(2, &[&(bytes.len() as u64).to_le_bytes(), &level[0]])))
}

fn hash_of(prefix: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix([prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}
