use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::B256;

use crate::Receipt;

/// The receipts of the last [`MAX_BLOCKS`] blocks.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    by_transaction: BTreeMap<B256, Receipt>,
    blocks: VecDeque<Vec<B256>>,
}

impl Receipts {
    /// Adds those of the next block.
    pub(crate) fn add(&mut self, receipts: &[Receipt]) {
        self.blocks.push_back(receipts.iter().map(|receipt| receipt.transaction).collect());
        let receipts = receipts.iter().map(|receipt| (receipt.transaction, receipt.clone()));
        self.by_transaction.extend(receipts);
        while self.blocks.len() > MAX_BLOCKS {
            for transaction in self.blocks.pop_front().unwrap_or_default() {
                self.by_transaction.remove(&transaction);
            }
        }
    }

    pub(crate) fn get(&self, transaction: &B256) -> Option<&Receipt> {
        self.by_transaction.get(transaction)
    }
}

const MAX_BLOCKS: usize = 1_024;
