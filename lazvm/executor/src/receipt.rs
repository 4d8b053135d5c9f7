use alloy_consensus::{
    Eip658Value, Receipt as EthereumReceipt, ReceiptEnvelope, TxType,
    proofs::calculate_receipt_root,
};
use alloy_primitives::{Address, B256, Bytes, Log};
use lazai_gas::Resources;

/// What a transaction of a block did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt {
    /// The name of the transaction.
    pub transaction: B256,
    /// The address that signed the transaction.
    pub sender: Address,
    /// The height of its block.
    pub height: u64,
    /// The type of the transaction by EIP-2718: 0 or 2.
    pub kind: u8,
    /// Whether it succeeded; its gas is paid either way.
    pub success: bool,
    /// What it returned, or the data of its revert: the first [`MAX_OUTPUT_BYTES`] of it.
    pub output: Bytes,
    /// Bytes that it returned, of which `output` may have a part only.
    pub output_bytes: usize,
    /// The contract that it made.
    pub contract: Option<Address>,
    /// The gas used, by resource.
    pub gas: Resources<u64>,
    /// Gas of the block up to and with it, all resources together.
    pub cumulative_gas: u64,
    /// Calls of AI precompiles that it made.
    pub ai_calls: u64,
    /// The logs of its contracts.
    pub logs: Vec<Log>,
}

/// Ethereum's root of the receipts of a block.
pub(crate) fn root(receipts: &[Receipt]) -> B256 {
    let receipts: Vec<_> = receipts.iter().map(Receipt::to_ethereum).collect();
    calculate_receipt_root(&receipts)
}

/// Bytes of memory that receipts take.
pub(crate) fn bytes(receipts: &[Receipt]) -> usize {
    receipts.iter().map(Receipt::bytes).sum()
}

/// The part of an output that a receipt keeps. No block commits to it, and a transaction may return
/// more than a hundred times what its other effects take.
pub(crate) fn kept(output: &Bytes) -> Bytes {
    // A copy: a part of the bytes would keep all of them.
    Bytes::copy_from_slice(&output[..output.len().min(MAX_OUTPUT_BYTES)])
}

impl Receipt {
    /// The gas used, all resources together.
    pub(crate) fn gas_used(&self) -> u64 {
        self.gas.into_array().iter().fold(0, |sum, (_, gas)| sum.saturating_add(*gas))
    }

    fn bytes(&self) -> usize {
        let topics = |log: &Log| size_of_val(log.topics());
        let logs = self.logs.iter().map(|log| size_of::<Log>() + topics(log) + log.data.data.len());
        size_of::<Self>() + self.output.len() + logs.sum::<usize>()
    }

    fn to_ethereum(&self) -> ReceiptEnvelope {
        let kind = if self.kind == TxType::Legacy as u8 { TxType::Legacy } else { TxType::Eip1559 };
        let receipt = EthereumReceipt {
            status: Eip658Value::Eip658(self.success),
            cumulative_gas_used: self.cumulative_gas,
            logs: self.logs.clone(),
        };
        ReceiptEnvelope::from_typed(kind, receipt)
    }
}

/// Bytes of an output that a receipt keeps.
pub const MAX_OUTPUT_BYTES: usize = 4 << 10;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A receipt with logs and an output of these sizes.
    pub(crate) fn large(transaction: B256, log_bytes: usize, output_bytes: usize) -> Receipt {
        Receipt {
            transaction,
            sender: Address::ZERO,
            height: 1,
            kind: 2,
            success: true,
            output: vec![0; output_bytes].into(),
            output_bytes,
            contract: None,
            gas: Resources::uniform(0),
            cumulative_gas: 0,
            ai_calls: 0,
            logs: vec![Log::new_unchecked(Address::ZERO, Vec::new(), vec![0; log_bytes].into())],
        }
    }
}
