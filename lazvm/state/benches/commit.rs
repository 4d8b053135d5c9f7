//! Measures a block of 1,000 changes over 100,000 accounts: `cargo bench -p lazvm-state --bench
//! commit`.

#![allow(clippy::unwrap_used, reason = "a bench stops at what it cannot do")]

use core::{num::NonZeroU64, time::Duration};
use std::time::Instant;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use lazvm_state::{Account, AccountChange, Block, Changes, Durable, StateStore, Store};

fn main() {
    for accounts in [1_000, 10_000, 100_000_u64] {
        let folder = tempfile::tempdir().unwrap();
        let history = NonZeroU64::new(16).unwrap();
        let store =
            Store::open(Durable::open(folder.path().join("state")).unwrap(), history).unwrap();
        let mut root = alloy_trie::EMPTY_ROOT_HASH;
        let mut hash = B256::ZERO;
        let (mut roots, mut commits) = (Vec::new(), Vec::new());
        for number in 0..60 {
            let changes = if number == 0 { filled(accounts) } else { changed(number, accounts) };
            let start = Instant::now();
            let prepared = store.prepare(root, &changes).unwrap();
            let prepared_at = start.elapsed();
            let parent = core::mem::replace(&mut hash, keccak256(number.to_be_bytes()));
            root = prepared.root();
            let block = Block { number, hash, parent, root, ..Block::default() };
            store.commit(&block, &prepared).unwrap();
            if number > 0 {
                roots.push(prepared_at);
                commits.push(start.elapsed() - prepared_at);
            }
        }
        println!(
            "{accounts:>7} accounts, 1,000 changes: root {:>5.1} ms, commit with fsync {:>5.1} ms (p50 of 59)",
            p50(&mut roots),
            p50(&mut commits)
        );
    }
}

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

fn filled(accounts: u64) -> Changes {
    let mut changes = Changes::default();
    for index in 0..accounts {
        changes.accounts.insert(address(index), change(index, index % 4));
    }
    changes
}

fn changed(number: u64, accounts: u64) -> Changes {
    let mut changes = Changes::default();
    for index in 0..1_000 {
        // Spread over all accounts.
        let index = (number * 7_919 + index * 104_729) % accounts;
        // A half of them are balances, and a half slots of accounts that stay as they are.
        let change = match index % 2 {
            0 => change(number, 0),
            _ => AccountChange { account: change(index, 0).account, ..change(number, 1) },
        };
        changes.accounts.insert(address(index), change);
    }
    changes
}

fn change(value: u64, slots: u64) -> AccountChange {
    let account = Account { nonce: value, balance: U256::from(value), code_hash: KECCAK256_EMPTY };
    let slots = (0..slots).map(|slot| (U256::from(slot), U256::from(value + 1))).collect();
    AccountChange { account: Some(account), slots, ..AccountChange::default() }
}

fn p50(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
