//! Tries of Ethereum, edited where they change.

mod edit;
mod node;
mod write;

pub(crate) use edit::Trie;
pub(crate) use node::{Child, Node, children, parse};
pub(crate) use write::{Writing, Written};
