//! The base fees of a block follow from its parent, and from nothing that branches have in common.

use std::sync::Arc;

use alloy_primitives::B256;
use lazvm::{
    BaseFeeSource, Fault, FaultKind, LazBlockExecutorFactory, LazEvmFactory, Resources,
    alloy_consensus::TxReceipt,
    alloy_evm::{Evm, EvmFactory, block::BlockExecutionError},
    block_fault_of,
    revm::context::BlockEnv,
};

use crate::support::{
    FEES, Letters,
    blocks::{BLOCKS, PRAGUE, asks, env, execute_above, executors, state},
    builder, call,
};

const LEFT: B256 = B256::repeat_byte(1);
const RIGHT: B256 = B256::repeat_byte(2);

/// Two parents of one slot, in whose blocks other fees hold. This node is on the left one.
#[derive(Debug)]
struct Branches;

impl BaseFeeSource for Branches {
    fn base_fees(&self, parent: B256) -> Result<Option<Resources<u64>>, Fault> {
        match parent {
            LEFT => Ok(Some(FEES)),
            RIGHT => Ok(Some(FEES.map(|fee| 2 * fee))),
            _ => Err(Fault { kind: FaultKind::State, message: "no such block".into() }),
        }
    }

    fn base_fees_of_call(&self, _: &BlockEnv) -> Result<Option<Resources<u64>>, Fault> {
        Ok(Some(FEES))
    }
}

fn factory() -> LazEvmFactory {
    let device = Arc::new(Letters::default());
    builder(&device).factory().unwrap().with_base_fee_source(Arc::new(Branches))
}

/// Their blocks have number, time and randomness in common.
#[test]
fn branches_of_one_slot_have_fees_of_their_own() {
    let by_type = LazBlockExecutorFactory::new(executors(factory()));
    for fork in BLOCKS {
        for (parent, header) in [(LEFT, 20), (RIGHT, 40), (LEFT, 20)] {
            assert_eq!(factory().check_header(parent, &env(fork, header, 0)), Ok(()));
            let execute = |header| {
                let text = [asks("a slot.", 0)];
                execute_above(&by_type, parent, env(fork, header, 0), false, &text)
            };
            let done = execute(header).unwrap();
            assert!(done.receipts.iter().all(TxReceipt::status), "{fork:?} {parent}");
            let error = execute(60 - header).unwrap_err();
            assert!(error.as_validation().is_some(), "{fork:?} {parent} {error:?}");
            assert!(factory().check_header(parent, &env(fork, 60 - header, 0)).is_err());
        }
        // A parent that this node does not have is no verdict about the block.
        let unknown = B256::repeat_byte(3);
        let text = [asks("a slot.", 0)];
        let error = execute_above(&by_type, unknown, env(fork, 20, 0), false, &text).unwrap_err();
        assert_eq!(block_fault_of(&error).unwrap().message, "no such block");
    }
}

/// An executor of the host's own: from Prague on a block tells its parent by a system call, and
/// before that nothing does, so it gets no result.
#[test]
fn a_block_whose_parent_is_not_told_has_no_result() {
    let plain = executors(factory());
    for fork in BLOCKS {
        let execute = |parent, header| {
            let text = [asks("a slot.", 0)];
            execute_above(&plain, parent, env(fork, header, 0), false, &text)
        };
        let refused = |error: BlockExecutionError| {
            assert!(error.as_internal().is_some(), "{fork:?} {error:?}");
            assert!(block_fault_of(&error).unwrap().message.contains("parent"), "{error:?}");
        };
        if fork.0 >= PRAGUE.0 {
            execute(LEFT, 20).unwrap();
            execute(RIGHT, 40).unwrap();
            assert!(execute(RIGHT, 20).unwrap_err().as_validation().is_some());
        } else {
            refused(execute(LEFT, 20).unwrap_err());
            refused(execute(RIGHT, 40).unwrap_err());
        }
    }
}

/// Calls know no parent, and blocks that a user simulates have one that nobody else has.
#[test]
fn calls_are_priced_at_the_fees_of_the_own_branch() {
    let factory = factory();
    let called = env(PRAGUE, 0, 1 << 1);
    let mut evm = factory.create_evm(state(), called.clone());
    assert!(evm.transact_raw(call(crate::support::OUTER, "", 0)).is_ok());
    assert_eq!(evm.chain.base_fees(), Some(FEES));
    let unknown = B256::repeat_byte(3);
    let text = [asks("simulated.", 0)];
    for done in [
        execute_above(&executors(factory.clone()), unknown, called.clone(), false, &text),
        execute_above(
            &LazBlockExecutorFactory::new(executors(factory)),
            unknown,
            called,
            false,
            &text,
        ),
    ] {
        assert!(done.unwrap().receipts.iter().all(TxReceipt::status));
    }
}
