//! The proof verifier: keys in the state, proofs under them, and what both cost.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use lazai_api_types::{
    Claim, FaultKind, GasPricing, INTRINSIC_FLOPS_PER_BYTE, InferenceStatement, InvalidKey,
    ModelId, ProofVerifier, Work, key_hash,
};
use lazai_precompiles::{
    Call, ChainState, MemoryState, Mode, Reply, Status,
    abi::{self, ILazErrors as errors, ILazProofVerifier as sol, SolCall, SolError, SolValue},
    address, key_address,
};

use crate::support::{
    BASE_GAS, Hashes, KEY_MAX_BYTES, PROOF_MAX_BYTES, Pricing, SYSTEM, call, precompiles, prove,
    total,
};

const KEY: [u8; 100] = [9; 100];
const REGISTRANT: Address = Address::repeat_byte(0xa1);
const ENOUGH: u64 = 100_000_000;

fn ask(state: &mut MemoryState, request: &impl SolCall) -> Reply {
    ask_with(state, request, |_| {})
}

fn ask_with(
    state: &mut MemoryState,
    request: &impl SolCall,
    change: impl FnOnce(&mut Call<'_>),
) -> Reply {
    let input = request.abi_encode();
    let mut call = call(address::PROOF_VERIFIER, &input);
    (call.caller, call.gas_limit) = (REGISTRANT, ENOUGH);
    change(&mut call);
    precompiles(&Arc::default()).call(&call, state).unwrap()
}

fn register(key: &[u8]) -> sol::registerCall {
    sol::registerCall { system: SYSTEM.0, verifyingKey: Bytes::copy_from_slice(key) }
}

/// A chain with one key, and the hash of that key.
fn registered() -> (MemoryState, B256) {
    let mut state = MemoryState::default();
    assert_eq!(ask(&mut state, &register(&KEY)).status, Status::Success);
    (state, key_hash(SYSTEM, &KEY))
}

const fn statement() -> InferenceStatement {
    InferenceStatement {
        model: ModelId(B256::repeat_byte(1)),
        input: B256::repeat_byte(2),
        output: B256::repeat_byte(3),
        work: Work { flops: 4, peak_bytes: 5 },
        context: B256::repeat_byte(6),
    }
}

fn verify(hash: B256, proof: &[u8]) -> sol::verifyCall {
    let InferenceStatement { model, input, output, work, context } = statement();
    sol::verifyCall {
        system: SYSTEM.0,
        keyHash: hash,
        statement: abi::Statement {
            model: model.0,
            input,
            output,
            flops: work.flops,
            peakBytes: work.peak_bytes,
            context,
        },
        proof: Bytes::copy_from_slice(proof),
    }
}

fn verify_values(hash: B256, values: &[u8], proof: &[u8]) -> sol::verifyValuesCall {
    sol::verifyValuesCall {
        system: SYSTEM.0,
        keyHash: hash,
        values: Bytes::copy_from_slice(values),
        proof: Bytes::copy_from_slice(proof),
    }
}

#[track_caller]
fn answered(reply: &Reply, expected: bool) {
    assert_eq!(reply.status, Status::Success);
    assert_eq!(reply.output, expected.abi_encode());
}

#[track_caller]
fn refused(reply: &Reply, error: &impl SolError) {
    assert_eq!((reply.status, reply.output.as_ref()), (Status::Revert, &*error.abi_encode()));
}

fn work(key_bytes: usize, values_bytes: usize, proof_bytes: usize) -> Work {
    let read = INTRINSIC_FLOPS_PER_BYTE * (key_bytes + values_bytes) as u64;
    let mut work = Hashes(SYSTEM).work(key_bytes as u64, proof_bytes as u64);
    work.flops += read;
    work
}

#[test]
fn a_registered_key_is_the_code_of_its_account() {
    let mut state = MemoryState::default();
    let reply = ask(&mut state, &register(&KEY));
    let hash = key_hash(SYSTEM, &KEY);
    assert_eq!((reply.status, reply.output.as_ref()), (Status::Success, hash.as_slice()));

    assert_eq!(state.accounts.len(), 1);
    let account = &state.accounts[&key_address(hash)];
    assert_eq!(account.nonce, 0);
    assert_eq!(account.code, [&[0], KEY.as_slice()].concat());

    let event =
        sol::VerifyingKeyRegistered { system: SYSTEM.0, keyHash: hash, registrant: REGISTRANT };
    let [log] = &*state.logs else { panic!("one log, not {:?}", state.logs) };
    assert_eq!(log.address, address::PROOF_VERIFIER);
    assert_eq!(log.data, alloy_sol_types::SolEvent::encode_log_data(&event));

    let named = ask(&mut state, &sol::keyCall { system: SYSTEM.0, keyHash: hash });
    assert_eq!(named.output, Bytes::from(KEY).abi_encode());
    let known = sol::isRegisteredCall { system: SYSTEM.0, keyHash: hash };
    answered(&ask(&mut state, &known), true);
}

#[test]
fn registering_again_changes_nothing_and_is_cheap() {
    let (mut state, hash) = registered();
    let before = state.clone();
    let again = ask(&mut state, &register(&KEY));
    assert_eq!((again.status, again.output.as_ref()), (Status::Success, hash.as_slice()));
    assert_eq!(state, before);
    let reading = Work { flops: INTRINSIC_FLOPS_PER_BYTE * 100, peak_bytes: 0 };
    assert_eq!((again.charged, again.charged_evm), (Pricing.gas(&reading).unwrap(), 2_600));
}

#[test]
fn an_unregistered_key_is_unknown() {
    let mut state = MemoryState::default();
    let hash = key_hash(SYSTEM, &KEY);
    let unknown = errors::UnknownVerifyingKey { system: U256::from(SYSTEM.0), keyHash: hash };
    refused(&ask(&mut state, &verify(hash, &[1])), &unknown);
    refused(&ask(&mut state, &verify_values(hash, b"values", &[1])), &unknown);
    refused(&ask(&mut state, &sol::keyCall { system: SYSTEM.0, keyHash: hash }), &unknown);
    let known = sol::isRegisteredCall { system: SYSTEM.0, keyHash: hash };
    answered(&ask(&mut state, &known), false);
    assert_eq!(state, MemoryState::default());
}

/// The last 20 bytes of a hash choose the account; the other twelve must be right too.
#[test]
fn another_hash_with_the_same_address_is_unknown() {
    let (mut state, hash) = registered();
    let mut alias = hash;
    alias[0] ^= 1;
    assert_eq!(key_address(alias), key_address(hash));
    let unknown = errors::UnknownVerifyingKey { system: U256::from(SYSTEM.0), keyHash: alias };
    refused(&ask(&mut state, &verify(alias, &[1])), &unknown);
    refused(&ask(&mut state, &sol::keyCall { system: SYSTEM.0, keyHash: alias }), &unknown);
    let known = sol::isRegisteredCall { system: SYSTEM.0, keyHash: alias };
    answered(&ask(&mut state, &known), false);
}

#[test]
fn a_contract_cannot_pose_as_an_admitted_key() {
    let (mut state, hash) = registered();
    state.accounts.get_mut(&key_address(hash)).unwrap().nonce = 1;
    let unknown = errors::UnknownVerifyingKey { system: U256::from(SYSTEM.0), keyHash: hash };
    refused(&ask(&mut state, &verify(hash, &[1])), &unknown);
    let before = state.clone();
    let taken = errors::KeyAddressTaken { account: key_address(hash) };
    refused(&ask(&mut state, &register(&KEY)), &taken);
    let account = state.accounts.get_mut(&key_address(hash)).unwrap();
    (account.nonce, account.code) = (0, Bytes::from_static(&[0x60, 0]));
    refused(&ask(&mut state, &register(&KEY)), &taken);
    assert_eq!(state.logs, before.logs);
}

#[test]
fn a_right_proof_is_true_and_any_change_makes_it_false() {
    let (mut state, hash) = registered();
    let statement = statement();
    let proof = prove(&KEY, Claim::Statement(&statement));
    let right = verify(hash, proof.as_slice());
    answered(&ask(&mut state, &right), true);
    for index in 1..32 {
        let mut altered = proof;
        altered[index] ^= 1;
        answered(&ask(&mut state, &verify(hash, altered.as_slice())), false);
    }
    let changes: [fn(&mut abi::Statement); 6] = [
        |statement| statement.model[0] ^= 1,
        |statement| statement.input[0] ^= 1,
        |statement| statement.output[0] ^= 1,
        |statement| statement.flops ^= 1,
        |statement| statement.peakBytes ^= 1,
        |statement| statement.context[0] ^= 1,
    ];
    for change in changes {
        let mut other = right.clone();
        change(&mut other.statement);
        answered(&ask(&mut state, &other), false);
    }
    answered(&ask(&mut state, &verify(hash, b"")), false);

    let proof = prove(&KEY, Claim::Values(b"values"));
    answered(&ask(&mut state, &verify_values(hash, b"values", proof.as_slice())), true);
    answered(&ask(&mut state, &verify_values(hash, b"Values", proof.as_slice())), false);
    answered(&ask(&mut state, &verify(hash, proof.as_slice())), false);
}

#[test]
fn a_quote_is_what_the_call_costs() {
    let (mut state, hash) = registered();
    for (values, proof) in [(b"".as_slice(), [1; 8].as_slice()), (b"some values", &[])] {
        let quote = sol::quoteCall {
            system: SYSTEM.0,
            keyBytes: 100,
            valuesBytes: values.len() as u64,
            proofBytes: proof.len() as u64,
        };
        let quoted = ask(&mut state, &quote);
        assert_eq!((total(quoted.charged), quoted.charged_evm), (BASE_GAS, 0));
        let quoted = sol::quoteCall::abi_decode_returns_validate(&quoted.output).unwrap();
        let done = if values.is_empty() {
            ask(&mut state, &verify(hash, proof))
        } else {
            ask(&mut state, &verify_values(hash, values, proof))
        };
        answered(&done, false);
        assert_eq!((quoted.price.gasAI, quoted.price.gasInference, quoted.gasEvm), {
            (done.charged.gas_ai, done.charged.gas_inference, done.charged_evm)
        });
        assert_eq!((quoted.price.flops, quoted.price.peakBytes), {
            (done.work.flops, done.work.peak_bytes)
        });
        assert_eq!(done.work, work(100, values.len(), proof.len()));
    }

    let quote = sol::quoteRegisterCall { system: SYSTEM.0, keyBytes: 77 };
    let quoted = ask(&mut state, &quote).output;
    let quoted = sol::quoteRegisterCall::abi_decode_returns_validate(&quoted).unwrap();
    let done = ask(&mut state, &register(&[4; 77]));
    assert_eq!((quoted.price.gasAI, quoted.price.gasInference, quoted.gasEvm), {
        (done.charged.gas_ai, done.charged.gas_inference, done.charged_evm)
    });
    assert_eq!(done.charged_evm, 2_600 + 32_000 + 200 * 78 + 1_875);
    assert_eq!(done.work, work(77, 0, 0));
}

#[test]
fn every_step_is_paid_before_it_is_done() {
    let (empty, (state, hash)) = (MemoryState::default(), registered());
    let proof = prove(&KEY, Claim::Statement(&statement()));
    let requests = [
        (register(&KEY).abi_encode(), empty),
        (verify(hash, proof.as_slice()).abi_encode(), state.clone()),
        (sol::keyCall { system: SYSTEM.0, keyHash: hash }.abi_encode(), state.clone()),
        // The bug of the verifier is not reached without gas.
        (verify(hash, &[0xff]).abi_encode(), state),
    ];
    for (input, before) in requests {
        let request = |gas_limit, state: &mut MemoryState| {
            let call = Call { gas_limit, ..call(address::PROOF_VERIFIER, &input) };
            precompiles(&Arc::default()).call(&call, state).unwrap()
        };
        let done = request(ENOUGH, &mut before.clone());
        let price = total(done.charged) + done.charged_evm;
        assert_eq!(request(price, &mut before.clone()), done, "exactly enough");
        for short in [0, BASE_GAS - 1, BASE_GAS, BASE_GAS + 2_600, price - 1] {
            let mut state = before.clone();
            let halted = request(short, &mut state);
            assert_eq!((halted.status, halted.output.len()), (Status::OutOfGas, 0), "{short}");
            assert!(total(halted.charged) + halted.charged_evm <= short);
            assert_eq!(state, before);
        }
    }
}

#[test]
fn lengths_are_bounded_before_the_verifier_sees_them() {
    let (mut state, hash) = registered();
    let long = vec![9; KEY_MAX_BYTES as usize + 1];
    let error =
        errors::InputTooLong { got: U256::from(long.len()), max: U256::from(KEY_MAX_BYTES) };
    let reply = ask(&mut state, &register(&long));
    refused(&reply, &error);
    assert_eq!((total(reply.charged), reply.charged_evm), (BASE_GAS, 0));
    answered(&ask(&mut state, &sol::isRegisteredCall { system: SYSTEM.0, keyHash: hash }), true);
    let longest = ask(&mut state, &register(&long[1..]));
    assert_eq!(longest.status, Status::Success);

    let long = vec![0xff; PROOF_MAX_BYTES as usize + 1];
    let reply = ask(&mut state, &verify(hash, &long));
    answered(&reply, false);
    let reading = INTRINSIC_FLOPS_PER_BYTE * (100 + PROOF_MAX_BYTES + 1);
    assert_eq!(reply.work, Work { flops: reading, peak_bytes: 0 });

    let quote = |key_bytes, proof_bytes| sol::quoteCall {
        system: SYSTEM.0,
        keyBytes: key_bytes,
        valuesBytes: 0,
        proofBytes: proof_bytes,
    };
    for (request, max) in
        [(quote(u64::MAX, 0), KEY_MAX_BYTES), (quote(0, u64::MAX), PROOF_MAX_BYTES)]
    {
        let error = errors::InputTooLong { got: U256::from(u64::MAX), max: U256::from(max) };
        refused(&ask(&mut state, &request), &error);
    }
    let request = sol::quoteCall { valuesBytes: u64::MAX, ..quote(0, 0) };
    refused(&ask(&mut state, &request), &errors::WorkOverflow {});
}

#[test]
fn refused_keys_are_charged_for_the_check_and_not_for_storage() {
    let mut state = MemoryState::default();
    for (key, code) in [([1, 2].as_slice(), 7), (&[0xff, 1], InvalidKey::PANICKED)] {
        let reply = ask(&mut state, &register(key));
        refused(&reply, &errors::InvalidVerifyingKey { system: U256::from(SYSTEM.0), code });
        assert_eq!((reply.work, reply.charged_evm), (work(2, 0, 0), 2_600));
    }
    assert_eq!(state, MemoryState::default());
}

#[test]
fn a_verifier_that_panics_gives_false_and_is_asked_again() {
    let (mut state, hash) = registered();
    let panicked = ask(&mut state, &verify(hash, &[0xff; 32]));
    answered(&panicked, false);
    assert_eq!(panicked.work, work(100, 0, 32), "the work is paid");
    let proof = prove(&KEY, Claim::Statement(&statement()));
    answered(&ask(&mut state, &verify(hash, proof.as_slice())), true);
}

#[test]
fn a_fault_of_this_machine_is_no_verdict() {
    let (mut state, hash) = registered();
    let input = verify(hash, b"lost").abi_encode();
    let call = call(address::PROOF_VERIFIER, &input);
    let fault = precompiles(&Arc::default()).call(&call, &mut state).unwrap_err().fault;
    assert_eq!(fault.kind, FaultKind::Device);
}

#[test]
fn state_is_not_written_in_static_and_delegate_calls() {
    let mut state = MemoryState::default();
    let frozen = ask_with(&mut state, &register(&KEY), |call| call.is_static = true);
    refused(&frozen, &errors::StaticCallRefused {});
    let delegate = ask_with(&mut state, &register(&KEY), |call| call.is_delegate = true);
    refused(&delegate, &errors::DelegateCallRefused {});
    assert_eq!(state, MemoryState::default());

    let (mut state, hash) = registered();
    let proof = prove(&KEY, Claim::Statement(&statement()));
    let request = verify(hash, proof.as_slice());
    answered(&ask_with(&mut state, &request, |call| call.is_static = true), true);
    let known = sol::isRegisteredCall { system: SYSTEM.0, keyHash: hash };
    answered(&ask_with(&mut state, &known, |call| call.is_static = true), true);
}

#[test]
fn a_simulation_does_what_the_real_call_does() {
    let (mut simulated, mut real) = (MemoryState::default(), MemoryState::default());
    let simulate = |call: &mut Call<'_>| call.mode = Mode::Simulate;
    let proof = prove(&KEY, Claim::Statement(&statement()));
    let check = verify(key_hash(SYSTEM, &KEY), proof.as_slice());
    let register = register(&KEY);
    assert_eq!(ask_with(&mut simulated, &register, simulate), ask(&mut real, &register));
    assert_eq!(ask_with(&mut simulated, &check, simulate), ask(&mut real, &check));
    assert_eq!(simulated, real);
}

#[test]
fn an_unknown_system_is_refused_everywhere() {
    let mut state = registered().0;
    let (system, hash) = (7, key_hash(SYSTEM, &KEY));
    let error = errors::UnknownProofSystem { system: U256::from(7) };
    refused(&ask(&mut state, &sol::registerCall { system, ..register(&KEY) }), &error);
    refused(&ask(&mut state, &sol::verifyCall { system, ..verify(hash, &[]) }), &error);
    refused(&ask(&mut state, &sol::keyCall { system, keyHash: hash }), &error);
    refused(&ask(&mut state, &sol::isRegisteredCall { system, keyHash: hash }), &error);
}

#[test]
fn a_state_that_cannot_be_read_is_a_fault() {
    #[derive(Debug)]
    struct Unreadable;
    impl ChainState for Unreadable {
        fn account(
            &mut self,
            _: Address,
        ) -> Result<lazai_precompiles::CodeAccount, lazai_api_types::Fault> {
            Err(lazai_api_types::Fault { kind: FaultKind::State, message: "no disk".into() })
        }
        fn set_code(&mut self, _: Address, _: Bytes) -> Result<(), lazai_api_types::Fault> {
            panic!("written without reading")
        }
        fn log(&mut self, _: alloy_primitives::Log) {
            panic!("logged without reading")
        }
    }
    let hash = key_hash(SYSTEM, &KEY);
    for input in [register(&KEY).abi_encode(), verify(hash, &[]).abi_encode()] {
        let call = call(address::PROOF_VERIFIER, &input);
        let fault = precompiles(&Arc::default()).call(&call, &mut Unreadable).unwrap_err().fault;
        assert_eq!(fault.kind, FaultKind::State);
    }
}
