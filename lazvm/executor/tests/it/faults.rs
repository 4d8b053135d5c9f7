//! What failures of this node keep out of its blocks, and what its operator is told.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::{ModelId, ProofSystemId, chain::BlockExecutor};
use lazvm::{
    abi::{ILazTokenizer, SolCall},
    address::TOKENIZER,
    revm::bytecode::opcode as op,
};
use lazvm_executor::{Devices, Genesis, GenesisAccount, LazVmExecutor, TransactionRequest};

use crate::support::*;

/// A model that is listed and on no device here.
const OTHER: ModelId = ModelId(B256::repeat_byte(0x22));

const KEEPS: Address = Address::repeat_byte(0xc1);
const BURNS: Address = Address::repeat_byte(0xc2);
const COUNTS: Address = Address::repeat_byte(0xc3);

/// Calls `target` with the whole calldata, after it has burned all gas beyond `burns_to`, and keeps
/// all but `given`.
fn caller(target: Address, burns_to: u32, given: u32) -> Vec<u8> {
    let mut code = vec![op::JUMPDEST, op::PUSH4];
    code.extend(burns_to.to_be_bytes());
    code.extend([op::GAS, op::GT, op::PUSH0, op::JUMPI]);
    code.extend([op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY]);
    code.extend([op::PUSH0, op::PUSH0, op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::PUSH20]);
    code.extend(target);
    code.push(op::PUSH4);
    code.extend(given.to_be_bytes());
    code.extend([op::CALL, op::STOP]);
    code
}

/// A node of a chain that lists [`OTHER`], with contracts that call models.
fn node(devices: Devices) -> LazVmExecutor {
    let contracts = [
        (KEEPS, caller(RAW_PROMPT, u32::MAX, 1_000_000)),
        (BURNS, caller(TOKENIZER, 60_000, 30_000)),
        // GAS, PUSH0, SSTORE: it asks nothing.
        (COUNTS, vec![op::GAS, op::PUSH0, op::SSTORE]),
    ];
    let contracts = contracts.map(|(place, code)| {
        (place, GenesisAccount { code: code.into(), ..GenesisAccount::default() })
    });
    let mut genesis = genesis();
    genesis.accounts.extend(contracts);
    let models = [(0, [OTHER].into())].into();
    LazVmExecutor::in_memory(Genesis { models, ..genesis }, devices).unwrap()
}

fn lost() -> Devices {
    Devices::new(Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) }))
}

fn asks_other() -> Vec<u8> {
    ILazTokenizer::countCall { model: OTHER.0, text: "Once".into() }.abi_encode()
}

fn with_tip(request: TransactionRequest, gwei: u64) -> TransactionRequest {
    TransactionRequest { tip: u128::from(gwei * GWEI), ..request }
}

fn transfer() -> TransactionRequest {
    TransactionRequest::transfer(Address::repeat_byte(7), U256::from(5))
}

/// A call that asks nothing, as a wallet makes it.
fn counts() -> TransactionRequest {
    TransactionRequest::call(COUNTS, []).gas(200_000)
}

/// A transaction that fails takes from others what it has used, whatever limit it has.
#[test]
fn what_callers_keep_takes_no_gas_from_others() {
    let node = node(lost());
    let poison = TransactionRequest::call(KEEPS, b"Once".to_vec()).gas(GAS_LIMIT);
    let poison = submit(&node, "carol", 0, with_tip(poison, 3));
    let honest = submit(&node, "bob", 0, counts().gas(GAS_LIMIT / 2));
    node.commit(&build(&node, &[])).unwrap();
    assert!(node.status().unwrap().left_out.unwrap().contains("unplugged"));
    assert!(node.receipt(&honest).unwrap().unwrap().success);
    assert!(node.receipt(&poison).unwrap().is_none());
}

/// A sender whose transactions burn all gas and fail keeps others out of a block once, though it
/// pays for a transfer before each of the next.
#[test]
fn a_transfer_between_failures_keeps_nobody_out() {
    let node = node(devices());
    let poison = |gwei| {
        let call = TransactionRequest::call(BURNS, asks_other()).gas(GAS_LIMIT - 100_000);
        TransactionRequest { max_fee: u128::from(gwei * 100 * GWEI), ..with_tip(call, gwei) }
    };
    let mut kept_out = Vec::new();
    for height in 0..20 {
        // The poison of the block before is replaced by what pays.
        if height > 0 {
            let pays =
                TransactionRequest { max_fee: u128::from(500 * GWEI), ..with_tip(transfer(), 5) };
            submit(&node, "carol", height - 1, pays);
        }
        submit(&node, "carol", height, poison(3));
        let honest = submit(&node, "bob", height, counts());
        node.commit(&build(&node, &[])).unwrap();
        if node.receipt(&honest).unwrap().is_none() {
            kept_out.push(height);
            node.commit(&build(&node, &[])).unwrap();
        }
        assert!(node.receipt(&honest).unwrap().is_some(), "{height}");
        assert_eq!(node.nonce(&wallet("carol").address()).unwrap(), height);
    }
    assert_eq!(kept_out, [0]);
}

/// Whoever has executed something before is kept out by no new sender.
#[test]
fn new_senders_keep_no_known_one_out() {
    let node = node(devices());
    // 16 numbers of 20,000 gas are more than a call may use.
    for nonce in 0..16 {
        submit(&node, "bob", nonce, transfer());
    }
    node.commit(&build(&node, &[])).unwrap();
    let call = TransactionRequest::call(BURNS, asks_other()).gas(GAS_LIMIT);
    let poison = submit(&node, "carol", 0, with_tip(call, 3));
    let [known, new] =
        [("bob", 16), ("erin", 0)].map(|(name, nonce)| submit(&node, name, nonce, counts()));
    let transfer = submit(&node, "alice", 0, transfer());
    node.commit(&build(&node, &[])).unwrap();
    let is_in = |hash| node.receipt(&hash).unwrap().is_some();
    assert_eq!([poison, known, new, transfer].map(is_in), [false, true, false, true]);
}

/// A question that failed is answered when the device is back, and its sender is as before.
#[test]
fn a_debt_is_paid_by_what_failed() {
    let device = Arc::new(Flaky { device: model().0, broken: AtomicBool::new(true) });
    let node = node(Devices::new(Arc::clone(&device) as _));
    let question = submit(&node, "alice", 0, prompt("Once"));
    for _ in 0..8 {
        node.commit(&build(&node, &[])).unwrap();
    }
    device.broken.store(false, Ordering::SeqCst);
    for _ in 0..8 {
        node.commit(&build(&node, &[])).unwrap();
    }
    assert!(node.receipt(&question).unwrap().unwrap().success);
    // What fails again takes the gas of all that come last, and it is none of these.
    let poison = TransactionRequest::call(BURNS, asks_other()).gas(GAS_LIMIT);
    submit(&node, "carol", 0, with_tip(poison, 3));
    node.commit(&build(&node, &[])).unwrap();
    let next = submit(&node, "alice", 1, counts());
    node.commit(&build(&node, &[])).unwrap();
    assert!(node.receipt(&next).unwrap().is_some());
}

/// A node that lacks what is listed says so before it fails at it, and builds blocks of the rest.
#[test]
fn an_operator_is_told_what_is_missing() {
    let system = ProofSystemId(1_234);
    let genesis = Genesis {
        models: [(0, [OTHER].into()), (3, [].into())].into(),
        proof_systems: [(2, [system].into())].into(),
        ..genesis()
    };
    let node = LazVmExecutor::in_memory(genesis, devices()).unwrap();
    let missing = || node.status().unwrap().missing;
    assert_eq!((missing().models, missing().proof_systems), (vec![OTHER], vec![]));
    let text = missing().to_string();
    assert!(text.contains(&OTHER.to_string()) && text.contains("install it"), "{text}");

    let asks = TransactionRequest::call(TOKENIZER, asks_other()).gas(1_000_000);
    let asks = submit(&node, "alice", 0, with_tip(asks, 3));
    let sent = [("bob", transfer()), ("carol", prompt("Once"))];
    let sent = sent.map(|(name, request)| submit(&node, name, 0, request));
    node.commit(&build(&node, &[])).unwrap();
    assert!(node.receipt(&asks).unwrap().is_none());
    assert!(sent.iter().all(|hash| node.receipt(hash).unwrap().is_some()));
    assert!(node.status().unwrap().left_out.unwrap().contains(&OTHER.to_string()));

    // By height, as the lists are.
    assert_eq!((missing().models, missing().proof_systems), (vec![OTHER], vec![system]));
    assert_eq!(missing().to_string().lines().count(), 2);
    node.commit(&build(&node, &[])).unwrap();
    assert_eq!((missing().models, missing().proof_systems), (vec![], vec![system]));
}
