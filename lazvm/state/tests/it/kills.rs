//! A process that is killed while it commits.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use alloy_primitives::U256;
use lazvm_state::{Account, AccountChange, Changes, Durable, StateStore, Store};

use crate::chain::{Model, address, extend, history};

/// The changes of a block, by its number alone.
fn changes(number: u64) -> Changes {
    let mut changes = Changes::default();
    for place in 0..8 {
        let account = (number * 7 + place * 5) % 24;
        let there = !(number + place).is_multiple_of(5);
        let account_of = Account {
            nonce: number,
            balance: U256::from(place),
            code_hash: alloy_primitives::KECCAK256_EMPTY,
        };
        let slots =
            (0..3).map(|slot| (U256::from(slot), U256::from((number + slot) % 4))).collect();
        let change = AccountChange {
            account: there.then_some(account_of),
            clears_storage: !there,
            slots: if there { slots } else { Default::default() },
        };
        changes.accounts.insert(address(account as u8), change);
    }
    changes
}

fn open(path: &str) -> Store<Durable> {
    Store::open(Durable::open(path).unwrap(), history(4)).unwrap()
}

/// Not a test: what the killed process runs.
#[test]
fn commits_for_ever_where_it_is_asked_to() {
    let Ok(path) = env::var(PATH) else { return };
    let store = open(&path);
    loop {
        let next = store.head().unwrap().map_or(0, |head| head.number + 1);
        extend(&store, &changes(next)).unwrap();
        println!("\ncommitted {next}");
    }
}

/// What was acknowledged is there, at most one more block besides, and the state is that of its
/// block. `LAZVM_KILLS` sets how often.
#[test]
fn a_killed_process_loses_no_block_that_it_acknowledged() {
    let kills: u64 = env::var("LAZVM_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let path = path.to_str().unwrap();
    let mut model = Model::default();
    let mut applied = 0;
    for kill in 0..kills {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kills::commits_for_ever_where_it_is_asked_to", "--nocapture"])
            .env(PATH, path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let committed = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
        // After a few blocks, wherever it is then.
        let acknowledged: u64 = committed.take(1 + kill as usize % 5).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(path);
        let head = store.head().unwrap().unwrap();
        assert!(head.number >= acknowledged, "{} {acknowledged}", head.number);
        while applied <= head.number {
            model.apply(&changes(applied));
            applied += 1;
        }
        assert_eq!(head.root, model.root());
        store.verify().unwrap();
        model.check(&store, head.root);
    }
    assert!(fs::metadata(path).unwrap().len() > 0);
}

const PATH: &str = "LAZVM_STATE_OF_KILLED";
