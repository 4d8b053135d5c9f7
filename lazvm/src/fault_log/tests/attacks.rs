//! What it costs to keep others out of the blocks of a node that fails at some calls.

use super::*;

/// Gas of a block.
const BLOCK: u64 = 10_000_000;

/// What honest senders give their calls, as wallets do by default.
const CALL: u64 = 10 * EXECUTED;

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// It is executed and uses so much gas.
    Runs(u64),
    /// It asks for a model that the node lacks, after it has used so much gas.
    Fails(u64),
}

/// A node whose pool takes the attacker's transactions before all others, and what came of it.
#[derive(Debug, Default)]
struct Node {
    log: Arc<FaultLog>,
    block: u64,
    /// Gas that the attacker has executed and paid.
    paid: u64,
    /// Transactions so far, of which each has a name.
    count: u64,
    /// Blocks without a call of a sender that is known, of one that is not, and without a small
    /// transaction of such a one.
    without: [u64; 3],
}

impl Node {
    /// Builds a block. Each of the attacker's transactions is of a sender, with a nonce and a
    /// limit.
    fn build(&mut self, attacker: &[(u64, u64, u64, Does)]) {
        self.block += 1;
        let mut named = |sender_index: u64, nonce, gas_limit| {
            self.count += 1;
            let transaction = hash(self.count);
            Attempt { transaction, sender: sender(sender_index), nonce, gas_limit }
        };
        let honest = [(10, CALL), (0, CALL), (0, 60_000)];
        let honest = (1_u64 << 40..)
            .zip(honest)
            .map(|(place, (nonce, gas_limit))| named(place + 8 * self.block, nonce, gas_limit));
        let honest: Vec<_> = honest.collect();
        let mut waiting: Vec<_> = attacker
            .iter()
            .map(|(sender, nonce, gas_limit, does)| (named(*sender, *nonce, *gas_limit), *does))
            .collect();
        waiting.sort_by_key(|(attempt, _)| self.log.has_failed(attempt));
        let mut attempts = self.log.start(self.block, BLOCK);
        let mut executed = Vec::new();
        for (attempt, does) in waiting {
            if !attempts.allow(&attempt) {
                continue;
            }
            match does {
                Does::Runs(gas) => executed.push((attempt.sender, gas)),
                Does::Fails(gas) => {
                    let missing = fault(FaultKind::ModelUnavailable);
                    let _ = attempts.failed(&attempt, gas, &missing);
                }
            }
        }
        for (without, attempt) in self.without.iter_mut().zip(&honest) {
            assert!(!self.log.has_failed(attempt));
            *without += u64::from(!attempts.allow(attempt));
        }
        // The block is final.
        for (sender, gas) in executed {
            self.paid += gas;
            self.log.executed(&sender, gas);
        }
    }
}

const TRANSFER: (u64, Does) = (21_000, Does::Runs(21_000));

/// A transfer after each failure forgives no more than its gas.
#[test]
fn a_transfer_between_failures_keeps_nobody_out() {
    let mut node = Node::default();
    for nonce in 0..500 {
        let poison = BLOCK - 21_000;
        node.build(&[
            (1, nonce, TRANSFER.0, TRANSFER.1),
            (1, nonce + 1, poison, Does::Fails(poison)),
        ]);
    }
    // A block's gas of transfers is one block without new senders.
    assert!(node.paid > BLOCK);
    assert_eq!(node.without, [0, 2, 0]);
}

/// New senders keep other new ones out at the price of funding them, and none that is known.
#[test]
fn new_senders_keep_no_known_one_out() {
    let mut node = Node::default();
    for block in 0..500 {
        // What pays the next of them is known itself.
        let funds = (1, block, TRANSFER.0, TRANSFER.1);
        node.build(&[funds, (100 + block, 0, BLOCK, Does::Fails(BLOCK))]);
    }
    assert_eq!((node.without, node.paid), ([0, 500, 0], 500 * 21_000));
    // So many that no small transaction of a new sender goes in: a fifth of a block's gas.
    let mut node = Node::default();
    for block in 0..100 {
        let poison = |index: u64| (1_000 * (block + 1) + index, 0, 100_000, Does::Fails(99_900));
        let few: Vec<_> = (0..99).map(poison).collect();
        node.build(&few);
        assert_eq!(node.without, [0; 3]);
    }
    let many: Vec<_> =
        (1_000_000..1_000_100).map(|s| (s, 0, 100_000, Does::Fails(99_900))).collect();
    node.build(&many);
    assert_eq!(node.without, [0, 0, 1]);
}

/// Whoever keeps known senders out of a block has executed as much gas as a block has, less the
/// limit of what is kept out, in however many accounts and however the failures are cut.
#[test]
fn known_senders_are_kept_out_of_a_block_for_the_gas_of_a_block() {
    for (accounts, parts) in [(1, 1), (1, 10), (4, 1), (50, 1), (5, 5)] {
        let mut node = Node::default();
        let mut nonces: Vec<_> = (0..accounts).map(|_| 0).collect();
        // What one of them has to fail with, a little at a time.
        let part = (BLOCK - CALL) / accounts / parts + 1;
        while node.without[0] < 20 {
            let worth = part * parts * (node.without[0] + 1);
            while nonces.iter().any(|nonce| nonce * EXECUTED < worth) {
                let mut transfers = Vec::new();
                for (nonce, account) in nonces.iter_mut().zip(1..) {
                    // As many as fit into the blocks.
                    for _ in 0..400 / accounts {
                        transfers.push((account, *nonce, TRANSFER.0, TRANSFER.1));
                        *nonce += 1;
                    }
                }
                node.build(&transfers);
            }
            let fails = nonces.iter().zip(1..).flat_map(|(nonce, account)| {
                (0..parts).map(move |_| (account, *nonce, part, Does::Fails(part)))
            });
            node.build(&fails.collect::<Vec<_>>());
            assert!(node.paid > (BLOCK - CALL) * node.without[0], "{accounts} {parts}: {node:?}");
            assert!(node.block < 200, "{accounts} {parts}: {node:?}");
        }
    }
}

/// A new sender can make others be kept out by 150,000 gas as one of small transactions: a seventh
/// of that is what it costs to fund it.
#[test]
fn a_new_sender_fails_with_little_as_a_small_one() {
    let most = |first: u64| {
        let log = Arc::new(FaultLog::default());
        let mut used = 0;
        for (name, gas) in (1..).zip([first, Attempts::SMALL, Attempts::SMALL]) {
            let next = Attempt { transaction: hash(name), ..attempt(1, Attempts::SMALL) };
            let mut attempts = log.start(name, BLOCK);
            if log.look_up(&next).0 == Kind::Small {
                used += gas;
                let _ = attempts.failed(&next, gas, &fault(FaultKind::ModelUnavailable));
            }
        }
        used
    };
    // What is forgiven meanwhile adds to it.
    let expected = FREE + Attempts::SMALL + 2 * FORGIVEN;
    assert_eq!((0..=100).map(|part| most(part * 1_000)).max(), Some(expected));
}

/// New senders who wait until their debts are forgiven have to be so many that to fund them costs
/// more than 40 blocks have.
#[test]
fn debts_that_are_forgiven_cost_more_than_forty_blocks() {
    let senders = BLOCK / FORGIVEN;
    assert!(senders * 21_000 > 40 * BLOCK);
    // One less often is too early.
    let log = Arc::new(FaultLog::default());
    let _ = log.start(1, LIMIT);
    log.charge(&attempt(1, BLOCK), Kind::Large, BLOCK);
    for (block, is_in_debt) in [(senders - FREE / FORGIVEN, true), (senders + 1, false)] {
        let _ = log.start(block, LIMIT);
        let next = Attempt { transaction: hash(9), ..attempt(1, BLOCK) };
        assert_eq!(log.has_failed(&next), is_in_debt, "{block}");
    }
}

/// To make what one sender used in vain be forgotten, as many as are kept must have used more: new
/// ones who were funded, or known ones who have executed that.
#[test]
fn what_was_used_in_vain_is_not_flushed() {
    for (used, nonce) in [(Kind::Large, 0), (Kind::Known, 12)] {
        let log = Arc::new(FaultLog::default());
        let _ = log.start(1, LIMIT);
        let next = Attempt { nonce, transaction: hash(9), ..attempt(1, CALL) };
        let before = log.look_up(&next).0;
        let charge = |index, kind, gas| {
            let failed = Attempt { transaction: hash(1_000_000 + index), ..attempt(index, CALL) };
            log.charge(&failed, kind, gas);
        };
        charge(1, used, 200_000);
        let after = log.look_up(&next).0;
        assert_ne!(before, after);
        let many = MAX_SENDERS as u64 + 1_000;
        for index in 0..many {
            charge(100 + index, used, 199_999);
        }
        // The other kind flushes nothing.
        let other = if used == Kind::Large { Kind::Known } else { Kind::Large };
        for index in 0..many {
            charge(100 + index, other, BLOCK);
        }
        for index in 0..MAX_SENDERS as u64 {
            assert_eq!(log.look_up(&next).0, after);
            charge(100_000 + index, used, 200_001);
        }
        // Nobody owes for a sender who is forgotten, but all have spent what one has.
        let forgotten = if used == Kind::Large { before } else { after };
        assert_eq!(log.look_up(&next).0, forgotten);
    }
}

/// Where too many have spent much to be remembered, one more spends what can't be noted.
#[test]
fn a_full_ledger_makes_nobody_known_for_ever() {
    let log = Arc::new(FaultLog::default());
    let _ = log.start(1, LIMIT);
    let failed = |index| Attempt { nonce: 3, transaction: hash(index), ..attempt(index, 50_000) };
    for index in 0..=MAX_SENDERS as u64 {
        assert_eq!(log.look_up(&failed(index)).0, Kind::Known);
        log.charge(&failed(index), Kind::Known, 40_000);
    }
    let next = MAX_SENDERS as u64 + 1;
    assert_eq!(log.look_up(&failed(next)).0, Kind::Small);
    let nonce = 50_000_u64.saturating_add(40_000).div_ceil(EXECUTED);
    assert_eq!(log.look_up(&Attempt { nonce, ..failed(next) }).0, Kind::Known);
}

/// A question that came behind the suspension of a device is charged for what it used until then,
/// and once it was asked for all, but not for both.
#[test]
fn a_transaction_is_charged_once() {
    let log = Arc::new(FaultLog::default());
    let lost = fault(FaultKind::Device);
    let question = Attempt { nonce: 100, ..attempt(7, 300_000) };
    let mut attempts = log.start(1, LIMIT);
    for index in 0..Attempts::MAX_FAULTS {
        let _ = attempts.failed(&attempt(100 + u64::from(index), 50_000), 50_000, &lost);
    }
    let _ = attempts.failed(&question, 30_000, &lost);
    let _ = log.start(2, LIMIT).failed(&question, 290_000, &lost);
    let limit = 100 * EXECUTED - 290_000;
    let next = |gas_limit| Attempt { transaction: hash(8), gas_limit, ..question };
    assert_eq!(log.look_up(&next(limit)).0, Kind::Known);
    assert_eq!(log.look_up(&next(limit + 1)).0, Kind::Large);
}
