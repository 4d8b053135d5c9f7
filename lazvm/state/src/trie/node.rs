use alloy_primitives::B256;
use alloy_rlp::Decodable;
use alloy_trie::{
    EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount,
    nodes::{RlpNode, TrieNode},
};

use crate::StateError;

/// A node of a trie, of which a part may not have been read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Node {
    /// No key.
    #[default]
    Empty,
    /// What is stored by this hash.
    Stored(B256),
    /// One key, from here on, and its value.
    Leaf { path: Nibbles, value: Vec<u8> },
    /// Keys that go the same way for a while.
    Extension { path: Nibbles, child: Box<Self> },
    /// Keys that part here. All keys have 64 nibbles, so none ends here.
    Branch(Box<[Self; 16]>),
}

/// Reads a node.
pub(crate) fn parse(mut bytes: &[u8]) -> Result<Node, StateError> {
    let node = TrieNode::decode(&mut bytes).map_err(malformed)?;
    match node {
        TrieNode::EmptyRoot => Ok(Node::Empty),
        TrieNode::Leaf(leaf) => Ok(Node::Leaf { path: leaf.key, value: leaf.value }),
        TrieNode::Extension(extension) => {
            let child = Box::new(child(&extension.child)?);
            Ok(Node::Extension { path: extension.key, child })
        }
        TrieNode::Branch(branch) => {
            let mut children = Box::new([const { Node::Empty }; 16]);
            for (place, node) in branch.as_ref().children() {
                if let Some(node) = node {
                    children[usize::from(place)] = child(node)?;
                }
            }
            Ok(Node::Branch(children))
        }
    }
}

/// A node of less than 32 bytes stands in its parent.
fn child(node: &RlpNode) -> Result<Node, StateError> {
    match node.as_hash() {
        Some(hash) => Ok(Node::Stored(hash)),
        None => parse(node.as_slice()),
    }
}

/// What a node names by hash.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Child {
    Code(B256),
    Node(B256),
}

/// Returns what a node names: other nodes, and where its value is an account, the root of its
/// storage and its code.
pub(crate) fn children(node: &Node) -> Result<Vec<Child>, StateError> {
    let mut all = Vec::new();
    collect(node, &mut all)?;
    Ok(all)
}

fn collect(node: &Node, all: &mut Vec<Child>) -> Result<(), StateError> {
    match node {
        Node::Empty => {}
        Node::Stored(hash) => all.push(Child::Node(*hash)),
        Node::Leaf { value, .. } => {
            // A value of a slot is a string.
            if value.first().is_some_and(|first| *first >= LIST) {
                let account = TrieAccount::decode(&mut value.as_slice()).map_err(malformed)?;
                if account.storage_root != EMPTY_ROOT_HASH {
                    all.push(Child::Node(account.storage_root));
                }
                if account.code_hash != KECCAK_EMPTY {
                    all.push(Child::Code(account.code_hash));
                }
            }
        }
        Node::Extension { child, .. } => collect(child, all)?,
        Node::Branch(children) => children.iter().try_for_each(|child| collect(child, all))?,
    }
    Ok(())
}

const fn malformed(error: alloy_rlp::Error) -> StateError {
    StateError::Malformed { what: "a node of a trie", error }
}

/// The first byte of the shortest list.
const LIST: u8 = 0xc0;
