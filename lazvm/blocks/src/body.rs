use alloy_consensus::{
    Transaction,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
    proofs,
};
use alloy_hardforks::EthereumHardforks;
use alloy_rlp::Encodable;

use crate::{BlockError, ChainSpec, Field, Mismatch, Value, block::Block};

/// Checks that the header of a block names its body.
///
/// # Errors
/// [`BlockError::Mismatch`] for a field that does not, [`BlockError::Size`] for a block with more
/// bytes than one may have from Osaka on (EIP-7934), [`BlockError::Transactions`] for one with more
/// transactions than its gas limit has room for.
pub fn check_body(spec: &ChainSpec, block: &Block) -> Result<(), BlockError> {
    let (header, body) = (&block.header, &block.body);
    if spec.is_osaka_active_at_timestamp(header.timestamp) {
        let (got, max) = (block.length(), MAX_BLOCK_BYTES_OF_OSAKA);
        if got > max {
            return Err(BlockError::Size { max, got });
        }
    }
    let (got, max) = (body.transactions.len() as u64, header.gas_limit / MIN_TRANSACTION_GAS);
    if got > max {
        return Err(BlockError::Transactions { max, got });
    }
    let transactions = proofs::calculate_transaction_root(&body.transactions);
    Mismatch::check(Field::TransactionsRoot, transactions, header.transactions_root)?;
    let ommers = if body.ommers.is_empty() {
        EMPTY_OMMER_ROOT_HASH
    } else {
        proofs::calculate_ommers_root(&body.ommers)
    };
    Mismatch::check(Field::OmmersHash, ommers, header.ommers_hash)?;
    let withdrawals = body.withdrawals.as_ref().map(|withdrawals| {
        if withdrawals.is_empty() {
            EMPTY_WITHDRAWALS
        } else {
            proofs::calculate_withdrawals_root(withdrawals)
        }
    });
    Mismatch::check(Field::WithdrawalsRoot, withdrawals, header.withdrawals_root)?;
    if let Some(got) = header.blob_gas_used {
        let of = |transaction: &_| Transaction::blob_gas_used(transaction).unwrap_or_default();
        let used = body.transactions.iter().map(of).fold(0_u64, u64::saturating_add);
        Mismatch::check(Field::BlobGasUsed, Value::from(used), got)?;
    }
    Ok(())
}

/// Least gas that a transaction uses: half of what it begins with, where the state that it clears
/// pays for the other half. Before a signature is checked, a block has no more transactions than it
/// has gas for.
const MIN_TRANSACTION_GAS: u64 = 10_500;

/// Most bytes of a block from Osaka on: 10 MiB, less 2 MiB for the block of the beacon chain
/// (EIP-7934).
pub(crate) const MAX_BLOCK_BYTES_OF_OSAKA: usize = 8 << 20;
