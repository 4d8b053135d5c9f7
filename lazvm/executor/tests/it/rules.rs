//! What a chain decides by height, while it lives: prices, models and proof systems.

use core::num::NonZeroU64;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::{
    Coprocessor, Job, ModelId, Outcome, PortError, Quote, Work,
    chain::{Block, BlockExecutionError, BlockExecutor},
};
use lazai_precompiles::WORK_RULES;
use lazvm::{
    ChangeLimits, GasSchedule, Governance,
    abi::{ILazTokenizer, SolCall},
    address,
    revm::primitives::hardfork::SpecId,
};
use lazvm_executor::{Devices, Genesis, LazVmExecutor, OpenError, SPEC, TransactionRequest};

use crate::support::*;

/// A chain whose prices may change from one block to the next.
fn governed() -> Genesis {
    let limits = ChangeLimits { min_delay: NonZeroU64::MIN, ..ChangeLimits::default() };
    Genesis { prices: Governance::new(GasSchedule::default(), limits), ..genesis() }
}

/// The same chain when a change at `activation` has been decided.
fn decided(activation: u64) -> Genesis {
    let mut genesis = governed();
    let dearer = GasSchedule { gamma: 3_000, ..GasSchedule::default() };
    genesis.prices.propose(activation - 1, activation, dearer).unwrap();
    genesis
}

fn open(genesis: Genesis, folder: &Folder) -> Result<LazVmExecutor, OpenError> {
    let opened = LazVmExecutor::open(genesis, devices(), folder.path(), NonZeroU64::MAX);
    opened.map(|(executor, _)| executor)
}

/// Asks the model in a block of its own; returns the block, and the gas of the question.
fn asked(node: &LazVmExecutor, nonce: u64) -> (Block, u64) {
    let question = submit(node, "alice", nonce, prompt("Once"));
    let block = build(node, &[]);
    node.commit(&block).unwrap();
    (block, node.receipt(&question).unwrap().unwrap().gas.ai)
}

#[test]
fn a_chain_that_lives_changes_its_prices() {
    let folder = Folder::new();
    let node = open(governed(), &folder).unwrap();
    let mut blocks: Vec<_> = (0..2).map(|nonce| asked(&node, nonce)).collect();
    let root = node.genesis_state_root();
    drop(node);

    // The decision is on every node before its height, and the chain is the same.
    let node = open(decided(5), &folder).unwrap();
    assert_eq!(node.genesis_state_root(), root);
    blocks.extend((2..5).map(|nonce| asked(&node, nonce)));
    let gas: Vec<_> = blocks.iter().map(|(_, gas)| *gas).collect();
    assert_eq!(gas[..4], [gas[0]; 4]);
    assert_eq!(gas[4], gas[0] + 1_000);
    drop(node);
    open(decided(5), &folder).unwrap();

    // A node without it finds out before it executes a block at other prices.
    let behind = LazVmExecutor::in_memory(governed(), devices()).unwrap();
    for (block, _) in &blocks[..3] {
        behind.commit(block).unwrap();
    }
    let refused = behind.commit(&blocks[3].0);
    assert!(matches!(refused, Err(BlockExecutionError::Rejected { .. })), "{refused:?}");

    // Nobody decides about the past.
    for (activation, contradicted) in [(2, 1), (4, 3)] {
        let error = open(decided(activation), &folder).unwrap_err();
        assert!(
            matches!(error, OpenError::Execution { height, .. } if height == contradicted),
            "{error}"
        );
    }
}

/// A device that has its model by a second name.
#[derive(Debug)]
struct Named(Arc<dyn Coprocessor>, ModelId);

const OTHER: ModelId = ModelId(B256::repeat_byte(0x22));

impl Named {
    fn job(&self, job: &Job) -> Job {
        let model = if job.model == OTHER { self.1 } else { job.model };
        Job { model, task: job.task.clone() }
    }
}

impl Coprocessor for Named {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        self.0.reading_work(&self.job(job))
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        self.0.quote(&self.job(job))
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        self.0.run(&self.job(job))
    }
}

/// Nodes of one chain, one with the model [`OTHER`] and one without.
fn nodes(models: &[(u64, &[ModelId])]) -> [LazVmExecutor; 2] {
    let models = models.iter().map(|(from, list)| (*from, list.iter().copied().collect()));
    let genesis = Genesis { models: models.collect(), ..genesis() };
    let (device, model) = model();
    [Devices::new(Arc::new(Named(device, model))), devices()]
        .map(|devices| LazVmExecutor::in_memory(genesis.clone(), devices).unwrap())
}

fn counted(model: ModelId) -> TransactionRequest {
    let call = ILazTokenizer::countCall { model: model.0, text: "Once upon a time".into() };
    TransactionRequest::call(address::TOKENIZER, call.abi_encode()).gas(1_000_000)
}

#[test]
fn a_node_that_lacks_a_listed_model_abstains() {
    let [with, without] = nodes(&[(0, &[OTHER])]);
    for node in [&with, &without] {
        submit(node, "alice", 0, counted(OTHER));
        let transfer = TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
        submit(node, "bob", 0, transfer);
    }
    let block = build(&with, &[]);
    for result in [
        without.validate(&[], &context(1, GENESIS), &block.payload).map(drop),
        without.commit(&block),
    ] {
        let Err(BlockExecutionError::Fault { reason }) = result else {
            panic!("expected a fault, got {result:?}")
        };
        assert!(reason.contains(&OTHER.to_string()), "{reason}");
    }
    // It builds blocks without the transaction, which others accept.
    let partial = build(&without, &[]);
    assert!(partial.payload.len() > 5 && partial.payload != block.payload);
    assert_eq!(validate(&with, &[], &partial), partial.state_root);
}

/// Whatever files a node has, a model exists from the height on at which the chain lists it, until
/// a list leaves it out.
#[test]
fn an_unlisted_model_is_unknown_on_every_node() {
    let [with, without] = nodes(&[(2, &[OTHER]), (3, &[])]);
    let mut answered = Vec::new();
    for nonce in 0..3 {
        let asked = submit(&with, "alice", nonce, counted(OTHER));
        let block = build(&with, &[]);
        with.commit(&block).unwrap();
        let receipt = with.receipt(&asked).unwrap().unwrap();
        answered.push(receipt.success);
        if !receipt.success {
            assert!(receipt.gas.ai > 0);
        }
        match without.commit(&block) {
            Ok(()) => assert!(!receipt.success),
            Err(BlockExecutionError::Fault { .. }) => {
                assert!(receipt.success);
                // It gets the model, and goes on.
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(answered, [false, true]);
    let asked = submit(&with, "alice", 2, counted(OTHER));
    with.commit(&build(&with, &[])).unwrap();
    assert!(!with.receipt(&asked).unwrap().unwrap().success);
}

/// A version that measures otherwise is another chain's: it needs another number, and what stands
/// here are the figures of this one.
#[test]
fn the_rules_of_work_are_those_of_their_number() {
    let executor = executor();
    let texts = ["Once".to_owned(), "Once upon a time ".repeat(12), "\u{1f600}".repeat(20)];
    let asked: Vec<_> = (0..)
        .zip(texts)
        .map(|(nonce, text)| submit(&executor, "alice", nonce, prompt(&text)))
        .collect();
    executor.commit(&build(&executor, &[])).unwrap();
    let gas = asked.iter().map(|name| executor.receipt(name).unwrap().unwrap().gas);
    let gas: Vec<_> = gas.map(|gas| (gas.evm, gas.ai, gas.inference)).collect();
    let expected = [(21_064, 75_628, 42), (24_264, 133_996, 265), (22_280, 173_267, 409)];
    assert_eq!((WORK_RULES, gas.as_slice()), (1, expected.as_slice()));
}

/// The fork is the one that blocks commit to: `CLZ` came with it (EIP-7939).
#[test]
fn contracts_run_by_the_fork_that_is_committed_to() {
    assert_eq!(SPEC, SpecId::OSAKA);
    let executor = executor();
    // PUSH1 1, CLZ, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN: the code of the contract is the number.
    let init = [0x60, 0x01, 0x1e, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    let created = submit(&executor, "alice", 0, TransactionRequest::create(init));
    executor.commit(&build(&executor, &[])).unwrap();
    let receipt = executor.receipt(&created).unwrap().unwrap();
    assert_eq!(receipt.output.last(), Some(&255));
}
