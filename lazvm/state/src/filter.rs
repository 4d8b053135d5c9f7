use core::ops::RangeInclusive;
use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};

use crate::Block;

/// Which logs are looked for, as `eth_getLogs` asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter {
    /// In these blocks.
    pub blocks: RangeInclusive<u64>,
    /// Of one of these contracts; of any, if none is named.
    pub addresses: BTreeSet<Address>,
    /// With one of these topics at each place; with any, where none is named.
    pub topics: Vec<BTreeSet<B256>>,
}

/// A log that was looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundLog {
    /// The block.
    pub block: u64,
    /// The hash of the block.
    pub block_hash: B256,
    /// The place of the transaction in the block.
    pub transaction: usize,
    /// The place of the log among all of the block.
    pub index: usize,
    /// The log.
    pub log: Log,
}

impl Filter {
    /// Returns whether a block with this filter may have such a log.
    pub(crate) fn may_match(&self, bloom: &Bloom) -> bool {
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let has_address = |address: &Address| has(address.as_slice());
        let has_topic = |topic: &B256| has(topic.as_slice());
        (self.addresses.is_empty() || self.addresses.iter().any(has_address))
            && self.topics.iter().all(|topics| topics.is_empty() || topics.iter().any(has_topic))
    }

    fn matches(&self, log: &Log) -> bool {
        let is_any = |set: &BTreeSet<B256>, topic: Option<&B256>| {
            topic.is_some_and(|topic| set.is_empty() || set.contains(topic))
        };
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self
                .topics
                .iter()
                .enumerate()
                .all(|(place, set)| is_any(set, log.topics().get(place)))
    }

    /// Adds the logs of a block.
    pub(crate) fn collect(&self, block: Block, found: &mut Vec<FoundLog>) {
        let logs = block.logs.into_iter().enumerate();
        let logs = logs
            .flat_map(|(transaction, logs)| logs.into_iter().map(move |log| (transaction, log)));
        for (index, (transaction, log)) in logs.enumerate() {
            if self.matches(&log) {
                let (number, block_hash) = (block.number, block.hash);
                found.push(FoundLog { block: number, block_hash, transaction, index, log });
            }
        }
    }
}
