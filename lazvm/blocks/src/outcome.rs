use alloy_consensus::{Eip658Value, Header, ReceiptEnvelope, ReceiptWithBloom, proofs};
use alloy_eips::eip7685::Requests;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{B256, Bloom, Log, keccak256};
use lazvm::alloy_evm::block::BlockExecutionResult;

use crate::{
    ChainSpec,
    mismatch::{Field, Mismatch},
};

/// What the execution of a block gave, but for the state.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Gas that the transactions used.
    pub gas_used: u64,
    /// Gas of their blobs.
    pub blob_gas_used: u64,
    /// What each transaction gave.
    pub receipts: Vec<ReceiptEnvelope>,
    /// What the execution asks of the chain of validators (EIP-7685).
    pub requests: Requests,
}

impl Outcome {
    pub(crate) fn new(result: BlockExecutionResult<ReceiptEnvelope>) -> Self {
        let BlockExecutionResult { receipts, requests, gas_used, blob_gas_used } = result;
        Self { gas_used, blob_gas_used, receipts, requests }
    }

    /// Returns the filter of all logs.
    #[must_use]
    pub fn bloom(&self) -> Bloom {
        self.receipts.iter().fold(Bloom::ZERO, |all, receipt| all | *receipt.logs_bloom())
    }

    /// Replaces the status of each receipt by the root of the state behind its transaction, as
    /// before Byzantium (EIP-658).
    #[must_use]
    pub(crate) fn with_roots(mut self, roots: &[B256]) -> Self {
        for (receipt, root) in self.receipts.iter_mut().zip(roots) {
            if let Some(receipt) = inner(receipt) {
                receipt.receipt.status = Eip658Value::PostState(*root);
            }
        }
        self
    }
}

/// Checks that the header of a block says what its execution gave, but for the root of the state.
///
/// # Errors
/// [`Mismatch`] for the first field that says something else.
pub fn check_outcome(spec: &ChainSpec, header: &Header, outcome: &Outcome) -> Result<(), Mismatch> {
    Mismatch::check(Field::GasUsed, outcome.gas_used, header.gas_used)?;
    let receipts = proofs::calculate_receipt_root(&outcome.receipts);
    Mismatch::check(Field::ReceiptsRoot, receipts, header.receipts_root)?;
    let hash = |bloom: Bloom| keccak256(bloom);
    Mismatch::check(Field::Bloom, hash(outcome.bloom()), hash(header.logs_bloom))?;
    if spec.is_cancun_active_at_timestamp(header.timestamp) {
        Mismatch::check(Field::BlobGasUsed, outcome.blob_gas_used, header.blob_gas_used)?;
    }
    if spec.is_prague_active_at_timestamp(header.timestamp) {
        let requests = outcome.requests.requests_hash();
        Mismatch::check(Field::RequestsHash, requests, header.requests_hash)?;
    }
    Ok(())
}

const fn inner(
    receipt: &mut ReceiptEnvelope,
) -> Option<&mut ReceiptWithBloom<alloy_consensus::Receipt<Log>>> {
    match receipt {
        ReceiptEnvelope::Legacy(receipt) => Some(receipt),
        _ => None,
    }
}
