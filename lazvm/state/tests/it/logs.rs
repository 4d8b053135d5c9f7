//! Logs by contracts, topics and blocks.

use alloy_primitives::{Address, B256, Log, LogData};
use alloy_trie::EMPTY_ROOT_HASH;
use lazvm_state::{Block, Changes, Filter, Memory, StateError, StateStore, Store};
use proptest::prelude::*;

use crate::chain::history;

fn log((contract, topics): (u8, Vec<u8>)) -> Log {
    let topics = topics.into_iter().map(B256::repeat_byte).collect();
    Log {
        address: Address::repeat_byte(contract),
        data: LogData::new_unchecked(topics, Default::default()),
    }
}

fn logs() -> impl Strategy<Value = Vec<Vec<Vec<Log>>>> {
    let log = (0..4_u8, prop::collection::vec(0..3_u8, 0..4)).prop_map(log);
    let transaction = prop::collection::vec(log, 0..4);
    prop::collection::vec(prop::collection::vec(transaction, 0..3), 1..6)
}

proptest! {
    #[test]
    fn logs_are_found_as_in_a_list(
        chain in logs(),
        addresses in prop::collection::btree_set(0..4_u8, 0..3),
        topics in prop::collection::vec(prop::collection::btree_set(0..3_u8, 0..3), 0..4),
        from in 0..6_u64,
        to in 0..8_u64,
    ) {
        let store = Store::open(Memory::default(), history(100)).unwrap();
        let mut hash = B256::ZERO;
        for (number, logs) in (0..).zip(&chain) {
            let prepared = store.prepare(EMPTY_ROOT_HASH, &Changes::default()).unwrap();
            let parent = core::mem::replace(&mut hash, B256::repeat_byte(number as u8 + 1));
            let block = Block { number, hash, parent, root: EMPTY_ROOT_HASH, logs: logs.clone(), ..Block::default() };
            store.commit(&block, &prepared).unwrap();
            prop_assert_eq!(store.block(number).unwrap(), block);
        }
        let filter = Filter {
            blocks: from..=to,
            addresses: addresses.iter().map(|byte| Address::repeat_byte(*byte)).collect(),
            topics: topics.iter().map(|set| set.iter().map(|byte| B256::repeat_byte(*byte)).collect()).collect(),
        };
        let mut expected = Vec::new();
        for (number, block) in (0_u64..).zip(&chain) {
            let mut index = 0;
            for (transaction, logs) in block.iter().enumerate() {
                for log in logs {
                    let of = filter.addresses.is_empty() || filter.addresses.contains(&log.address);
                    let with = filter.topics.iter().enumerate().all(|(place, set)| {
                        log.topics().get(place).is_some_and(|topic| set.is_empty() || set.contains(topic))
                    });
                    if (from..=to).contains(&number) && of && with {
                        expected.push((number, transaction, index, log.clone()));
                    }
                    index += 1;
                }
            }
        }
        let got = store.logs(&filter).unwrap();
        let got: Vec<_> = got.into_iter().map(|found| (found.block, found.transaction, found.index, found.log)).collect();
        prop_assert_eq!(got, expected);
    }
}

/// A hole in the answer would look like no logs.
#[test]
fn logs_that_are_not_kept_are_an_error() {
    let store = Store::open(Memory::default(), history(2)).unwrap();
    for _ in 0..5 {
        crate::chain::extend(&store, &Changes::default()).unwrap();
    }
    let filter = Filter { blocks: 2..=4, addresses: Default::default(), topics: Vec::new() };
    let error = store.logs(&filter).unwrap_err();
    assert!(matches!(error, StateError::Block { number: 2, first: 3, last: 4 }), "{error}");
}
