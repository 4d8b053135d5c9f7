use core::{
    num::NonZeroU64,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use lazai_api_types::{
    ModelId, ProofSystemId,
    chain::{BlockExecutionError, BlockExecutor},
};
use lazvm::{Attempts, ChangeLimits, GasSchedule, Governance};
use lazvm_executor::{
    Devices, Genesis, GenesisAccount, LazVmExecutor, MAX_OUTPUT_BYTES, PoolError,
    TransactionRequest,
};

use crate::support::*;

#[test]
fn what_one_builds_others_accept() {
    let proposer = executor();
    let answer = submit(&proposer, "alice", 0, prompt("Once upon a time"));
    submit(
        &proposer,
        "bob",
        0,
        TransactionRequest::transfer(Address::repeat_byte(7), U256::from(5)),
    );
    let first = build(&proposer, &[]);
    assert_eq!(validate(&proposer, &[], &first), first.state_root);
    // The same on a machine that has neither the transactions nor the cache.
    let other = executor();
    assert_eq!(validate(&other, &[], &first), first.state_root);

    // A block above an open one, on a third machine that saw neither of them.
    submit(
        &proposer,
        "carol",
        0,
        TransactionRequest::transfer(Address::repeat_byte(8), U256::from(6)),
    );
    let second = build(&proposer, core::slice::from_ref(&first));
    let third = executor();
    assert_eq!(validate(&third, core::slice::from_ref(&first), &second), second.state_root);

    for executor in [&proposer, &other, &third] {
        executor.commit(&first).unwrap();
        assert_eq!(validate(executor, &[], &second), second.state_root);
        // The caller may not have seen the commit yet.
        assert_eq!(validate(executor, core::slice::from_ref(&first), &second), second.state_root);
        executor.commit(&second).unwrap();
        assert_eq!(executor.committed().unwrap(), Some((2, second.digest())));
        let receipt = executor.receipt(&answer).unwrap().unwrap();
        assert!(receipt.success && receipt.ai_calls == 1 && receipt.gas.ai > 0);
        assert!(!receipt.output.is_empty());
    }
    assert_eq!(proposer.status().unwrap(), other.status().unwrap());
}

#[test]
fn each_difference_of_a_block_changes_its_root() {
    let executor = executor();
    submit(
        &executor,
        "alice",
        0,
        TransactionRequest::transfer(Address::repeat_byte(7), U256::from(5)),
    );
    let full = build(&executor, &[]);
    let empty = LazVmExecutor::in_memory(genesis(), devices()).unwrap();
    let empty = build(&empty, &[]);
    assert_ne!(full.state_root, empty.state_root);
    assert_ne!(empty.state_root, executor.genesis_state_root());
    // Who proposes gets the tips.
    let mut other = context(1, GENESIS);
    other.proposer = 1;
    assert_ne!(executor.validate(&[], &other, &full.payload).unwrap(), full.state_root);
}

#[test]
fn a_block_takes_the_best_tips_and_keeps_to_its_limits() {
    let executor = executor();
    let transfer = || TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
    let low = submit(&executor, "alice", 0, TransactionRequest { tip: 1, ..transfer() });
    let high = submit(&executor, "bob", 0, TransactionRequest { tip: 2, ..transfer() });
    let behind = submit(&executor, "bob", 1, TransactionRequest { tip: 9, ..transfer() });
    // Gas that is left over when the others are in.
    let large =
        submit(&executor, "carol", 0, TransactionRequest { tip: 3, ..transfer().gas(GAS_LIMIT) });

    let order = |block: &lazai_api_types::chain::Block| {
        executor.commit(block).unwrap();
        let names = [(low, "low"), (high, "high"), (behind, "behind"), (large, "large")];
        let mut done: Vec<_> = names
            .iter()
            .filter_map(|(hash, name)| Some((executor.receipt(hash).unwrap()?, *name)))
            .filter(|(receipt, _)| receipt.height == block.height)
            .map(|(receipt, name)| (receipt.cumulative_gas, name))
            .collect();
        done.sort_unstable();
        done.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    // A transaction may use all the gas of a block, and then nothing else fits behind it until it
    // turns out to use less.
    assert_eq!(order(&build(&executor, &[])), ["large", "high", "behind", "low"]);

    let payload = |max_bytes| {
        let (height, parent) = executor.committed().unwrap().unwrap();
        executor.build(&[], &context(height + 1, parent), max_bytes).unwrap().payload.len()
    };
    submit(&executor, "alice", 1, transfer());
    let (all, none) = (payload(MAX_BYTES), payload(5));
    assert!(all > 100 && none == 5);
    assert_eq!(payload(all), all);
    assert_eq!(payload(all - 1), none);
    assert!(matches!(
        executor.build(&[], &context(2, GENESIS), 4),
        Err(BlockExecutionError::Fault { .. })
    ));
}

#[test]
fn the_base_fee_follows_demand() {
    let executor = executor();
    // Half of the limit is the target: above it the fee of that resource rises.
    let burn = TransactionRequest::create(vec![0x5b, 0x5f, 0x56]).gas(GAS_LIMIT);
    submit(&executor, "alice", 0, burn);
    executor.commit(&build(&executor, &[])).unwrap();
    let fees = executor.status().unwrap().base_fees;
    assert_eq!(fees.evm, u128::from(GWEI + GWEI / 8));
    assert_eq!(fees.ai, fees.evm);
    executor.commit(&build(&executor, &[])).unwrap();
    assert!(executor.status().unwrap().base_fees.evm < fees.evm);
}

#[test]
fn a_broken_device_abstains_and_never_refuses() {
    let device = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(false) });
    let flaky =
        LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _)).unwrap();
    let sound = executor();
    submit(&flaky, "alice", 0, prompt("Once"));
    submit(&sound, "alice", 0, prompt("Once"));
    let block = build(&sound, &[]);

    device.broken.store(true, Ordering::SeqCst);
    let fault = |result: Result<B256, BlockExecutionError>| {
        assert!(
            matches!(&result, Err(BlockExecutionError::Fault { reason }) if reason.contains("unplugged")),
            "{result:?}"
        );
    };
    let context = context(1, GENESIS);
    fault(flaky.validate(&[], &context, &block.payload));
    fault(flaky.commit(&block).map(|()| B256::ZERO));
    assert_eq!(flaky.committed().unwrap(), None);

    device.broken.store(false, Ordering::SeqCst);
    flaky.commit(&block).unwrap();
    assert_eq!(flaky.committed().unwrap(), Some((1, block.digest())));
}

#[test]
fn calls_have_a_device_of_their_own() {
    let queries = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) });
    let devices = Devices { queries: Some(Arc::clone(&queries) as _), ..devices() };
    let executor = LazVmExecutor::in_memory(genesis(), devices).unwrap();
    submit(&executor, "alice", 0, prompt("Once"));
    executor.commit(&build(&executor, &[])).unwrap();

    let call = || executor.call(RAW_PROMPT, Bytes::from_static(b"Twice"));
    assert!(matches!(call(), Err(BlockExecutionError::Fault { .. })));
    // What a block has asked already is known to both.
    assert!(executor.call(RAW_PROMPT, Bytes::from_static(b"Once")).unwrap().result.is_success());
    queries.broken.store(false, Ordering::SeqCst);
    assert!(call().unwrap().result.is_success());
}

#[test]
fn what_a_device_cannot_run_keeps_nothing_else_from_blocks() {
    let device = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) });
    let flaky =
        LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _)).unwrap();
    // The question has the best tip, so it is tried first.
    let question = TransactionRequest { tip: 3 * u128::from(GWEI), ..prompt("Once") };
    let question = submit(&flaky, "alice", 0, question);
    let transfer = submit(
        &flaky,
        "bob",
        0,
        TransactionRequest::transfer(Address::repeat_byte(7), U256::from(5)),
    );
    let block = build(&flaky, &[]);
    let left_out = flaky.status().unwrap().left_out;
    assert!(left_out.unwrap().contains("unplugged"));
    // It is a block like any other.
    assert_eq!(validate(&executor(), &[], &block), block.state_root);
    flaky.commit(&block).unwrap();
    assert!(flaky.receipt(&transfer).unwrap().is_some());
    assert!(flaky.receipt(&question).unwrap().is_none());
    device.broken.store(false, Ordering::SeqCst);
    flaky.commit(&build(&flaky, &[])).unwrap();
    assert!(flaky.receipt(&question).unwrap().unwrap().success);
    assert_eq!(flaky.status().unwrap().left_out, None);
}

#[test]
fn what_a_device_fails_to_run_is_not_tried_for_ever() {
    let device = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) });
    let flaky =
        LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _)).unwrap();
    let question = submit(&flaky, "alice", 0, prompt("Once"));
    let sound = executor();
    for height in 1..=5 {
        device.broken.store(height <= 4, Ordering::SeqCst);
        let block = build(&flaky, &[]);
        flaky.commit(&block).unwrap();
        sound.commit(&block).unwrap();
        let is_tried = [1, 2, 4].contains(&height);
        let expected = if is_tried { "unplugged" } else { "not tried again" };
        assert!(flaky.status().unwrap().left_out.unwrap().contains(expected), "{height}");
    }
    assert!(flaky.receipt(&question).unwrap().is_none());
    // Blocks of others may still have it.
    submit(&sound, "alice", 0, prompt("Once"));
    let block = build(&sound, &[]);
    flaky.commit(&block).unwrap();
    assert!(flaky.receipt(&question).unwrap().unwrap().success);
}

/// An operator who has repaired a device need not wait as long as it was broken.
#[test]
fn what_failed_is_tried_at_once_when_it_is_asked_for() {
    for is_asked_for in [false, true] {
        let device = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) });
        let node = LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _));
        let node = node.unwrap();
        let question = submit(&node, "alice", 0, prompt("Once"));
        for _ in 1..=2 {
            node.commit(&build(&node, &[])).unwrap();
        }
        device.broken.store(false, Ordering::SeqCst);
        if is_asked_for {
            node.retry_failed().unwrap();
        }
        node.commit(&build(&node, &[])).unwrap();
        assert_eq!(node.receipt(&question).unwrap().is_some(), is_asked_for);
    }
}

/// A dead device costs a node a few attempts a block, and when it is back everything runs.
#[test]
fn a_lost_device_loses_no_transaction() {
    let broken = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) });
    let device = Arc::new(Counting::new(Arc::clone(&broken) as _));
    let users: Vec<_> = (0..12).map(|index| wallet(&format!("user {index}"))).collect();
    let mut genesis = genesis();
    for user in &users {
        let rich = GenesisAccount::rich(U256::from(10_u64.pow(18)));
        genesis.accounts.insert(user.address(), rich);
    }
    let node = LazVmExecutor::in_memory(genesis, Devices::new(Arc::clone(&device) as _)).unwrap();
    let asked: Vec<_> = (0..)
        .zip(&users)
        .map(|(index, user)| node.submit(&user.sign(0, prompt(&format!("Once {index}"))).unwrap()))
        .collect();
    let tried = || {
        let before = device.runs();
        node.commit(&build(&node, &[])).unwrap();
        device.runs() - before
    };
    assert!([(); 6].iter().all(|()| tried() <= 2 * u64::from(Attempts::MAX_FAULTS)));
    broken.broken.store(false, Ordering::SeqCst);
    // None has waited for long, and not all of them fit into one block.
    for _ in 0..16 {
        tried();
    }
    for question in asked {
        assert!(node.receipt(&question.unwrap()).unwrap().unwrap().success);
    }
}

#[test]
fn a_node_runs_a_job_once_for_calls_and_blocks() {
    let device = Arc::new(Counting::new(model().0));
    let node = LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _)).unwrap();
    node.call(RAW_PROMPT, "Once".into()).unwrap();
    submit(&node, "alice", 0, prompt("Once"));
    let block = build(&node, &[]);
    node.commit(&block).unwrap();
    assert_eq!(device.runs(), 1);
    // The same block on a node that runs it itself.
    let other = executor();
    assert_eq!(validate(&other, &[], &block), block.state_root);
}

/// Every node of a chain must know the first block with AI precompiles, and each change of prices.
#[test]
fn precompiles_and_prices_begin_at_their_heights() {
    let limits = ChangeLimits { min_delay: NonZeroU64::MIN, ..ChangeLimits::default() };
    let mut prices = Governance::new(GasSchedule::default(), limits);
    prices.propose(1, 3, GasSchedule { gamma: 3_000, ..GasSchedule::default() }).unwrap();
    let upgraded = Genesis { ai_from: 2, prices, ..genesis() };
    let node = LazVmExecutor::in_memory(upgraded.clone(), devices()).unwrap();
    let mut gas = Vec::new();
    for nonce in 0..3 {
        let question = submit(&node, "alice", nonce, prompt("Once"));
        node.commit(&build(&node, &[])).unwrap();
        gas.push(node.receipt(&question).unwrap().unwrap().gas.ai);
    }
    assert_eq!(gas[0], 0, "an account like any other");
    assert!(gas[1] > 0 && gas[2] == gas[1] + 1_000, "{gas:?}");

    let root = |genesis: Genesis| {
        LazVmExecutor::in_memory(genesis, devices()).unwrap().genesis_state_root()
    };
    let changed = Genesis { prices: Governance::new(GasSchedule::default(), limits), ..genesis() };
    let roots = [genesis(), Genesis { ai_from: 1, ..genesis() }, upgraded, changed].map(root);
    for (place, root) in roots.iter().enumerate() {
        assert!(!roots[..place].contains(root));
    }
}

#[test]
fn a_long_branch_is_executed_once() {
    let device = Arc::new(Counting::new(model().0));
    let judge =
        LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _)).unwrap();
    let proposer =
        LazVmExecutor::in_memory(genesis(), Devices::new(Arc::clone(&device) as _)).unwrap();
    let mut pending = Vec::new();
    for nonce in 0..80 {
        // Of one sender no more than 64 wait.
        let name = if nonce < 40 { "alice" } else { "bob" };
        // Each question is another one: a node answers the same one once.
        submit(&proposer, name, nonce % 40, prompt(&format!("Once {nonce}")));
        pending.push(build(&proposer, &pending));
    }
    // Nothing becomes final for a while, and each block must be judged within its view all the
    // same.
    let built = device.runs();
    for (place, block) in pending.iter().enumerate() {
        assert_eq!(validate(&judge, &pending[..place], block), block.state_root);
        assert_eq!(device.runs(), built + place as u64 + 1);
    }
    // Views that fail leave blocks at the same place, which must not drive out what the branch
    // stands on.
    let (last, before) = pending.split_last().unwrap();
    for view in 1..70 {
        let mut other = context(last.height, last.parent);
        other.timestamp_ms += view;
        judge.validate(before, &other, &[1, 0, 0, 0, 0]).unwrap();
    }
    assert_eq!(device.runs(), built + 80);
    assert_eq!(validate(&executor(), before, last), last.state_root);
}

#[test]
fn committing_again_changes_nothing_and_a_fork_is_refused() {
    let executor = executor();
    let blocks = three_blocks();
    for block in &blocks {
        executor.commit(block).unwrap();
        executor.commit(block).unwrap();
    }
    executor.commit(&blocks[0]).unwrap();
    let status = executor.status().unwrap();
    for block in &blocks {
        let mut fork = block.clone();
        fork.view += 1;
        assert!(matches!(executor.commit(&fork), Err(BlockExecutionError::Rejected { .. })));
    }
    let mut ahead = blocks[2].clone();
    ahead.height = 5;
    assert!(matches!(executor.commit(&ahead), Err(BlockExecutionError::Fault { .. })));
    let mut wrong = build(&executor, &[]);
    wrong.state_root = B256::ZERO;
    assert!(matches!(executor.commit(&wrong), Err(BlockExecutionError::Rejected { .. })));
    assert_eq!(executor.status().unwrap(), status);
}

#[test]
fn the_pool_is_bounded_and_says_why_it_refuses() {
    let executor = executor();
    let transfer = || TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
    let refused =
        |name, nonce, request| executor.submit(&signed(name, nonce, request)).unwrap_err();
    assert!(matches!(refused("alice", 64, transfer()), PoolError::Nonce { next: 0, .. }));
    let needed = U256::from(21_000_u64 * 100) * U256::from(GWEI) + U256::from(1);
    let poor = PoolError::Balance { needed, got: U256::ZERO };
    assert_eq!(refused("dave", 0, transfer()), poor);
    let got = GAS_LIMIT + 1;
    let too_much = refused("alice", 0, transfer().gas(got));
    assert_eq!(too_much, PoolError::GasLimit { max: GAS_LIMIT, got });

    let first = submit(&executor, "alice", 0, transfer());
    assert_eq!(submit(&executor, "alice", 0, transfer()), first);
    let fee = transfer().max_fee;
    let dearer = |max_fee| TransactionRequest { max_fee, ..transfer() };
    assert!(matches!(refused("alice", 0, dearer(fee + 1)), PoolError::Underpriced { .. }));
    submit(&executor, "alice", 0, dearer(fee * 2));
    assert_eq!(executor.status().unwrap().waiting, 1);
    executor.commit(&build(&executor, &[])).unwrap();
    assert_eq!(executor.status().unwrap().waiting, 0);
    assert!(matches!(refused("alice", 0, transfer()), PoolError::Nonce { next: 1, .. }));
    assert_eq!(executor.nonce(&wallet("alice").address()).unwrap(), 1);
}

/// What no block can ever take: it costs nothing, so it must neither wait nor wake anyone.
#[test]
fn the_pool_refuses_what_no_block_takes() {
    let executor = executor();
    let refused = |request| executor.submit(&signed("alice", 0, request)).unwrap_err();
    let transfer = || TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
    for got in [0, 20_999] {
        let error = refused(transfer().gas(got));
        assert_eq!(error, PoolError::TooLittleGas { least: 21_000, got });
    }
    // Data has a floor that is higher than what it costs at first (EIP-7623).
    let data = TransactionRequest { data: vec![1; 1_000].into(), ..transfer() };
    let (least, got) = (21_000 + 40 * 1_000, 21_000 + 16 * 1_000);
    assert_eq!(refused(data.gas(got)), PoolError::TooLittleGas { least, got });
    let tip =
        TransactionRequest { max_fee: u128::from(GWEI), tip: 2 * u128::from(GWEI), ..transfer() };
    let (max, got) = (tip.max_fee, tip.tip);
    assert_eq!(refused(tip), PoolError::Tip { max, got });
    let (max, got) = (49_152, 49_153);
    let large = TransactionRequest::create(vec![0; got]);
    assert_eq!(refused(large), PoolError::InitCode { max, got });
    assert_eq!(executor.status().unwrap().waiting, 0);
    // What is at the limits is taken.
    submit(&executor, "alice", 0, TransactionRequest::create(vec![0; max]));
    let tip = TransactionRequest { max_fee: got as u128, tip: got as u128, ..transfer() };
    submit(&executor, "bob", 0, tip);
}

/// Ethereum takes no transaction of an account with code (EIP-3607), which only a genesis can make.
#[test]
fn what_a_block_refuses_does_not_wait_for_the_next() {
    let mut genesis = genesis();
    let alice = genesis.accounts.get_mut(&wallet("alice").address()).unwrap();
    alice.code = Bytes::from_static(&[0]);
    let executor = LazVmExecutor::in_memory(genesis, devices()).unwrap();
    let transfer = || TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
    submit(&executor, "alice", 1, transfer());
    let behind = submit(&executor, "alice", 2, transfer());
    // It does not keep others from the block.
    let paid = submit(&executor, "bob", 0, transfer());
    executor.commit(&build(&executor, &[])).unwrap();
    assert!(executor.receipt(&paid).unwrap().is_some());
    assert!(executor.receipt(&behind).unwrap().is_none());
    assert_eq!(executor.status().unwrap().waiting, 1);
    assert!(!wakes(&executor));
}

#[test]
fn what_is_longer_than_a_block_wakes_nobody() {
    let executor = executor();
    let data = TransactionRequest::call(Address::ZERO, vec![0; 2_000]);
    submit(&executor, "alice", 0, data);
    assert!(wakes(&executor));
    let body = executor.build(&[], &context(1, GENESIS), 2_000).unwrap();
    executor.commit(&block(&context(1, GENESIS), body.payload, body.state_root)).unwrap();
    assert!(!wakes(&executor));
    submit(&executor, "bob", 0, TransactionRequest::transfer(Address::ZERO, U256::from(1)));
    assert!(wakes(&executor));
}

/// Whether a transaction waits that the next block can take.
fn wakes(executor: &LazVmExecutor) -> bool {
    executor.wait(Duration::ZERO).unwrap()
}

#[test]
fn transactions_that_never_run_do_not_keep_others_out() {
    let poor = ["dave", "erin", "frank"].map(wallet);
    let mut genesis = genesis();
    for wallet in &poor {
        genesis.accounts.insert(wallet.address(), GenesisAccount::rich(U256::from(1)));
    }
    let executor = LazVmExecutor::in_memory(genesis, devices()).unwrap();
    // They cost nothing, and no block takes them.
    let free = TransactionRequest {
        max_fee: 0,
        tip: 0,
        gas_limit: 1_400_000,
        ..TransactionRequest::call(Address::ZERO, vec![0; 130_000])
    };
    let mut taken = 0_u64;
    let full = loop {
        let (sender, nonce) = (&poor[taken as usize / 64], taken % 64);
        match executor.submit(&sender.sign(nonce, free.clone()).unwrap()) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(taken > 64 && matches!(full, PoolError::Full { .. }), "{taken} {full:?}");
    let transfer = || TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
    let paid = submit(&executor, "alice", 0, transfer());
    // Neither does a price keep others out that nobody will ever pay: what waits for a nonce goes
    // first.
    let large = TransactionRequest {
        gas_limit: 2_000_000,
        ..TransactionRequest::call(Address::ZERO, vec![0; 130_000])
    };
    let dear = TransactionRequest { max_fee: 200 * u128::from(GWEI), ..large.clone() };
    for nonce in 2..64 {
        submit(&executor, "bob", nonce, dear.clone());
    }
    for nonce in 1..64 {
        submit(&executor, "alice", nonce, large.clone());
    }
    let best = TransactionRequest { tip: 2 * u128::from(GWEI), ..large };
    let carols: Vec<_> =
        (0..20).map(|nonce| submit(&executor, "carol", nonce, best.clone())).collect();
    // One that waits for a nonce itself displaces none that pays more.
    let refused = executor.submit(&signed("carol", 63, best)).unwrap_err();
    assert!(matches!(refused, PoolError::Full { .. }), "{refused:?}");
    executor.commit(&build(&executor, &[])).unwrap();
    assert!(executor.receipt(&paid).unwrap().is_some());
    assert!(executor.receipt(&carols[0]).unwrap().is_some());
}

/// What waits because this node could not run it gives way to what runs, whatever it would pay.
#[test]
fn what_a_node_cannot_run_keeps_nothing_out() {
    let users: Vec<_> = (0..4).map(|index| wallet(&format!("user {index}"))).collect();
    let mut genesis = genesis();
    for user in &users {
        genesis.accounts.insert(user.address(), GenesisAccount::rich(RICH));
    }
    let device = Flaky { device: model().0, broken: AtomicBool::new(true) };
    let node = LazVmExecutor::in_memory(genesis, Devices::new(Arc::new(device) as _)).unwrap();
    let fill = |user: &lazvm_executor::Wallet| {
        let dear = TransactionRequest {
            max_fee: 200 * u128::from(GWEI),
            gas_limit: 2_000_000,
            ..TransactionRequest::call(Address::ZERO, vec![0; 130_000])
        };
        (1..64).find_map(|nonce| node.submit(&user.sign(nonce, dear.clone()).unwrap()).err())
    };
    for user in &users {
        node.submit(&user.sign(0, prompt("Once")).unwrap()).unwrap();
    }
    let full = users.iter().find_map(fill);
    assert!(matches!(full, Some(PoolError::Full { .. })), "{full:?}");
    let cheap = || TransactionRequest {
        max_fee: 2 * u128::from(GWEI),
        gas_limit: 2_000_000,
        ..TransactionRequest::call(Address::ZERO, vec![0; 130_000])
    };
    let refused = node.submit(&signed("alice", 0, cheap())).unwrap_err();
    assert!(matches!(refused, PoolError::Full { .. }), "{refused:?}");
    node.commit(&build(&node, &[])).unwrap();
    let paid = submit(&node, "alice", 0, cheap());
    node.commit(&build(&node, &[])).unwrap();
    assert!(node.receipt(&paid).unwrap().is_some());
}

/// It runs only behind the cheap one, so it is worth no more, and displaced as easily.
#[test]
fn a_dear_transaction_does_not_protect_a_cheap_one_before_it() {
    let executor = executor();
    let data = || TransactionRequest::call(Address::ZERO, vec![0; 130_000]);
    let gwei = |price: u64| u128::from(price * GWEI);
    // The first one wants a whole block, and pays little.
    let cheap = TransactionRequest { max_fee: gwei(2), tip: 0, ..data().gas(GAS_LIMIT) };
    let dear = TransactionRequest { max_fee: gwei(1_000), tip: 0, ..data().gas(1_400_000) };
    let full = (0..192).find_map(|index| {
        let (name, nonce) = (["alice", "bob", "carol"][index / 64], index as u64 % 64);
        let request = if nonce == 0 { &cheap } else { &dear };
        executor.submit(&signed(name, nonce, request.clone())).err()
    });
    assert!(matches!(full, Some(PoolError::Full { .. })), "{full:?}");
    let waiting = executor.status().unwrap().waiting;
    let better = TransactionRequest { max_fee: gwei(3), tip: 1, ..data().gas(1_400_000) };
    let better = submit(&executor, "erin", 0, better);
    assert_eq!(executor.status().unwrap().waiting, waiting);
    executor.commit(&build(&executor, &[])).unwrap();
    assert!(executor.receipt(&better).unwrap().is_some());
    // What is not worth more than what it would displace changes nothing.
    let same = TransactionRequest { max_fee: gwei(2), tip: 0, ..data().gas(1_400_000) };
    let before = executor.status().unwrap();
    for nonce in 1..64 {
        match executor.submit(&signed("erin", nonce, same.clone())) {
            Ok(_) => assert!(executor.status().unwrap().waiting > before.waiting),
            Err(error) => return assert!(matches!(error, PoolError::Full { .. }), "{error:?}"),
        }
    }
    unreachable!("the pool is full");
}

#[test]
fn what_cannot_make_room_enough_displaces_nothing() {
    let executor = executor();
    let priced = |price: u64, request| TransactionRequest {
        max_fee: u128::from(price * GWEI),
        tip: 0,
        ..request
    };
    let large = || TransactionRequest::call(Address::ZERO, vec![0; 130_000]).gas(1_400_000);
    for name in ["alice", "bob"] {
        for nonce in 0..64 {
            submit(&executor, name, nonce, priced(50, large()));
        }
    }
    for nonce in 0..20 {
        let small = TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
        submit(&executor, "carol", nonce, priced(2, small));
    }
    assert_eq!(executor.status().unwrap().waiting, 148);
    // It is worth more than the small ones, which are not enough.
    let refused = executor.submit(&signed("erin", 0, priced(10, large()))).unwrap_err();
    assert!(matches!(refused, PoolError::Full { .. }), "{refused:?}");
    assert_eq!(executor.status().unwrap().waiting, 148);
    submit(&executor, "erin", 0, priced(60, large()));
    assert_eq!(executor.status().unwrap().waiting, 128);
}

#[test]
fn a_sender_owns_what_its_queue_costs() {
    let executor = executor();
    let transfer = |value| TransactionRequest::transfer(Address::repeat_byte(7), value);
    let half = RICH / U256::from(2);
    submit(&executor, "alice", 0, transfer(half));
    let cost = half + U256::from(21_000_u64 * 100) * U256::from(GWEI);
    let refused = executor.submit(&signed("alice", 1, transfer(half))).unwrap_err();
    assert_eq!(refused, PoolError::Balance { needed: cost * U256::from(2), got: RICH });
    submit(&executor, "alice", 1, transfer(half / U256::from(2)));
    // One that replaces another one counts in its place.
    let dearer = TransactionRequest { max_fee: 200 * u128::from(GWEI), ..transfer(half) };
    submit(&executor, "alice", 0, dearer);
    assert_eq!(executor.status().unwrap().waiting, 2);
    // What the sender can no longer pay is dropped: another block had more of its money.
    let other = LazVmExecutor::in_memory(genesis(), devices()).unwrap();
    submit(&other, "alice", 0, transfer(RICH - U256::from(10_u64.pow(18))));
    executor.commit(&build(&other, &[])).unwrap();
    assert_eq!(executor.status().unwrap().waiting, 0);
}

#[test]
fn receipts_keep_the_beginning_of_an_output() {
    let executor = executor();
    // PUSH3 104,928, PUSH0, RETURN
    let code = [0x62, 0x01, 0x99, 0xe0, 0x5f, 0xf3];
    // PUSH6 code, PUSH0, MSTORE, PUSH1 6, PUSH1 26, RETURN
    let mut init = vec![0x65];
    init.extend(code);
    init.extend([0x5f, 0x52, 0x60, 0x06, 0x60, 0x1a, 0xf3]);
    let created = submit(&executor, "alice", 0, TransactionRequest::create(init));
    let contract = wallet("alice").address().create(0);
    let called = TransactionRequest::call(contract, Bytes::new());
    let called = submit(&executor, "alice", 1, called);
    executor.commit(&build(&executor, &[])).unwrap();
    let receipt = |name| executor.receipt(name).unwrap().unwrap();
    let (created, called) = (receipt(&created), receipt(&called));
    assert_eq!((created.output.as_ref(), created.output_bytes), (code.as_slice(), 6));
    assert_eq!((called.output.len(), called.output_bytes), (MAX_OUTPUT_BYTES, 104_928));
    // A call returns all of it.
    let whole = executor.call(contract, Bytes::new()).unwrap().result;
    assert_eq!(whole.output().unwrap().len(), 104_928);
}

#[test]
fn a_call_sees_the_time_of_the_chain() {
    let executor = executor();
    // TIMESTAMP, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
    let code = [0x42, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    // PUSH7 code, PUSH0, MSTORE, PUSH1 7, PUSH1 25, RETURN
    let mut init = vec![0x66];
    init.extend(code);
    init.extend([0x5f, 0x52, 0x60, 0x07, 0x60, 0x19, 0xf3]);
    submit(&executor, "alice", 0, TransactionRequest::create(init));
    for _ in 0..3 {
        executor.commit(&build(&executor, &[])).unwrap();
    }
    let clock = wallet("alice").address().create(0);
    let called = executor.call(clock, Default::default()).unwrap().result;
    assert_eq!(U256::from_be_slice(called.output().unwrap()), U256::from(3));
}

#[test]
fn what_nodes_must_agree_on_makes_the_chain() {
    let root = |change: fn(&mut Genesis)| {
        let mut genesis = genesis();
        change(&mut genesis);
        LazVmExecutor::in_memory(genesis, devices()).unwrap().genesis_state_root()
    };
    let roots = [
        root(|_| ()),
        root(|genesis| genesis.chain_id += 1),
        root(|genesis| genesis.gas_limit += 1),
        root(|genesis| genesis.base_fee += 1),
        root(|genesis| genesis.model.0[0] ^= 1),
        root(|genesis| genesis.prompt_max_tokens += 1),
        root(|genesis| genesis.beneficiaries.push(Address::ZERO)),
        root(|genesis| drop(genesis.accounts.pop_first())),
        root(|genesis| drop(genesis.models.insert(0, [ModelId::default()].into()))),
        root(|genesis| drop(genesis.proof_systems.insert(1, [ProofSystemId::HALO2].into()))),
    ];
    for (place, one) in roots.iter().enumerate() {
        assert!(!roots[..place].contains(one), "{place}");
    }
}
