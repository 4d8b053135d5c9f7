use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;

use crate::execution::Executed;

/// Executed blocks that are not committed, by what they depend on. Of too many, the one that was
/// not asked for the longest is forgotten: the branch that grows stays.
#[derive(Debug, Default)]
pub(crate) struct OpenBlocks {
    blocks: BTreeMap<B256, (u64, Arc<Executed>)>,
    /// Counts what is asked and told.
    clock: u64,
}

impl OpenBlocks {
    pub(crate) fn get(&mut self, key: &B256) -> Option<Arc<Executed>> {
        let (used, executed) = self.blocks.get_mut(key)?;
        self.clock = self.clock.saturating_add(1);
        *used = self.clock;
        Some(Arc::clone(executed))
    }

    pub(crate) fn insert(&mut self, key: B256, executed: Arc<Executed>) {
        self.clock = self.clock.saturating_add(1);
        self.blocks.insert(key, (self.clock, executed));
        if self.blocks.len() > MAX_BLOCKS {
            let oldest = self.blocks.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.blocks.remove(&oldest);
            }
        }
    }

    /// Forgets the blocks up to a height that is committed.
    pub(crate) fn keep_above(&mut self, height: u64) {
        self.blocks.retain(|_, (_, executed)| executed.state.height > height);
    }
}

const MAX_BLOCKS: usize = 64;
