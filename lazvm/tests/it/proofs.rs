//! The proof verifier inside the EVM: keys are journaled state, proofs are verdicts, and both are
//! paid.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent, SolValue};
use lazai_api_types::{
    Claim, GasPricing, InferenceStatement, InvalidKey, ModelId, PortError, ProofLimits,
    ProofSystemId, ProofVerifier, Work, key_hash,
};
use lazai_precompiles::{
    abi::{self, ILazErrors as errors, ILazProofVerifier as sol},
    address::PROOF_VERIFIER,
    key_address,
};
use lazvm::{
    Execution, LazVm, LazVmError, Mode, SharedMeter,
    alloy_evm::{EthEvmFactory, Evm, EvmEnv, EvmFactory},
    dyn_precompiles,
    revm::{
        Database, DatabaseCommit, DatabaseRef,
        bytecode::Bytecode,
        context::{
            BlockEnv, CfgEnv, DBErrorMarker,
            result::{ExecutionResult, HaltReason},
        },
        database::InMemoryDB,
        inspector::Inspector,
        interpreter::interpreter::EthInterpreter,
        primitives::{AddressMap, KECCAK_EMPTY, hardfork::SpecId},
        state::{Account, AccountInfo},
    },
};

use crate::support::{
    CONTRACT, FEES, Letters, OUTER, SENDER, builder, bytecode, bytecode::Kind, call, database,
    schedule,
};

const SYSTEM: ProofSystemId = ProofSystemId(1_000);
const KEY: [u8; 500] = [7; 500];

/// A claim is shown by a hash of key and claim; a proof of `!` runs into a bug.
#[derive(Debug)]
struct Hashes;

fn prove(key: &[u8], claim: Claim<'_>) -> B256 {
    let claim = match claim {
        Claim::Statement(statement) => statement.hash(),
        Claim::Values(values) => keccak256(values),
    };
    keccak256([key, claim.as_slice()].concat())
}

impl ProofVerifier for Hashes {
    fn id(&self) -> ProofSystemId {
        SYSTEM
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 1 << 16, proof_bytes: 64 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        Work { flops: 1_000_000 + 10 * key_bytes + 1_000 * proof_bytes, peak_bytes: 3_200 }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        if key.is_empty() { Err(InvalidKey::new(1, &"empty")) } else { Ok(()) }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        assert!(proof != b"!", "a bug in the verifier");
        Ok(proof == prove(key, claim))
    }
}

fn machine(contracts: &[(Address, &[u8])]) -> LazVm<InMemoryDB> {
    let device = Arc::new(Letters::default());
    builder(&device).verifier(Arc::new(Hashes)).base_fees(FEES).build(database(contracts)).unwrap()
}

fn register(key: &[u8]) -> Bytes {
    let verifying_key = Bytes::copy_from_slice(key);
    sol::registerCall { system: SYSTEM.0, verifyingKey: verifying_key }.abi_encode().into()
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

fn verify(proof: &[u8]) -> Bytes {
    let InferenceStatement { model, input, output, work, context } = statement();
    let statement = abi::Statement {
        model: model.0,
        input,
        output,
        flops: work.flops,
        peakBytes: work.peak_bytes,
        context,
    };
    let (system, key_hash, proof) =
        (SYSTEM.0, key_hash(SYSTEM, &KEY), Bytes::copy_from_slice(proof));
    sol::verifyCall { system, keyHash: key_hash, statement, proof }.abi_encode().into()
}

fn right_proof() -> B256 {
    prove(&KEY, Claim::Statement(&statement()))
}

fn is_registered() -> Bytes {
    let key_hash = key_hash(SYSTEM, &KEY);
    sol::isRegisteredCall { system: SYSTEM.0, keyHash: key_hash }.abi_encode().into()
}

fn event(registrant: Address) -> Log {
    let key_hash = key_hash(SYSTEM, &KEY);
    let event = sol::VerifyingKeyRegistered { system: SYSTEM.0, keyHash: key_hash, registrant };
    Log { address: PROOF_VERIFIER, data: event.encode_log_data() }
}

#[track_caller]
fn commit(vm: &mut LazVm<InMemoryDB>, nonce: u64, to: Address, data: Bytes) -> Execution {
    vm.transact_commit(call(to, data, nonce)).unwrap()
}

#[track_caller]
fn output(execution: &Execution) -> &[u8] {
    execution.result.output().unwrap()
}

/// The code at the address of [`KEY`].
fn stored(vm: &LazVm<InMemoryDB>) -> Option<AccountInfo> {
    vm.db().basic_ref(key_address(key_hash(SYSTEM, &KEY))).unwrap()
}

#[test]
fn a_key_is_registered_once_and_its_proofs_are_checked() {
    let forwarder = bytecode::forwarder(Kind::Call, PROOF_VERIFIER);
    let mut vm = machine(&[(CONTRACT, &forwarder)]);
    assert_eq!(output(&commit(&mut vm, 0, PROOF_VERIFIER, is_registered())), false.abi_encode());
    assert_eq!(stored(&vm), None);

    let first = commit(&mut vm, 1, CONTRACT, register(&KEY));
    assert_eq!(output(&first), key_hash(SYSTEM, &KEY).as_slice());
    assert_eq!(first.result.logs(), [event(CONTRACT)]);
    let account = stored(&vm).unwrap();
    assert_eq!((account.nonce, account.balance), (0, U256::ZERO));
    let code = [[0].as_slice(), &KEY].concat();
    assert_eq!(account.code_hash, keccak256(&code), "the state root covers the key");
    assert_eq!(vm.db().code_by_hash_ref(account.code_hash).unwrap().original_bytes(), code);

    let again = commit(&mut vm, 2, CONTRACT, register(&KEY));
    assert_eq!(output(&again), output(&first));
    assert!(again.result.logs().is_empty());
    assert!(again.gas_used() < first.gas_used() / 3);

    // Touching the account does not delete it, and nothing runs in it.
    let touched = commit(&mut vm, 3, key_address(key_hash(SYSTEM, &KEY)), Bytes::new());
    assert!(touched.result.is_success() && output(&touched).is_empty());
    assert_eq!(output(&commit(&mut vm, 4, PROOF_VERIFIER, is_registered())), true.abi_encode());

    let right = commit(&mut vm, 5, CONTRACT, verify(right_proof().as_slice()));
    assert_eq!(output(&right), true.abi_encode());
    for wrong in [b"".as_slice(), &[0; 32], &[0; 65]] {
        let execution = vm.transact(call(CONTRACT, verify(wrong), 6)).unwrap().execution;
        assert_eq!(output(&execution), false.abi_encode());
    }
}

/// Code and log are ordinary gas at its own base fee; the check is AI gas.
#[test]
fn what_is_charged_is_what_was_quoted() {
    let mut vm = machine(&[]);
    let quote = sol::quoteRegisterCall { system: SYSTEM.0, keyBytes: 500 }.abi_encode();
    let quoted = commit(&mut vm, 0, PROOF_VERIFIER, quote.into());
    let quoted = sol::quoteRegisterCall::abi_decode_returns(output(&quoted)).unwrap();
    let data = register(&KEY);
    let intrinsic = intrinsic(&data);
    let paid = commit(&mut vm, 1, PROOF_VERIFIER, data);
    assert_eq!(paid.gas_ai(), quoted.price.gasAI);
    assert_eq!(paid.gas_inference(), quoted.price.gasInference);
    assert_eq!(paid.gas_evm(), intrinsic + quoted.gasEvm);
    assert_eq!(quoted.gasEvm, 2_600 + 32_000 + 200 * 501 + 1_875);
    let settled = paid.settlement;
    let tip = U256::from((100 - 20) * paid.gas_used());
    assert_eq!(settled.tip, tip);
    let burned =
        paid.gas_evm() * FEES.evm + paid.gas_ai() * FEES.ai + paid.gas_inference() * FEES.inference;
    assert_eq!(settled.burned, U256::from(burned));

    let quote = sol::quoteCall { system: SYSTEM.0, keyBytes: 500, valuesBytes: 0, proofBytes: 32 };
    let quoted = commit(&mut vm, 2, PROOF_VERIFIER, quote.abi_encode().into());
    let quoted = sol::quoteCall::abi_decode_returns(output(&quoted)).unwrap();
    let data = verify(right_proof().as_slice());
    let intrinsic = self::intrinsic(&data);
    let paid = commit(&mut vm, 3, PROOF_VERIFIER, data);
    assert_eq!(paid.gas_ai(), quoted.price.gasAI);
    assert_eq!(paid.gas_inference(), quoted.price.gasInference);
    assert_eq!(paid.gas_evm(), intrinsic + quoted.gasEvm);
    let work = Work { flops: 1_000_000 + 5_000 + 32_000 + 500 * 1_024, peak_bytes: 3_200 };
    assert_eq!(paid.meter.work, work);
    assert_eq!(paid.meter.charged, schedule().gas(&work).unwrap());
}

fn intrinsic(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    21_000 + 4 * zeros + 16 * (data.len() as u64 - zeros)
}

#[test]
fn a_revert_undoes_the_key_and_its_event() {
    let (reverter, burner) = (bytecode::reverter(PROOF_VERIFIER), bytecode::burner(PROOF_VERIFIER));
    let outer = bytecode::forwarder(Kind::Call, CONTRACT);
    for code in [reverter, burner] {
        let mut vm = machine(&[(CONTRACT, &code), (OUTER, &outer)]);
        for (nonce, to) in [CONTRACT, OUTER].into_iter().enumerate() {
            let mut tx = call(to, register(&KEY), nonce as u64);
            tx.gas_limit = 2_000_000;
            let execution = vm.transact_commit(tx).unwrap();
            assert_eq!(execution.meter.calls, 1);
            assert!(execution.gas_ai() > 0, "the check was done and is paid");
            assert!(execution.result.logs().is_empty());
            assert_eq!(stored(&vm), None);
        }
        // And it can be registered afterwards.
        let done = commit(&mut vm, 2, PROOF_VERIFIER, register(&KEY));
        assert_eq!(done.result.logs(), [event(SENDER)]);
        assert!(stored(&vm).is_some());
    }
}

#[test]
fn a_key_registered_earlier_in_a_transaction_is_there() {
    // Registers, then asks with the same calldata again: the second finds the first.
    let mut twice = bytecode::forwarder(Kind::Call, PROOF_VERIFIER);
    twice.truncate(twice.len() - 7);
    twice.extend(bytecode::forwarder(Kind::Call, PROOF_VERIFIER));
    let mut vm = machine(&[(CONTRACT, &twice)]);
    let execution = commit(&mut vm, 0, CONTRACT, register(&KEY));
    assert_eq!(output(&execution), key_hash(SYSTEM, &KEY).as_slice());
    assert_eq!(execution.meter.calls, 2);
    assert_eq!(execution.result.logs(), [event(CONTRACT)]);
}

#[test]
fn static_and_delegate_calls_write_nothing() {
    let frozen: Bytes = errors::StaticCallRefused {}.abi_encode().into();
    let delegate: Bytes = errors::DelegateCallRefused {}.abi_encode().into();
    for (kind, refused) in
        [(Kind::Static, frozen), (Kind::Delegate, delegate.clone()), (Kind::CallCode, delegate)]
    {
        let forwarder = bytecode::forwarder(kind, PROOF_VERIFIER);
        let mut vm = machine(&[(CONTRACT, &forwarder)]);
        let execution = commit(&mut vm, 0, CONTRACT, register(&KEY));
        assert_eq!(output(&execution), &*refused, "{kind:?}");
        assert!(execution.result.logs().is_empty());
        assert_eq!(stored(&vm), None, "{kind:?}");
    }
    // A call inside a static call is frozen too.
    let inner = bytecode::relay(Kind::Call, PROOF_VERIFIER);
    let outer = bytecode::forwarder(Kind::Static, CONTRACT);
    let mut vm = machine(&[(CONTRACT, &inner), (OUTER, &outer)]);
    let execution = commit(&mut vm, 0, OUTER, register(&KEY));
    assert_eq!(output(&execution), errors::StaticCallRefused {}.abi_encode());
    assert_eq!(stored(&vm), None);

    // Checking needs no writing.
    let forwarder = bytecode::forwarder(Kind::Static, PROOF_VERIFIER);
    let mut vm = machine(&[(CONTRACT, &forwarder)]);
    commit(&mut vm, 0, PROOF_VERIFIER, register(&KEY));
    let execution = commit(&mut vm, 1, CONTRACT, verify(right_proof().as_slice()));
    assert_eq!(output(&execution), true.abi_encode());
}

#[test]
fn too_little_gas_stores_nothing() {
    let mut vm = machine(&[]);
    let enough = vm.transact(call(PROOF_VERIFIER, register(&KEY), 0)).unwrap().execution.gas_used();
    let mut tx = call(PROOF_VERIFIER, register(&KEY), 0);
    tx.gas_limit = enough - 1;
    let halted = vm.transact_commit(tx).unwrap();
    assert!(matches!(
        halted.result,
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_) | HaltReason::PrecompileError, .. }
    ));
    assert_eq!(halted.gas_used(), enough - 1);
    assert_eq!(stored(&vm), None);
    let mut tx = call(PROOF_VERIFIER, register(&KEY), 1);
    tx.gas_limit = enough;
    assert!(vm.transact_commit(tx).unwrap().result.is_success());
    assert!(stored(&vm).is_some());
}

#[test]
fn the_largest_keys_fit_a_transaction() {
    // A gnark PLONK key, which is longer than the code of a contract may be.
    let key = vec![3; 34_368];
    let mut vm = machine(&[]);
    let done = commit(&mut vm, 0, PROOF_VERIFIER, register(&key));
    let hash = key_hash(SYSTEM, &key);
    assert_eq!(output(&done), hash.as_slice());
    let named = sol::keyCall { system: SYSTEM.0, keyHash: hash }.abi_encode();
    let named = commit(&mut vm, 1, PROOF_VERIFIER, named.into());
    assert_eq!(output(&named), Bytes::from(key).abi_encode());
}

#[test]
fn an_account_with_wei_can_become_that_of_a_key() {
    let mut vm = machine(&[]);
    let address = key_address(key_hash(SYSTEM, &KEY));
    let rich = AccountInfo { balance: U256::from(5), ..AccountInfo::default() };
    vm.db_mut().insert_account_info(address, rich);
    commit(&mut vm, 0, PROOF_VERIFIER, register(&KEY));
    let account = stored(&vm).unwrap();
    assert_eq!(account.balance, U256::from(5));
    assert_ne!(account.code_hash, KECCAK_EMPTY);
}

#[test]
fn a_contract_at_the_address_of_a_key_is_no_key() {
    let mut vm = machine(&[]);
    let code = Bytecode::new_raw([[0].as_slice(), &KEY].concat().into());
    let contract = AccountInfo { nonce: 1, ..AccountInfo::default() }.with_code(code);
    vm.db_mut().insert_account_info(key_address(key_hash(SYSTEM, &KEY)), contract);
    let execution = commit(&mut vm, 0, PROOF_VERIFIER, verify(right_proof().as_slice()));
    let key_hash = key_hash(SYSTEM, &KEY);
    let unknown = errors::UnknownVerifyingKey { system: U256::from(SYSTEM.0), keyHash: key_hash };
    assert_eq!(output(&execution), unknown.abi_encode());
    let execution = commit(&mut vm, 1, PROOF_VERIFIER, register(&KEY));
    let taken = errors::KeyAddressTaken { account: key_address(key_hash) };
    assert_eq!(output(&execution), taken.abi_encode());
}

#[test]
fn a_verifier_that_panics_aborts_nothing() {
    let forwarder = bytecode::forwarder(Kind::Call, PROOF_VERIFIER);
    let mut vm = machine(&[(CONTRACT, &forwarder)]);
    commit(&mut vm, 0, PROOF_VERIFIER, register(&KEY));
    let execution = commit(&mut vm, 1, CONTRACT, verify(b"!"));
    assert_eq!(output(&execution), false.abi_encode());
    assert!(execution.gas_ai() > 0, "the check was paid");
    let execution = commit(&mut vm, 2, CONTRACT, verify(right_proof().as_slice()));
    assert_eq!(output(&execution), true.abi_encode());
}

#[test]
fn a_simulation_estimates_and_keeps_nothing() {
    let mut vm = machine(&[]);
    let estimate = vm.simulate(call(PROOF_VERIFIER, register(&KEY), 0)).unwrap();
    assert_eq!(stored(&vm), None);
    let real = commit(&mut vm, 0, PROOF_VERIFIER, register(&KEY));
    assert_eq!(estimate.gas_used(), real.gas_used());
    let check = verify(right_proof().as_slice());
    let estimate = vm.simulate(call(PROOF_VERIFIER, check.clone(), 1)).unwrap();
    assert_eq!(estimate.result, commit(&mut vm, 1, PROOF_VERIFIER, check).result);
}

#[test]
fn an_inspector_sees_the_event() {
    #[derive(Debug, Default)]
    struct Logs(Vec<Log>);
    impl<CTX> Inspector<CTX, EthInterpreter> for Logs {
        fn log(&mut self, _: &mut CTX, log: Log) {
            self.0.push(log);
        }
    }
    let forwarder = bytecode::forwarder(Kind::Call, PROOF_VERIFIER);
    let mut vm = machine(&[(CONTRACT, &forwarder)]);
    let tx = call(CONTRACT, register(&KEY), 0);
    let plain = vm.transact(tx.clone()).unwrap();
    let mut logs = Logs::default();
    let inspected = vm.inspect(tx, &mut logs).unwrap();
    assert_eq!(inspected, plain);
    assert_eq!(logs.0, [event(CONTRACT)]);
}

#[test]
fn a_list_of_precompiles_keeps_keys_too() {
    let device = Arc::new(Letters::default());
    let factory = builder(&device).verifier(Arc::new(Hashes)).factory().unwrap();
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
    let env = EvmEnv { cfg_env, block_env: BlockEnv::default() };
    let reverter = bytecode::reverter(PROOF_VERIFIER);
    let db = database(&[(CONTRACT, &reverter)]);
    let meter = Arc::new(SharedMeter::default());
    let mut host = EthEvmFactory::default().create_evm(db.clone(), env.clone());
    let list = dyn_precompiles(factory.runtime(), Mode::Execute, &meter);
    host.precompiles_mut().extend_precompiles(list);
    let mut ours = factory.create_evm(db, env);
    let requests = [
        (CONTRACT, register(&KEY)),
        (PROOF_VERIFIER, register(&KEY)),
        (PROOF_VERIFIER, verify(right_proof().as_slice())),
    ];
    for (nonce, (to, data)) in requests.into_iter().enumerate() {
        let tx = call(to, data, nonce as u64);
        let (got, expected) =
            (host.transact_raw(tx.clone()).unwrap(), ours.transact_raw(tx).unwrap());
        assert_eq!(got, expected);
        assert_eq!(meter.take(), *ours.meter());
        host.db_mut().commit(got.state);
        ours.db_mut().commit(expected.state);
    }
}

/// A database that loses one account.
#[derive(Debug)]
struct Lossy(InMemoryDB, Address);

#[derive(Clone, Debug, thiserror::Error)]
#[error("the disk is gone")]
struct Lost;

impl DBErrorMarker for Lost {}

impl Database for Lossy {
    type Error = Lost;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Lost> {
        if address == self.1 { Err(Lost) } else { self.0.basic(address).map_err(|_| Lost) }
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Lost> {
        self.0.code_by_hash(hash).map_err(|_| Lost)
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, Lost> {
        self.0.storage(address, index).map_err(|_| Lost)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Lost> {
        self.0.block_hash(number).map_err(|_| Lost)
    }
}

impl DatabaseCommit for Lossy {
    fn commit(&mut self, changes: AddressMap<Account>) {
        self.0.commit(changes);
    }
}

#[test]
fn a_database_that_fails_makes_no_receipt() {
    let device = Arc::new(Letters::default());
    let lossy = Lossy(database(&[]), key_address(key_hash(SYSTEM, &KEY)));
    let mut vm = builder(&device).verifier(Arc::new(Hashes)).build(lossy).unwrap();
    let error = vm.transact_commit(call(PROOF_VERIFIER, register(&KEY), 0)).unwrap_err();
    let LazVmError::Fault(fault) = error else { panic!("expected a fault, got {error:?}") };
    assert_eq!(fault.kind, lazai_api_types::FaultKind::State);
    assert!(fault.message.contains("the disk is gone"), "{}", fault.message);
}
