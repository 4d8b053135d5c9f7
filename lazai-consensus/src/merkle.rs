//! Binary Merkle trees over keccak256, as contracts check them.
//!
//! A leaf is `keccak256(0x00 ‖ bytes)`, a node `keccak256(0x01 ‖ left ‖ right)`; a last node
//! without a sibling goes up as it is. A path is checked against the place *and* the count of
//! leaves, so that a leaf has one path and no node passes as a leaf.

mod path;
mod tree;

pub use path::{climb, leaf, node, parents, path, path_len, root, verify};
pub use tree::Tree;
