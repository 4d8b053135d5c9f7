use alloy_consensus::TxEnvelope;

/// A block of Ethereum. Its transactions have no blobs beside them.
pub type Block = alloy_consensus::Block<TxEnvelope>;
