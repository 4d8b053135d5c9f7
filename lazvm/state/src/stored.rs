use alloy_primitives::{B256, keccak256};

use crate::{
    StateError,
    backend::{Table, Transaction},
};

/// Reads a node or a code, and checks that it is what it is called.
pub(crate) fn read(
    transaction: &impl Transaction,
    table: Table,
    hash: &B256,
) -> Result<Vec<u8>, StateError> {
    let bytes = transaction.get(table, hash.as_slice())?;
    let bytes = bytes.ok_or(StateError::Missing { hash: *hash })?;
    let got = keccak256(&bytes);
    if got == *hash { Ok(bytes) } else { Err(StateError::Corrupt { expected: *hash, got }) }
}
