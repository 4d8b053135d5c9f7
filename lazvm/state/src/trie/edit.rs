use core::cell::RefCell;

use alloy_primitives::B256;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::{Child, Node, children, parse};
use crate::StateError;

/// A trie of which only the changed part is in memory.
pub(crate) struct Trie<'a> {
    root: Node,
    load: &'a dyn Fn(&B256) -> Result<Vec<u8>, StateError>,
    /// What the stored nodes name that are replaced by others.
    replaced: RefCell<Vec<Child>>,
}

impl<'a> Trie<'a> {
    /// Stands on a root, whose nodes `load` returns.
    pub(crate) fn new(root: B256, load: &'a dyn Fn(&B256) -> Result<Vec<u8>, StateError>) -> Self {
        let root = if root == EMPTY_ROOT_HASH { Node::Empty } else { Node::Stored(root) };
        Self { root, load, replaced: RefCell::default() }
    }

    /// Returns the trie as it is, and what the stored nodes named that are no part of it any more.
    pub(crate) fn into_parts(self) -> (Node, Vec<Child>) {
        (self.root, self.replaced.into_inner())
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &B256) -> Result<Option<Vec<u8>>, StateError> {
        self.find(&self.root, &Nibbles::unpack(key))
    }

    /// Writes the value of a key.
    pub(crate) fn insert(&mut self, key: &B256, value: Vec<u8>) -> Result<(), StateError> {
        let root = core::mem::take(&mut self.root);
        self.root = self.inserted(root, Nibbles::unpack(key), value)?;
        Ok(())
    }

    /// Takes a key away, if it is there.
    pub(crate) fn remove(&mut self, key: &B256) -> Result<(), StateError> {
        let root = core::mem::take(&mut self.root);
        self.root = self.removed(root, &Nibbles::unpack(key))?;
        Ok(())
    }

    fn find(&self, node: &Node, key: &Nibbles) -> Result<Option<Vec<u8>>, StateError> {
        match node {
            Node::Empty => Ok(None),
            Node::Stored(hash) => self.find(&self.load(hash)?, key),
            Node::Leaf { path, value } => Ok((key == path).then(|| value.clone())),
            Node::Extension { path, child } if key.starts_with(path) => {
                self.find(child, &key.slice(path.len()..))
            }
            Node::Extension { .. } => Ok(None),
            Node::Branch(children) => self.find(&children[nibble(key, 0)], &key.slice(1..)),
        }
    }

    fn load(&self, hash: &B256) -> Result<Node, StateError> {
        parse(&(self.load)(hash)?)
    }

    /// Notes that a stored node is taken apart.
    fn replace(&self, node: &Node) -> Result<(), StateError> {
        self.replaced.borrow_mut().extend(children(node)?);
        Ok(())
    }

    fn inserted(&self, node: Node, key: Nibbles, new: Vec<u8>) -> Result<Node, StateError> {
        match node {
            Node::Empty => Ok(Node::Leaf { path: key, value: new }),
            Node::Stored(hash) => {
                let node = self.load(&hash)?;
                self.replace(&node)?;
                self.inserted(node, key, new)
            }
            Node::Leaf { path, .. } if path == key => Ok(Node::Leaf { path, value: new }),
            Node::Leaf { path, value } => {
                let common = path.common_prefix_length(&key);
                let mut branch = Box::new([const { Node::Empty }; 16]);
                let rest = Node::Leaf { path: path.slice(common + 1..), value };
                branch[nibble(&path, common)] = rest;
                let rest = Node::Leaf { path: key.slice(common + 1..), value: new };
                branch[nibble(&key, common)] = rest;
                Ok(extended(key.slice(..common), Node::Branch(branch)))
            }
            Node::Extension { path, child } => {
                let common = path.common_prefix_length(&key);
                if common == path.len() {
                    let child = self.inserted(*child, key.slice(common..), new)?;
                    return Ok(Node::Extension { path, child: Box::new(child) });
                }
                let mut branch = Box::new([const { Node::Empty }; 16]);
                branch[nibble(&path, common)] = extended(path.slice(common + 1..), *child);
                let rest = Node::Leaf { path: key.slice(common + 1..), value: new };
                branch[nibble(&key, common)] = rest;
                Ok(extended(key.slice(..common), Node::Branch(branch)))
            }
            Node::Branch(mut children) => {
                let place = nibble(&key, 0);
                let child = core::mem::take(&mut children[place]);
                children[place] = self.inserted(child, key.slice(1..), new)?;
                Ok(Node::Branch(children))
            }
        }
    }

    fn removed(&self, node: Node, key: &Nibbles) -> Result<Node, StateError> {
        match node {
            Node::Empty => Ok(Node::Empty),
            Node::Stored(hash) => {
                // What does not change stays unread.
                let before = self.load(&hash)?;
                let after = self.removed(before.clone(), key)?;
                if after == before {
                    return Ok(Node::Stored(hash));
                }
                self.replace(&before)?;
                Ok(after)
            }
            Node::Leaf { path, value } => {
                Ok(if path == *key { Node::Empty } else { Node::Leaf { path, value } })
            }
            Node::Extension { path, child } => {
                if !key.starts_with(&path) {
                    return Ok(Node::Extension { path, child });
                }
                let child = self.removed(*child, &key.slice(path.len()..))?;
                self.joined(path, child)
            }
            Node::Branch(mut children) => {
                let place = nibble(key, 0);
                let child = core::mem::take(&mut children[place]);
                children[place] = self.removed(child, &key.slice(1..))?;
                let mut left =
                    children.iter().enumerate().filter(|(_, child)| **child != Node::Empty);
                let (first, second) = (left.next().map(|(place, _)| place), left.next());
                match (first, second) {
                    (Some(only), None) => {
                        let child = core::mem::take(&mut children[only]);
                        let path = Nibbles::from_nibbles([u8::try_from(only).unwrap_or_default()]);
                        self.joined(path, child)
                    }
                    (None, _) => Ok(Node::Empty),
                    _ => Ok(Node::Branch(children)),
                }
            }
        }
    }

    /// A node behind a path, which leaves and extensions take in.
    fn joined(&self, mut path: Nibbles, child: Node) -> Result<Node, StateError> {
        match child {
            Node::Empty => Ok(Node::Empty),
            Node::Stored(hash) => match self.load(&hash)? {
                // It stays as it is stored.
                Node::Branch(_) => Ok(extended(path, Node::Stored(hash))),
                child => {
                    self.replace(&child)?;
                    self.joined(path, child)
                }
            },
            Node::Leaf { path: rest, value } => {
                path.extend(&rest);
                Ok(Node::Leaf { path, value })
            }
            Node::Extension { path: rest, child } => {
                path.extend(&rest);
                Ok(Node::Extension { path, child })
            }
            child @ Node::Branch(_) => Ok(extended(path, child)),
        }
    }
}

/// A node behind a path that may be empty.
fn extended(path: Nibbles, child: Node) -> Node {
    if path.is_empty() { child } else { Node::Extension { path, child: Box::new(child) } }
}

fn nibble(key: &Nibbles, place: usize) -> usize {
    key.get(place).map_or(0, usize::from)
}
