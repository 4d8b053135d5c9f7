use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, TrieMask,
    nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode},
};

use super::{Child, Node, children};
use crate::StateError;

/// Nodes by hash, as they are stored.
pub(crate) type Written = BTreeMap<B256, Vec<u8>>;

/// What is written of a trie.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    /// The nodes that were in memory.
    pub(crate) nodes: Written,
    /// What they name.
    pub(crate) names: Vec<Child>,
}

impl Writing {
    /// Encodes what is in memory of a trie, and returns its root.
    pub(crate) fn write(&mut self, root: &Node) -> Result<B256, StateError> {
        match root {
            Node::Empty => Ok(EMPTY_ROOT_HASH),
            Node::Stored(hash) => Ok(*hash),
            node => {
                let mut bytes = Vec::new();
                let encoded = self.encode(node, &mut bytes)?;
                Ok(encoded.as_hash().unwrap_or_else(|| {
                    // A root is stored however short it is.
                    let hash = keccak256(&bytes);
                    self.nodes.insert(hash, bytes);
                    hash
                }))
            }
        }
    }

    /// Encodes a node into `bytes`, and returns how its parent names it.
    fn encode(&mut self, node: &Node, bytes: &mut Vec<u8>) -> Result<RlpNode, StateError> {
        let encoded = match node {
            Node::Empty => return Ok(RlpNode::from_rlp(&[alloy_rlp::EMPTY_STRING_CODE])),
            Node::Stored(hash) => return Ok(RlpNode::word_rlp(hash)),
            Node::Leaf { path, value } => {
                self.names.extend(children(node)?);
                bytes.clear();
                LeafNodeRef::new(path, value).rlp(bytes)
            }
            Node::Extension { path, child } => {
                let child = self.encode_child(child, bytes)?;
                bytes.clear();
                ExtensionNodeRef::new(path, child.as_slice()).rlp(bytes)
            }
            Node::Branch(children) => {
                let (mut stack, mut mask) = (Vec::new(), TrieMask::default());
                for (place, child) in (0_u8..).zip(children.iter()) {
                    if *child != Node::Empty {
                        stack.push(self.encode_child(child, bytes)?);
                        mask.set_bit(place);
                    }
                }
                bytes.clear();
                BranchNodeRef::new(&stack, mask).rlp(bytes)
            }
        };
        if let Some(hash) = encoded.as_hash() {
            self.nodes.insert(hash, bytes.clone());
        }
        Ok(encoded)
    }

    fn encode_child(&mut self, node: &Node, bytes: &mut Vec<u8>) -> Result<RlpNode, StateError> {
        let encoded = self.encode(node, bytes)?;
        self.names.extend(encoded.as_hash().map(Child::Node));
        Ok(encoded)
    }
}
