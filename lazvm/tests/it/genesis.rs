//! The code that a genesis block gives the precompiles.

use std::sync::Arc;

use lazai_precompiles::{
    Precompile,
    address::{INFERENCE, RAW_PROMPT},
};
use lazvm::revm::{
    bytecode::{Bytecode, opcode as op},
    database::InMemoryDB,
    state::AccountInfo,
};

use crate::support::{
    CONTRACT, Letters, OUTER, builder,
    bytecode::{self, Kind},
    call, database,
};

/// Reverts if [`RAW_PROMPT`] has no code, as Solidity 0.8.4 to 0.8.9 do before each call; calls it
/// otherwise.
fn careful() -> Vec<u8> {
    let mut code = vec![op::PUSH20];
    code.extend(RAW_PROMPT);
    code.extend([op::EXTCODESIZE, op::ISZERO, op::ISZERO, op::PUSH1, 0, op::JUMPI]);
    let target = code.len() - 2;
    code.extend([op::PUSH0, op::PUSH0, op::REVERT]);
    code[target] = code.len() as u8;
    code.push(op::JUMPDEST);
    code.extend(bytecode::forwarder(Kind::Call, RAW_PROMPT));
    code
}

fn with_genesis(mut db: InMemoryDB) -> InMemoryDB {
    for (address, code) in Precompile::genesis_accounts() {
        let account = AccountInfo::default().with_code(Bytecode::new_raw(code));
        db.insert_account_info(address, account.with_nonce(1));
    }
    db
}

#[test]
fn a_caller_that_asks_for_code_gets_an_answer() {
    let device = Arc::new(Letters::default());
    let bare = database(&[(CONTRACT, &careful())]);
    let mut vm = builder(&device).build(bare.clone()).unwrap();
    let refused = vm.transact(call(CONTRACT, "hi.", 0)).unwrap().execution;
    assert!(!refused.result.is_success() && refused.meter.calls == 0);

    let mut vm = builder(&device).build(with_genesis(bare)).unwrap();
    let execution = vm.transact(call(CONTRACT, "hi.", 0)).unwrap().execution;
    assert!(execution.result.is_success());
    assert_eq!((execution.meter.calls, device.counts().1), (1, 1));
    assert!(!execution.result.output().unwrap().is_empty());
}

/// The byte of code changes no answer, no gas and no kind of call.
#[test]
fn the_code_of_a_precompile_never_runs() {
    for kind in [Kind::Call, Kind::CallCode, Kind::Delegate, Kind::Static] {
        for target in [RAW_PROMPT, INFERENCE] {
            let device = Arc::new(Letters::default());
            let code = bytecode::forwarder(kind, target);
            let bare = database(&[(CONTRACT, &code)]);
            let [without, with] = [bare.clone(), with_genesis(bare)].map(|db| {
                let mut vm = builder(&device).build(db).unwrap();
                vm.transact(call(CONTRACT, "same", 0)).unwrap().execution
            });
            assert_eq!(with, without, "{kind:?} {target}");
        }
    }
}

/// EIP-7702: an account that delegates to a precompile does nothing, with or without the code.
#[test]
fn a_delegation_still_runs_nothing() {
    let device = Arc::new(Letters::default());
    let delegated = AccountInfo::default().with_code(Bytecode::new_eip7702(RAW_PROMPT));
    let mut db = with_genesis(database(&[]));
    db.insert_account_info(OUTER, delegated);
    let mut vm = builder(&device).build(db).unwrap();
    let execution = vm.transact(call(OUTER, "empty", 0)).unwrap().execution;
    assert!(execution.result.is_success());
    assert!(execution.result.output().unwrap().is_empty());
    assert_eq!((execution.meter.calls, device.counts()), (0, (0, 0)));
}
