use core::error::Error;

use alloy_evm::block::{BlockExecutionError, InternalBlockExecutionError};
use lazai_api_types::Fault;

use crate::UnknownBaseFees;

/// Returns the fault of this node that is behind the error of an EVM, if one is.
///
/// Of all errors that end a transaction, this is the one that says nothing about it: another node
/// may run it.
#[must_use]
pub fn fault_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Fault> {
    find(error)
}

/// Returns the fault of this node that is behind the error of a block executor, if one is.
///
/// Whoever validates the block abstains then, and whoever builds it leaves the transaction out,
/// unless the block is what failed: [`UnknownBaseFees`] end each of its transactions.
#[must_use]
pub fn block_fault_of(error: &BlockExecutionError) -> Option<&Fault> {
    find_in_block(error)
}

/// Returns the fault with which a transaction ended the executor of a block, if one did; none where
/// every transaction of the block would have.
pub(crate) fn transaction_fault_of(error: &BlockExecutionError) -> Option<&Fault> {
    match find_in_block::<UnknownBaseFees>(error) {
        Some(_) => None,
        None => block_fault_of(error),
    }
}

fn find_in_block<E: Error + 'static>(error: &BlockExecutionError) -> Option<&E> {
    match error {
        BlockExecutionError::Internal(InternalBlockExecutionError::EVM { error, .. }) => {
            find(error.as_ref())
        }
        other => find(other),
    }
}

/// The first error of a type in a chain of causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
