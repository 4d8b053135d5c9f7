use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use crate::{
    Account, StateError,
    backend::{Table, Transaction},
    prepared, stored,
    trie::{Node, parse},
};

/// An account and some of its slots, proved by a root, as `eth_getProof` answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountProof {
    /// Where the account is.
    pub address: Address,
    /// The account; none if there is none.
    pub account: Option<Account>,
    /// The root of its storage.
    pub storage_root: B256,
    /// The nodes from the root of the state down.
    pub nodes: Vec<Bytes>,
    /// Its slots.
    pub slots: Vec<SlotProof>,
}

/// A slot, proved by the root of a storage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SlotProof {
    /// The slot.
    pub slot: U256,
    /// Its value.
    pub value: U256,
    /// The nodes from the root of the storage down.
    pub nodes: Vec<Bytes>,
}

/// Proves an account and some of its slots.
pub(crate) fn prove(
    transaction: &impl Transaction,
    root: B256,
    address: Address,
    slots: &[U256],
) -> Result<AccountProof, StateError> {
    let (value, nodes) = path(transaction, root, &keccak256(address))?;
    let account = value.as_deref().map(prepared::account).transpose()?;
    let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let slots = slots.iter().map(|slot| {
        let key = keccak256(slot.to_be_bytes::<32>());
        let (value, nodes) = path(transaction, storage_root, &key)?;
        Ok(SlotProof { slot: *slot, value: slot_value(value.as_deref())?, nodes })
    });
    Ok(AccountProof {
        address,
        account: account.map(|account| Account {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
        }),
        storage_root,
        nodes,
        slots: slots.collect::<Result<_, StateError>>()?,
    })
}

/// Reads the value of a slot; zero, where there is none.
pub(crate) fn slot_value(value: Option<&[u8]>) -> Result<U256, StateError> {
    let Some(mut bytes) = value else { return Ok(U256::ZERO) };
    alloy_rlp::Decodable::decode(&mut bytes)
        .map_err(|error| StateError::Malformed { what: "a slot", error })
}

/// The value of a key, and the stored nodes on the way to it.
fn path(
    transaction: &impl Transaction,
    root: B256,
    key: &B256,
) -> Result<(Option<Vec<u8>>, Vec<Bytes>), StateError> {
    let mut nodes = Vec::new();
    if root == EMPTY_ROOT_HASH {
        return Ok((None, nodes));
    }
    let key = Nibbles::unpack(key);
    let (mut node, mut place) = (Node::Stored(root), 0);
    loop {
        match node {
            Node::Empty => return Ok((None, nodes)),
            Node::Stored(hash) => {
                let bytes = stored::read(transaction, Table::Nodes, &hash)?;
                node = parse(&bytes)?;
                nodes.push(bytes.into());
            }
            Node::Leaf { path, value } => {
                return Ok(((key.slice(place..) == path).then_some(value), nodes));
            }
            Node::Extension { path, child } => {
                if !key.slice(place..).starts_with(&path) {
                    return Ok((None, nodes));
                }
                place += path.len();
                node = *child;
            }
            Node::Branch(mut children) => {
                let Some(nibble) = key.get(place) else { return Ok((None, nodes)) };
                node = core::mem::take(&mut children[usize::from(nibble)]);
                place += 1;
            }
        }
    }
}
