//! Models that run before their block change nothing but the time it takes.

use core::num::NonZeroUsize;
use std::sync::Arc;

use lazvm::{CachedCoprocessor, Coprocessor, alloy_consensus::Header};
use lazvm_blocks::{PreRun, alloy_hardforks::EthereumHardfork as Fork};
use proptest::prelude::*;

use crate::chain::{Device, Tip, Wallet, factory, importer, market, root, sealed};

const FORK: Fork = Fork::Osaka;

fn memory(device: &Arc<Device>) -> Arc<CachedCoprocessor> {
    let device = Arc::clone(device) as Arc<dyn Coprocessor>;
    Arc::new(CachedCoprocessor::new(device, CachedCoprocessor::DEFAULT_BYTES))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_pre_run_changes_no_block(
        asked in prop::collection::vec((0..3_u8, 0..6_usize), 0..10),
        threads in 1..4_usize,
    ) {
        let wallets: Vec<Wallet> = (0..3).map(Wallet::new).collect();
        let mut nonces = [0; 3];
        let candidates: Vec<_> = asked
            .iter()
            .map(|(from, text)| {
                let nonce = &mut nonces[usize::from(*from)];
                *nonce += 1;
                wallets[usize::from(*from)].ask(*nonce - 1, &"question ".repeat(text + 1))
            })
            .collect();
        let parent = Tip::genesis(FORK, &wallets, true);
        let plain: Arc<dyn Coprocessor> = Arc::new(Device::default());
        let (built, tip) = parent.build(&importer(FORK, &plain, market()), candidates);

        let device = Arc::new(Device::default());
        let memory = memory(&device);
        let pre = PreRun::new(Arc::clone(&memory), NonZeroUsize::new(threads).unwrap());
        let shared = Arc::clone(&memory) as Arc<dyn Coprocessor>;
        let importer = importer(FORK, &shared, market());
        let block = importer.check(sealed(&built.block), &parent.ancestors()).unwrap();
        let env = importer.spec().evm_env(&built.block.header);
        let run = pre.run(&factory(&pre.device()), env, block.transactions(), parent.db());
        let distinct: std::collections::BTreeSet<_> = asked.iter().map(|(_, text)| text).collect();
        prop_assert_eq!((run, device.runs() as usize), (distinct.len(), distinct.len()));
        let mut db = parent.db();
        let outcome = importer.execute(&block, &parent.header, &mut db).unwrap();
        prop_assert_eq!((outcome, root(&db.cache)), (built.outcome, tip.header.state_root));
        // The block asked for nothing new.
        prop_assert_eq!(device.runs() as usize, distinct.len());
    }
}

/// What breaks a device before a block is met again in it.
#[test]
fn a_fault_in_a_pre_run_is_no_verdict() {
    let wallets = [Wallet::new(0)];
    let parent = Tip::genesis(FORK, &wallets, true);
    let device = Arc::new(Device::default());
    let memory = memory(&device);
    let pre = PreRun::new(Arc::clone(&memory), NonZeroUsize::MIN).with_rounds(3);
    let transactions = [wallets[0].ask(0, "broken"), wallets[0].ask(1, "whole")];
    let env = importer(FORK, &pre.device(), market()).spec().evm_env(&Header {
        gas_limit: 30_000_000,
        base_fee_per_gas: Some(1),
        excess_blob_gas: Some(0),
        ..parent.header.clone()
    });
    // The broken one is found in each round, and nothing else is lost.
    assert_eq!(pre.run(&factory(&pre.device()), env, &transactions, parent.db()), 4);
    assert_eq!(device.runs(), 4);
}

/// Whoever asks much on this state and little in the block is not run for ever.
#[test]
fn dry_runs_end_with_the_gas_of_two_blocks() {
    let wallets = [Wallet::new(0)];
    let parent = Tip::genesis(FORK, &wallets, true);
    let device = Arc::new(Device::default());
    let memory = memory(&device);
    let pre = PreRun::new(Arc::clone(&memory), NonZeroUsize::MIN).with_rounds(1);
    // Each may use 2,000,000, and ends at its first job.
    let transactions: Vec<_> =
        (0..40).map(|index| wallets[0].ask(index, &format!("question {index}"))).collect();
    let env = importer(FORK, &pre.device(), market()).spec().evm_env(&Header {
        gas_limit: 30_000_000,
        base_fee_per_gas: Some(1),
        excess_blob_gas: Some(0),
        ..parent.header.clone()
    });
    assert_eq!(pre.run(&factory(&pre.device()), env, &transactions, parent.db()), 30);
}
