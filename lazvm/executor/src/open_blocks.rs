use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;

use crate::{execution::Executed, receipt};

/// Executed blocks that are not committed, by what they depend on. Of too many, or of those with
/// too large receipts, the one that was not asked for the longest is forgotten: the branch that
/// grows stays.
#[derive(Debug, Default)]
pub(crate) struct OpenBlocks {
    blocks: BTreeMap<B256, Entry>,
    /// Counts what is asked and told.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    used: u64,
    /// Bytes of its receipts.
    bytes: usize,
    executed: Arc<Executed>,
}

impl OpenBlocks {
    pub(crate) fn get(&mut self, key: &B256) -> Option<Arc<Executed>> {
        let entry = self.blocks.get_mut(key)?;
        self.clock = self.clock.saturating_add(1);
        entry.used = self.clock;
        Some(Arc::clone(&entry.executed))
    }

    pub(crate) fn insert(&mut self, key: B256, executed: Arc<Executed>) {
        self.clock = self.clock.saturating_add(1);
        let bytes = receipt::bytes(&executed.receipts);
        self.blocks.insert(key, Entry { used: self.clock, bytes, executed });
        while self.blocks.len() > MAX_BLOCKS || (self.blocks.len() > 1 && self.bytes() > MAX_BYTES)
        {
            let oldest = self.blocks.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            self.blocks.remove(&oldest);
        }
    }

    /// Forgets the blocks up to a height that is committed.
    pub(crate) fn keep_above(&mut self, height: u64) {
        self.blocks.retain(|_, entry| entry.executed.state.height > height);
    }

    fn bytes(&self) -> usize {
        self.blocks.values().map(|entry| entry.bytes).sum()
    }
}

const MAX_BLOCKS: usize = 64;
const MAX_BYTES: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use lazai_gas::{FeeMarket, Resources};

    use super::*;
    use crate::{Receipt, receipt::tests::large, state::ChainState, world::World};

    fn executed(receipts: Vec<Receipt>) -> Arc<Executed> {
        let state = ChainState {
            height: 1,
            world: World::default(),
            market: FeeMarket::uniform(5_000_000, 1),
            gas_used: Resources::uniform(0),
            receipts_root: B256::ZERO,
            rules: B256::ZERO,
        };
        Arc::new(Executed { state: Arc::new(state), root: B256::ZERO, receipts })
    }

    #[test]
    fn open_blocks_are_bounded_in_number_and_in_bytes() {
        let mut open = OpenBlocks::default();
        let key = |index: usize| Address::repeat_byte(u8::try_from(index).unwrap()).into_word();
        (0..70).for_each(|index| open.insert(key(index), executed(Vec::new())));
        assert!(open.blocks.len() == 64 && open.get(&key(5)).is_none());
        // The one asked for last stays the longest. Copies of a receipt share their bytes here.
        open.get(&key(6)).unwrap();
        let receipts = vec![large(B256::ZERO, 8 << 20, 8 << 20); 5];
        (100..103).for_each(|index| open.insert(key(index), executed(receipts.clone())));
        assert!(open.blocks.len() == 64 && open.get(&key(6)).is_some());
        open.insert(key(103), executed(receipts));
        assert_eq!(open.blocks.len(), 4);
        assert!(open.get(&key(6)).is_some() && open.get(&key(100)).is_none());
    }
}
