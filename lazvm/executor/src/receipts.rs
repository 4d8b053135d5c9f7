use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::B256;

use crate::{Receipt, receipt};

/// The receipts of the last blocks: of [`MAX_BLOCKS`] at most, and of fewer where they take more
/// than [`MAX_BYTES`]. Those of the last block are there in any case.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    by_transaction: BTreeMap<B256, Receipt>,
    blocks: VecDeque<BlockReceipts>,
    bytes: usize,
}

#[derive(Debug)]
struct BlockReceipts {
    transactions: Vec<B256>,
    bytes: usize,
}

impl Receipts {
    /// Adds those of the next block.
    pub(crate) fn add(&mut self, receipts: &[Receipt]) {
        let bytes = receipt::bytes(receipts);
        let transactions = receipts.iter().map(|receipt| receipt.transaction).collect();
        self.blocks.push_back(BlockReceipts { transactions, bytes });
        self.bytes += bytes;
        let receipts = receipts.iter().map(|receipt| (receipt.transaction, receipt.clone()));
        self.by_transaction.extend(receipts);
        while self.blocks.len() > MAX_BLOCKS || (self.blocks.len() > 1 && self.bytes > MAX_BYTES) {
            let Some(oldest) = self.blocks.pop_front() else { break };
            self.bytes -= oldest.bytes;
            for transaction in oldest.transactions {
                self.by_transaction.remove(&transaction);
            }
        }
    }

    pub(crate) fn get(&self, transaction: &B256) -> Option<&Receipt> {
        self.by_transaction.get(transaction)
    }
}

const MAX_BLOCKS: usize = 1_024;
const MAX_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_bounded_in_blocks_and_in_bytes() {
        let name = |index: usize| B256::with_last_byte(u8::try_from(index).unwrap());
        let kept = |receipts: &Receipts| receipts.by_transaction.len();
        // Outputs count.
        let mut receipts = Receipts::default();
        (0..20).for_each(|index| receipts.add(&[receipt::tests::large(name(index), 0, 8 << 20)]));
        assert_eq!(kept(&receipts), 7);
        assert!(receipts.get(&name(12)).is_none() && receipts.get(&name(13)).is_some());
        // Logs too, and one block stays in any case.
        receipts.add(&[receipt::tests::large(name(20), 65 << 20, 0)]);
        assert!(kept(&receipts) == 1 && receipts.get(&name(20)).is_some());
        receipts.add(&[receipt::tests::large(name(21), 0, 0)]);
        assert!(kept(&receipts) == 1 && receipts.get(&name(21)).is_some());
        for _ in 0..MAX_BLOCKS - 1 {
            receipts.add(&[]);
        }
        assert!(receipts.get(&name(21)).is_some());
        receipts.add(&[]);
        assert!(receipts.get(&name(21)).is_none());
        assert_eq!(receipts.bytes, 0);
    }
}
