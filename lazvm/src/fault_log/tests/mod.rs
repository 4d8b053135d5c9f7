mod attacks;

use alloc::{string::String, sync::Arc, vec::Vec};
use core::cell::Cell;

use alloy_primitives::{Address, B256};
use lazai_api_types::{Fault, FaultKind};

use super::{
    Attempt, Attempts, FaultLog,
    attempt::{EXECUTED, FREE, Kind},
    log::MAX_REMEMBERED,
    standing::{FORGIVEN, MAX_SENDERS},
};

const LIMIT: u64 = 30_000_000;

fn hash(index: u64) -> B256 {
    B256::left_padding_from(&index.to_be_bytes())
}

fn sender(index: u64) -> Address {
    Address::left_padding_from(&index.to_be_bytes())
}

/// The first transaction of a sender of its own.
fn attempt(index: u64, gas_limit: u64) -> Attempt {
    Attempt { transaction: hash(index), sender: sender(index), nonce: 0, gas_limit }
}

fn has_failed(log: &FaultLog, index: u64) -> bool {
    log.has_failed(&attempt(index, LIMIT))
}

fn fault(kind: FaultKind) -> Fault {
    Fault { kind, message: String::new() }
}

/// Builds a block of `transactions`, where the device is asked by `fails`: in the order given, as
/// hosts do that order by tip, or new ones first. Returns which of them were tried.
fn build(
    (log, order): (&Arc<FaultLog>, Order),
    block: u64,
    transactions: impl IntoIterator<Item = u64>,
    gas_limit: u64,
    fails: impl Fn(u64) -> Option<FaultKind>,
) -> Vec<u64> {
    let (mut attempts, mut suspended) = (log.start(block, LIMIT), false);
    let mut ordered: Vec<_> = transactions.into_iter().collect();
    if matches!(order, Order::NewFirst) {
        ordered.sort_by_key(|index| has_failed(log, *index));
    }
    let mut tried = Vec::new();
    for index in ordered {
        let attempt = attempt(index, gas_limit);
        if attempts.allow(&attempt) {
            tried.push(index);
            let kind = if suspended { Some(FaultKind::Device) } else { fails(index) };
            if let Some(kind) = kind {
                suspended |= attempts.failed(&attempt, gas_limit, &fault(kind));
            }
        }
    }
    tried
}

#[derive(Clone, Copy, Debug)]
enum Order {
    ByTip,
    NewFirst,
}

const ORDERS: [Order; 2] = [Order::ByTip, Order::NewFirst];

#[test]
fn a_transaction_waits_longer_after_every_attempt() {
    let log = Arc::new(FaultLog::default());
    let lost = |_| Some(FaultKind::Device);
    let tried: Vec<_> = (1..700)
        .filter(|block| !build((&log, Order::ByTip), *block, 0..1, 50_000, lost).is_empty())
        .collect();
    assert_eq!(tried, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert!(log.leaves_out(&hash(0), 1_023) && !log.leaves_out(&hash(0), 1_024));
    for _ in 0..100 {
        log.note(hash(0), 0, 1_024, true);
    }
    assert!(log.leaves_out(&hash(0), 1_023 + FaultLog::LONGEST_WAIT));
    assert!(!log.leaves_out(&hash(0), 1_024 + FaultLog::LONGEST_WAIT));
    log.clear();
    assert!(!log.leaves_out(&hash(0), 1_025) && !has_failed(&log, 0));
}

#[test]
fn a_block_that_is_built_again_tries_nothing_again() {
    let log = Arc::new(FaultLog::default());
    let build =
        |block| build((&log, Order::ByTip), block, 0..3, 50_000, |_| Some(FaultKind::Device));
    assert_eq!(build(7), [0, 1, 2]);
    assert!(build(7).is_empty());
    assert_eq!(build(8), [0, 1, 2]);
}

#[test]
fn a_lost_device_is_asked_a_few_times_a_block_and_all_runs_when_it_is_back() {
    for order in ORDERS {
        let log = Arc::new(FaultLog::default());
        for block in 1..100 {
            let asked = Cell::new(0);
            let _ = build((&log, order), block, 0..50, 50_000, |_| {
                asked.set(asked.get() + 1);
                Some(FaultKind::Device)
            });
            assert!(asked.get() <= 2 * Attempts::MAX_FAULTS, "{block}: {}", asked.get());
        }
        let mut left: Vec<_> = (0..50).collect();
        for block in 100..200 {
            let run = build((&log, order), block, left.clone(), 50_000, |_| None);
            left.retain(|index| !run.contains(index));
        }
        assert!(left.is_empty(), "{order:?} {left:?}");
    }
}

/// Transactions that break a sound device, and outbid all others, keep nobody out for long.
#[test]
fn what_breaks_a_device_starves_nobody() {
    for (order, poison) in [
        (Order::ByTip, 1),
        (Order::ByTip, 9),
        (Order::ByTip, 600),
        (Order::ByTip, 2_400),
        (Order::NewFirst, 3),
        (Order::NewFirst, 600),
    ] {
        let log = Arc::new(FaultLog::default());
        let ran = (1..2_000).filter(|block| {
            let (honest, ran) = (100_000 + block, Cell::new(false));
            let _ = build((&log, order), *block, (0..poison).chain([honest]), 50_000, |index| {
                ran.set(ran.get() || index == honest);
                (index != honest).then_some(FaultKind::Device)
            });
            ran.get()
        });
        // Each is new once, and four of them suspend the device.
        assert!(ran.count() as u64 >= 1_999 - poison.div_ceil(4), "{order:?} {poison}");
    }
}

/// One that has failed as well gets its turn beside those that always do.
#[test]
fn what_has_failed_once_is_not_starved() {
    let log = Arc::new(FaultLog::default());
    let honest = 100_000;
    let _ = build((&log, Order::ByTip), 1, [honest], 50_000, |_| Some(FaultKind::Device));
    let ran = (2..20_000).any(|block| {
        build((&log, Order::ByTip), block, (0..600).chain([honest]), 50_000, |index| {
            (index != honest).then_some(FaultKind::Device)
        })
        .contains(&honest)
    });
    assert!(ran);
}

/// A model that this node lacks takes nothing from one that it has.
#[test]
fn what_is_missing_suspends_no_device() {
    for kind in [FaultKind::ModelUnavailable, FaultKind::Internal, FaultKind::State] {
        let log = Arc::new(FaultLog::default());
        for block in 1..100 {
            let fresh = block * 100..block * 100 + 8;
            let transactions = fresh.chain([block * 100 + 50]);
            let tried = build((&log, Order::ByTip), block, transactions, 50_000, |index| {
                (index % 100 < 50).then_some(kind)
            });
            assert!(tried.contains(&(block * 100 + 50)), "{kind:?} {block}");
        }
    }
}

/// Whatever fails, of all kinds at once, a build loses as much gas as four blocks have at most.
#[test]
fn failures_take_no_more_gas_than_four_blocks_have() {
    for kind in [FaultKind::Device, FaultKind::ModelUnavailable] {
        let log = Arc::new(FaultLog::default());
        for block in 1..20 {
            let mut attempts = log.start(block, LIMIT);
            let mut used = 0;
            let fresh = block * 100_000..;
            for (index, turn) in fresh.zip(0..4_000) {
                let (nonce, gas_limit, index) = match turn % 4 {
                    0 => (0, LIMIT / 3, index),
                    1 => (0, Attempts::SMALL, index),
                    2 => (1_000, 5_000_000, index),
                    // Those of the block before.
                    _ => (0, LIMIT / 3, index - 100_003),
                };
                let attempt = Attempt { nonce, ..attempt(index, gas_limit) };
                if attempts.allow(&attempt) {
                    used += gas_limit;
                    let _ = attempts.failed(&attempt, gas_limit, &fault(kind));
                }
            }
            assert!((LIMIT..=4 * LIMIT).contains(&used), "{kind:?} {block}: {used}");
        }
    }
}

/// What fails takes nothing from another kind, and of its own what it has used.
#[test]
fn failures_of_one_kind_take_no_gas_of_another() {
    let log = Arc::new(FaultLog::default());
    let missing = fault(FaultKind::ModelUnavailable);
    let known = |index, gas_limit| Attempt { nonce: 2_000, ..attempt(index, gas_limit) };
    let (old, new) = (attempt(0, LIMIT), attempt(1, LIMIT));
    let _ = log.start(1, LIMIT).failed(&old, LIMIT, &missing);
    let mut attempts = log.start(2, LIMIT);
    assert!(attempts.allow(&old));
    let _ = attempts.failed(&old, LIMIT, &missing);
    assert!(attempts.allow(&new));
    // What was not used keeps nothing out.
    let _ = attempts.failed(&new, 25_000, &missing);
    assert!(attempts.allow(&attempt(2, LIMIT - 25_000)));
    let _ = attempts.failed(&attempt(2, LIMIT - 25_000), LIMIT - 25_000, &missing);
    assert!(!attempts.allow(&attempt(3, Attempts::SMALL + 1)));
    assert!(attempts.allow(&known(4, LIMIT)));
    let _ = attempts.failed(&known(4, LIMIT), LIMIT, &missing);
    assert!(!attempts.allow(&known(5, Attempts::SMALL)));
    for index in 6..306 {
        let small = attempt(index, Attempts::SMALL);
        assert!(attempts.allow(&small));
        let _ = attempts.failed(&small, Attempts::SMALL, &missing);
    }
    assert!(!attempts.allow(&attempt(306, Attempts::SMALL)));
    // Nothing keeps a transfer out, whoever sends it.
    for index in [0, 1, 6, 306] {
        let transfer = Attempt { transaction: hash(1_000 + index), ..attempt(index, 21_000) };
        assert!(attempts.allow(&transfer));
    }
}

/// A fault of another kind behind the suspension makes no attempt of what was not asked.
#[test]
fn a_suspension_lasts() {
    let log = Arc::new(FaultLog::default());
    let mut attempts = log.start(1, LIMIT);
    let lost = fault(FaultKind::Device);
    let suspended: Vec<_> =
        (0..6).map(|index| attempts.failed(&attempt(index, 50_000), 50_000, &lost)).collect();
    assert_eq!(suspended, [false, false, false, true, false, false]);
    let missing = fault(FaultKind::Internal);
    assert!(!attempts.failed(&attempt(6, 50_000), 50_000, &missing));
    let _ = attempts.failed(&attempt(7, 50_000), 50_000, &lost);
    let old: Vec<_> = (0..8).filter(|index| has_failed(&log, *index)).collect();
    assert_eq!(old, [0, 1, 2, 3, 6]);
}

#[test]
fn the_log_is_bounded_and_forgets_what_failed_longest_ago() {
    let log = Arc::new(FaultLog::default());
    for index in (0..MAX_REMEMBERED as u64).chain([0, MAX_REMEMBERED as u64]) {
        log.note(hash(index), 0, 1, true);
        log.charge(&attempt(index, 30_000), Kind::Known, 30_000);
        log.charge(&attempt(index, 30_000), Kind::Large, 30_000);
    }
    assert_eq!(log.sizes(), (MAX_REMEMBERED, [MAX_SENDERS; 2]));
    assert!(log.leaves_out(&hash(0), 1) && !log.leaves_out(&hash(1), 1));
}

/// A sender is judged by what it executed and what it owes.
#[test]
fn what_a_sender_owes_decides_about_its_next_transactions() {
    let log = Arc::new(FaultLog::default());
    let kind = |nonce, gas_limit| {
        log.look_up(&Attempt { nonce, transaction: hash(1), ..attempt(0, gas_limit) }).0
    };
    let _ = log.start(1, LIMIT);
    assert_eq!(kind(0, 21_000), Kind::Transfer);
    assert_eq!(kind(0, Attempts::SMALL), Kind::Small);
    // The least nonce that stands for so much gas.
    let nonce = |gas: u64| gas.div_ceil(EXECUTED);
    let kinds = |gas| [kind(nonce(gas) - 1, 200_000), kind(nonce(gas), 200_000)];
    assert_eq!(kinds(200_000), [Kind::Large, Kind::Known]);
    log.charge(&attempt(0, LIMIT), Kind::Small, FREE);
    assert_eq!((kind(0, 200_000), kind(10, 200_000)), (Kind::Large, Kind::Large));
    log.charge(&attempt(0, LIMIT), Kind::Large, 1_000_000);
    assert_eq!(kinds(1_000_000), [Kind::Again, Kind::Large]);
    assert_eq!(kinds(1_000_000 + FREE + 200_000), [Kind::Large, Kind::Known]);
    assert_eq!(kind(0, 21_000), Kind::Transfer);
    // Executed gas pays, and what is in the nonce does not pay twice.
    log.executed(&sender(0), EXECUTED + 400_000);
    log.executed(&sender(0), EXECUTED);
    assert_eq!(kinds(600_000), [Kind::Again, Kind::Large]);
    // The rest is forgiven, block by block.
    let blocks = 600_000 / FORGIVEN;
    let _ = log.start(blocks, LIMIT);
    assert_eq!(kind(0, 200_000), Kind::Again);
    let _ = log.start(blocks + 1, LIMIT);
    assert_eq!(kind(0, 200_000), Kind::Large);

    // What was executed is spent once, whatever time goes by, until as much is executed again.
    log.clear();
    log.charge(&attempt(0, LIMIT), Kind::Known, 1_000_000);
    let _ = log.start(LIMIT, LIMIT);
    assert_eq!(kinds(1_200_000), [Kind::Large, Kind::Known]);
    log.executed(&sender(0), EXECUTED + 999_999);
    assert_eq!(kind(12, 12 * EXECUTED), Kind::Large);
    log.executed(&sender(0), EXECUTED + 1);
    assert_eq!((kind(12, 12 * EXECUTED), log.sizes()), (Kind::Known, (0, [0, 0])));
}

/// Who asked a device that was lost is as it was before, once the question is answered.
#[test]
fn an_honest_sender_gets_out_of_its_debt() {
    for nonce in [0, 40] {
        let log = Arc::new(FaultLog::default());
        let question = Attempt { nonce, ..attempt(7, 6_000_000) };
        // As late as a device can fail: after all that it was paid for.
        let gas = 5_500_000;
        for block in 1..1_000 {
            let mut attempts = log.start(block, LIMIT);
            if attempts.allow(&question) {
                let _ = attempts.failed(&question, gas, &fault(FaultKind::Device));
            }
        }
        let next = |nonce| Attempt { nonce, transaction: hash(8), ..attempt(7, 200_000) };
        assert!(log.has_failed(&next(nonce)));
        assert!(log.start(1_024, LIMIT).allow(&question));
        log.executed(&question.sender, gas);
        assert!(!log.has_failed(&next(nonce + 1)));
        // And so is its rank among those that are known.
        let is_known = log.look_up(&next(nonce + 1)).0 == Kind::Known;
        assert_eq!(is_known, nonce > 0);
        assert!(log.has_failed(&question));
    }
    // The operator may forgive all at once, also while a block is being built.
    let log = Arc::new(FaultLog::default());
    let mut attempts = log.start(1_000_000, LIMIT);
    log.clear();
    let _ = attempts.failed(&attempt(1, LIMIT), FREE, &fault(FaultKind::Device));
    assert!(!log.has_failed(&Attempt { transaction: hash(2), ..attempt(1, LIMIT) }));
}
