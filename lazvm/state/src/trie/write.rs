use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, TrieMask,
    nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode},
};

use super::Node;

/// Nodes by hash, as they are stored.
pub(crate) type Written = BTreeMap<B256, Vec<u8>>;

/// Encodes what is in memory of a trie, adds it to `written`, and returns the root.
pub(crate) fn write(root: &Node, written: &mut Written) -> B256 {
    match root {
        Node::Empty => EMPTY_ROOT_HASH,
        Node::Stored(hash) => *hash,
        node => {
            let mut bytes = Vec::new();
            let encoded = encode(node, &mut bytes, written);
            encoded.as_hash().unwrap_or_else(|| {
                // A root is stored however short it is.
                let hash = keccak256(&bytes);
                written.insert(hash, bytes);
                hash
            })
        }
    }
}

/// Encodes a node into `bytes`, and returns how its parent names it.
fn encode(node: &Node, bytes: &mut Vec<u8>, written: &mut Written) -> RlpNode {
    let encoded = match node {
        Node::Empty => return RlpNode::from_rlp(&[alloy_rlp::EMPTY_STRING_CODE]),
        Node::Stored(hash) => return RlpNode::word_rlp(hash),
        Node::Leaf { path, value } => {
            bytes.clear();
            LeafNodeRef::new(path, value).rlp(bytes)
        }
        Node::Extension { path, child } => {
            let child = encode(child, bytes, written);
            bytes.clear();
            ExtensionNodeRef::new(path, child.as_slice()).rlp(bytes)
        }
        Node::Branch(children) => {
            let (mut stack, mut mask) = (Vec::new(), TrieMask::default());
            for (place, child) in (0_u8..).zip(children.iter()) {
                if *child != Node::Empty {
                    stack.push(encode(child, bytes, written));
                    mask.set_bit(place);
                }
            }
            bytes.clear();
            BranchNodeRef::new(&stack, mask).rlp(bytes)
        }
    };
    if let Some(hash) = encoded.as_hash() {
        written.insert(hash, bytes.clone());
    }
    encoded
}
