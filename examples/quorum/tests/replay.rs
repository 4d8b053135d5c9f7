//! LazVM under the simulated chain: the same seed gives the same run, block for block, with answers of a model in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use lazai_consensus::simulation::{Cluster, Crash, Disk, Report};
use quorum::{
    executor::{Devices, LazVmExecutor, storyteller},
    node::{CHAIN_ID, RAW_PROMPT, genesis},
    wallet::{Order, Wallet},
};

const NODES: u16 = 4;

/// Runs a seed: four executors that take the same transactions, one of which crashes.
fn run(devices: &Devices, seed: u64) -> (Report, Vec<B256>) {
    let (_, model) = storyteller(1).unwrap();
    let executor = |_| {
        let genesis = genesis(model, usize::from(NODES)).unwrap();
        Arc::new(LazVmExecutor::in_memory(genesis, devices.clone()))
    };
    let executors: Vec<_> = (0..NODES).map(executor).collect();
    let mut prompts = Vec::new();
    for (user, name) in ["alice", "bob", "carol"].into_iter().enumerate() {
        let wallet = Wallet::named(name, CHAIN_ID).unwrap();
        for nonce in 0..4 {
            let is_prompt = nonce == user as u64;
            let order = if is_prompt {
                Order::call(RAW_PROMPT, format!("Once {seed} {nonce}").into_bytes()).gas(2_000_000)
            } else {
                Order::transfer(Address::repeat_byte(7), U256::from(nonce + 1))
            };
            let bytes = wallet.sign(nonce, order).unwrap();
            for executor in &executors {
                let hash = executor.submit(&bytes).unwrap();
                if is_prompt {
                    prompts.push(hash);
                }
            }
        }
    }
    let nodes = executors.clone();
    let crash = Crash {
        node: u16::try_from(seed % 4).unwrap(),
        at: Duration::from_millis(400 + 100 * seed),
        until: Duration::from_secs(3),
        disk: Disk::Kept,
    };
    let report = Cluster::builder()
        .nodes(NODES)
        .seed(seed)
        .crash(crash)
        .executors(move |node| Arc::clone(&nodes[usize::from(node)]) as _)
        .run()
        .unwrap();
    assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
    // Each node has the same chain as far as it has come, and each question was answered in it.
    let lowest = executors.iter().map(|executor| executor.status().unwrap().height).min().unwrap();
    assert!(lowest >= 3, "seed {seed}: {lowest}");
    let chain = |executor: &LazVmExecutor| {
        (1..=lowest).map(|height| executor.digest(height).unwrap().unwrap()).collect::<Vec<_>>()
    };
    let first = chain(&executors[0]);
    for executor in &executors {
        assert_eq!(chain(executor), first, "seed {seed}");
        for prompt in &prompts {
            let receipt = executor.receipt(prompt).unwrap().unwrap();
            assert!(receipt.success && receipt.ai_calls == 1 && !receipt.output.is_empty());
        }
    }
    (report, first)
}

#[test]
fn a_seed_replays_with_real_blocks() {
    let devices = Devices::new(storyteller(1).unwrap().0);
    let mut hashes = Vec::new();
    for seed in 0..12 {
        let (report, chain) = run(&devices, seed);
        let (again, chain_again) = run(&devices, seed);
        assert_eq!((report.hash, chain), (again.hash, chain_again), "seed {seed}");
        println!("seed {seed}: {} blocks, {}", report.finalized, report.hash);
        hashes.push(report.hash);
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 12, "each seed gives a run of its own");
}
