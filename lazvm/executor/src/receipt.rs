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
    /// What it returned, or the data of its revert.
    pub output: Bytes,
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

impl Receipt {
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
