//! Static calls are answered, delegate calls and value are refused.

use std::sync::Arc;

use alloy_primitives::U256;
use lazai_precompiles::{
    abi::{ILazErrors, SolInterface},
    address::RAW_PROMPT,
};
use lazvm::Execution;

use crate::support::{
    CONTRACT, Letters, bytecode,
    bytecode::Kind::{self, Call, CallCode, Delegate, Static},
    call, machine, schedule,
};

fn run(kind: Kind) -> (Execution, (u32, u32)) {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &bytecode::forwarder(kind, RAW_PROMPT));
    let execution = vm.transact(call(CONTRACT, "once", 0)).unwrap().execution;
    assert!(execution.result.is_success());
    (execution, device.counts())
}

#[test]
fn a_static_call_answers_like_a_call() {
    let (by_call, counts) = run(Call);
    let (by_static_call, static_counts) = run(Static);
    assert_eq!((counts, static_counts), ((1, 1), (1, 1)));
    assert_eq!(by_call.result.output(), by_static_call.result.output());
    assert_eq!(by_call.meter, by_static_call.meter);
}

#[test]
fn delegate_calls_are_refused_unread_for_gamma() {
    for kind in [Delegate, CallCode] {
        let (execution, counts) = run(kind);
        assert_eq!(counts, (0, 0), "{kind:?}");
        assert_eq!(execution.gas_ai(), schedule().gamma, "{kind:?}");
        let error = execution.result.output().unwrap();
        let error = ILazErrors::ILazErrorsErrors::abi_decode(error).unwrap();
        assert!(matches!(error, ILazErrors::ILazErrorsErrors::DelegateCallRefused(_)), "{kind:?}");
    }
}

#[test]
fn value_is_refused_and_stays_with_the_sender() {
    let device = Arc::new(Letters::default());
    let mut vm = machine(&device, &[]);
    let mut tx = call(RAW_PROMPT, "once", 0);
    tx.value = U256::from(5);
    let refused = vm.transact(tx).unwrap();
    let error = refused.execution.result.output().unwrap();
    let error = ILazErrors::ILazErrorsErrors::abi_decode(error).unwrap();
    assert!(matches!(error, ILazErrors::ILazErrorsErrors::ValueRefused(_)), "{error:?}");
    assert_eq!(device.counts(), (0, 0));
    assert_eq!(refused.state.get(&RAW_PROMPT).map_or(U256::ZERO, |a| a.info.balance), U256::ZERO);
}
