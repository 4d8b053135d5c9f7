//! Blocks at three base fees: built, imported, and paid for to the wei.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use lazai_gas::{FeeMarket, Resource, Resources};
use lazvm::{
    Coprocessor,
    alloy_consensus::{TxEnvelope, transaction::Recovered},
    alloy_evm::block::{BlockExecutionError, BlockValidationError},
    revm::{Database, database::State},
};
use lazvm_blocks::{
    BlockError, EthExecutors, Field, Importer, Market, MarketImporter, Outcome, OverLimit,
    Treasury, alloy_hardforks::EthereumHardfork as Fork,
};
use lazvm_contracts::market::LazMarket;
use proptest::prelude::*;

use crate::{
    chain::{
        BENEFICIARY, Device, GAS_LIMIT, Tip, Wallet, importer, market, market_at, root, sealed,
    },
    support::{GWEI, spec},
};

fn wallets() -> Vec<Wallet> {
    (0..3).map(Wallet::new).collect()
}

fn device() -> Arc<dyn Coprocessor> {
    Arc::new(Device::default())
}

fn at_three_fees() -> FeeMarket {
    let gwei = u128::from(GWEI);
    market_at(Resources { evm: gwei, ai: 3 * gwei, inference: 2 * gwei })
}

/// Imports a block, and returns what came of it and the root behind it.
fn import(
    importer: &MarketImporter,
    parent: &Tip,
    block: &lazvm_blocks::Block,
) -> Result<(Outcome, alloy_primitives::B256), BlockError> {
    let block = importer.check(sealed(block), &parent.ancestors())?;
    let mut db = parent.db();
    let outcome = importer.execute(&block, &parent.header, &mut db)?;
    Ok((outcome, root(&db.cache)))
}

fn exceeded(error: &BlockValidationError) -> Option<&OverLimit> {
    let BlockValidationError::InvalidTx { error, .. } = error else { return None };
    (&**error as &dyn core::any::Any).downcast_ref()
}

#[test]
fn a_block_of_ai_calls_is_built_and_imported() {
    let [alice, bob, carol] = <[Wallet; 3]>::try_from(wallets()).ok().unwrap();
    let importer = importer(Fork::Osaka, &device(), at_three_fees());
    let parent = Tip::genesis(Fork::Osaka, &[alice, bob, carol], true);
    let [alice, bob, _] = <[Wallet; 3]>::try_from(wallets()).ok().unwrap();
    let candidates = vec![
        alice.ask(0, "what is the answer?"),
        alice.pay(2, bob.address, 5),
        bob.ask(0, "this is broken"),
        bob.pay(0, alice.address, 7),
        alice.pay(1, bob.address, 9),
    ];
    let (built, tip) = parent.build(&importer, candidates);
    assert_eq!(built.block.body.transactions.len(), 3);
    // A nonce that is not due, and a job that this node cannot run.
    assert_eq!(built.left_out.len(), 2);
    assert_eq!(built.block.header.base_fee_per_gas, Some(3 * GWEI));
    let (outcome, root) = import(&importer, &parent, &built.block).unwrap();
    assert_eq!((outcome, root), (built.outcome, tip.header.state_root));
}

/// What the chain writes is what contracts and proofs read.
#[test]
fn the_state_holds_what_the_next_block_costs() {
    let [alice, ..] = <[Wallet; 3]>::try_from(wallets()).ok().unwrap();
    let importer = importer(Fork::Osaka, &device(), at_three_fees());
    let mut tip = Tip::genesis(Fork::Osaka, &wallets(), true);
    let mut expected = at_three_fees();
    for number in 0..4 {
        let text = "tell me more. ".repeat(number);
        let (built, next) =
            tip.build(&importer, vec![alice.ask(number as u64, &format!("{text}!"))]);
        assert_eq!(built.left_out.len(), 0);
        let mut db = next.db();
        let slot =
            |db: &mut State<_>, slot: u64| db.storage(Market::ADDRESS, U256::from(slot)).unwrap();
        let used = slot(&mut db, 3);
        let word = |shift: usize| (used >> shift).as_limbs()[0];
        let used = Resources { evm: word(0), ai: word(64), inference: word(128) };
        assert_eq!(word(192), number as u64 + 1);
        assert_eq!(used.evm + used.ai + used.inference, built.outcome.gas_used);
        assert!(used.ai > 0 && used.inference > 0);
        assert_eq!(
            built.block.header.base_fee_per_gas,
            u64::try_from(expected.header_base_fee()).ok()
        );
        expected = expected.settle(&used).unwrap();
        let fees = expected.base_fees();
        for (place, fee) in [fees.evm, fees.ai, fees.inference].into_iter().enumerate() {
            let level =
                [&expected.resources.evm, &expected.resources.ai, &expected.resources.inference]
                    [place]
                    .level
                    .0;
            assert_eq!(slot(&mut db, place as u64), (U256::from(fee) << 128) | U256::from(level));
        }
        tip = next;
    }
}

/// Only the chain itself writes the fees, and everyone reads them.
#[test]
fn the_contract_of_the_market_listens_to_the_chain_alone() {
    let [alice, ..] = <[Wallet; 3]>::try_from(wallets()).ok().unwrap();
    let importer = importer(Fork::Osaka, &device(), market());
    let parent = Tip::genesis(Fork::Osaka, &wallets(), true);
    let call = LazMarket::settleCall { levels: [1; 3], baseFees_: [1; 3], gas: [1; 3] };
    let calls = [
        (call.abi_encode(), false),
        (LazMarket::baseFeesCall {}.abi_encode(), true),
        (LazMarket::gasUsedCall {}.abi_encode(), true),
        (LazMarket::settledBlockCall {}.abi_encode(), true),
    ];
    let candidates = (0..).zip(&calls).map(|(nonce, (call, _))| {
        alice.send(nonce, Market::ADDRESS, 0, Bytes::copy_from_slice(call), 100_000)
    });
    let (built, _) = parent.build(&importer, candidates.collect());
    let succeeded: Vec<_> = built.outcome.receipts.iter().map(|receipt| receipt.status()).collect();
    assert_eq!(succeeded, calls.map(|(_, succeeds)| succeeds));
}

#[test]
fn a_block_at_another_base_fee_is_refused() {
    let importer = importer(Fork::Osaka, &device(), at_three_fees());
    let parent = Tip::genesis(Fork::Osaka, &wallets(), true);
    let (built, _) = parent.build(&importer, Vec::new());
    for fee in [GWEI, 3 * GWEI - 1, 3 * GWEI + 1] {
        let mut block = built.block.clone();
        block.header.base_fee_per_gas = Some(fee);
        let error = import(&importer, &parent, &block).unwrap_err();
        assert!(
            matches!(error, BlockError::Mismatch(mismatch) if mismatch.field == Field::BaseFee),
            "{error}"
        );
    }
    let mut block = built.block;
    block.header.base_fee_per_gas = None;
    assert!(import(&importer, &parent, &block).is_err());
}

/// Builders leave out what has no room, and a block with it is invalid.
#[test]
fn a_limit_reverts_nothing() {
    let [alice, bob, carol] = <[Wallet; 3]>::try_from(wallets()).ok().unwrap();
    let parent = Tip::genesis(Fork::Osaka, &wallets(), true);
    let candidates = || {
        vec![
            alice.ask(0, "one"),
            bob.ask(0, "two"),
            carol.pay(0, alice.address, 1),
            bob.pay(0, alice.address, 1),
        ]
    };
    let wide = importer(Fork::Osaka, &device(), market());
    let (all, _) = parent.build(&wide, candidates());
    assert_eq!(all.block.body.transactions.len(), 3, "{:?}", all.left_out);
    // Room for one question.
    let mut narrow = market();
    narrow.resources.ai.limit = 600_000;
    let narrow = importer(Fork::Osaka, &device(), narrow);
    let (built, tip) = parent.build(&narrow, candidates());
    assert_eq!(built.block.body.transactions.len(), 3);
    let [left_out] = built.left_out.as_slice() else { panic!("{:?}", built.left_out) };
    let over = exceeded(&left_out.error).unwrap();
    assert_eq!((over.0.resource, over.0.limit), (Resource::Ai, 600_000));
    let (_, root) = import(&narrow, &parent, &built.block).unwrap();
    assert_eq!(root, tip.header.state_root);
    let error = import(&narrow, &parent, &all.block).unwrap_err();
    let BlockError::Execution(BlockExecutionError::Validation(error)) = &error else {
        panic!("{error}")
    };
    assert!(exceeded(error).is_some(), "{error}");
}

/// A state without the contract has no market: its blocks are Ethereum's.
#[test]
fn without_the_contract_blocks_are_those_of_ethereum() {
    let [alice, bob, _] = <[Wallet; 3]>::try_from(wallets()).ok().unwrap();
    let importer = importer(Fork::Osaka, &device(), at_three_fees());
    let ethereum = Importer::new(EthExecutors::ethereum(spec(Fork::Osaka)));
    let mut tip = Tip::genesis(Fork::Osaka, &wallets(), false);
    for number in 0..3 {
        let candidates =
            vec![alice.pay(number, bob.address, 1), bob.pay(number, Address::repeat_byte(7), 2)];
        let (built, next) = tip.build(&importer, candidates);
        let block = ethereum.check(sealed(&built.block), &tip.ancestors()).unwrap();
        let mut db = tip.db();
        let outcome = ethereum.execute(&block, &mut db, None).unwrap();
        assert_eq!((outcome, root(&db.cache)), (built.outcome, next.header.state_root));
        tip = next;
    }
}

/// Three accounts that pay and ask, in any order and with any nonce.
fn candidates() -> impl Strategy<Value = Vec<(usize, u64, u8, u64)>> {
    prop::collection::vec((0..3_usize, 0..4_u64, 0..4_u8, 0..1_000_u64), 0..12)
}

fn signed(wallets: &[Wallet], candidates: &[(usize, u64, u8, u64)]) -> Vec<Recovered<TxEnvelope>> {
    let sign = |(from, nonce, kind, value): &(usize, u64, u8, u64)| {
        let wallet = &wallets[*from];
        match kind {
            0 | 1 => wallet.pay(*nonce, Address::repeat_byte(*kind + 1), *value),
            2 => wallet.ask(*nonce, &"x".repeat(*value as usize % 60 + 1)),
            // Too little gas for a call.
            _ => wallet.send(*nonce, Address::ZERO, *value, Bytes::new(), 20_000),
        }
    };
    candidates.iter().map(sign).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is built is valid, and every wei is accounted for: what left the accounts was
    /// burned, each resource at its own fee, but for the part of the treasury.
    #[test]
    fn built_blocks_are_valid_and_no_wei_is_lost(
        candidates in candidates(),
        fees in (0_u64..40, 0_u64..40, 0_u64..40),
        share_bps in prop_oneof![Just(0_u16), Just(10_000), 0_u16..10_000],
    ) {
        let treasury = Treasury { account: Address::repeat_byte(0x7e), share_bps };
        let gwei = u128::from(GWEI);
        let (evm, ai, inference) = fees;
        let fees = Resources { evm, ai, inference }.map(|fee| gwei + u128::from(fee) * gwei / 10);
        let start = market_at(fees);
        let importer = importer(Fork::Osaka, &device(), start).with_treasury(treasury);
        let wallets = wallets();
        let parent = Tip::genesis(Fork::Osaka, &wallets, true);
        let (built, tip) = parent.build(&importer, signed(&wallets, &candidates));
        prop_assert_eq!(built.block.body.transactions.len() + built.left_out.len(), candidates.len());
        let (outcome, root) = import(&importer, &parent, &built.block).unwrap();
        prop_assert_eq!(&outcome, &built.outcome);
        prop_assert_eq!(root, tip.header.state_root);
        let mut db = tip.db();
        let used = db.storage(Market::ADDRESS, U256::from(3)).unwrap();
        let word = |shift: usize| (used >> shift).as_limbs()[0];
        let used = Resources { evm: word(0), ai: word(64), inference: word(128) };
        let base_fees = start.owed(&used);
        let part = treasury.part(base_fees);
        prop_assert_eq!(tip.balance(treasury.account), part);
        // Every transaction tips one gwei for each gas.
        prop_assert_eq!(tip.balance(BENEFICIARY), U256::from(outcome.gas_used) * U256::from(GWEI));
        prop_assert_eq!(parent.wei() - tip.wei(), base_fees - part);
        prop_assert!(used.evm + used.ai + used.inference == outcome.gas_used && outcome.gas_used <= GAS_LIMIT);
    }
}
