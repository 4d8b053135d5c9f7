//! Settlement: money of users goes to nodes and back, and never anywhere else.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "an expected error is written where it is compared"
)]

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolConstructor, SolError, SolStruct, SolValue, eip712_domain};
use k256::ecdsa::SigningKey;
use lazvm::{
    LazVm, NoModels,
    revm::{
        context::{BlockEnv, TxEnv},
        database::InMemoryDB,
        primitives::hardfork::SpecId,
        state::AccountInfo,
    },
};
use lazvm_contracts::{
    process::AIProcess::{self, SettlementData, SettlementProof},
    settlement::Settlement,
};

mod typed {
    alloy_sol_types::sol! {
        struct Authorization {
            address user;
            address node;
            uint8 kind;
            bytes32 bodyHash;
            bytes32 model;
            uint256 dat;
            uint256 maxFee;
            uint256 nonce;
            uint64 deadline;
        }
    }
}

struct Key(SigningKey);

impl Key {
    fn new(name: &str) -> Self {
        Self(SigningKey::from_slice(keccak256(name).as_slice()).unwrap())
    }

    fn address(&self) -> Address {
        let point = self.0.verifying_key().to_encoded_point(false);
        Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
    }

    fn sign(&self, hash: B256) -> Bytes {
        let (signature, recovery) = self.0.sign_prehash_recoverable(hash.as_slice()).unwrap();
        [signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat().into()
    }

    fn sign_message(&self, hash: B256) -> Bytes {
        let text = [b"\x19Ethereum Signed Message:\n32", hash.as_slice()].concat();
        self.sign(keccak256(text))
    }
}

struct Chain {
    vm: LazVm<InMemoryDB>,
    nonces: BTreeMap<Address, u64>,
    admin: Key,
    user: Key,
    node: Key,
    settlement: Address,
    processes: [Address; 3],
}

const ETHER: u64 = 1_000_000_000;
const LOCK: u64 = 3_600;

impl Chain {
    fn new() -> Self {
        let block = BlockEnv { timestamp: U256::from(1_000_000), ..Default::default() };
        let vm = LazVm::builder()
            .coprocessor(Arc::new(NoModels))
            .spec(SpecId::PRAGUE)
            .block(block)
            .build(InMemoryDB::default())
            .unwrap();
        let mut chain = Self {
            vm,
            nonces: BTreeMap::new(),
            admin: Key::new("admin"),
            user: Key::new("user"),
            node: Key::new("node"),
            settlement: Address::ZERO,
            processes: [Address::ZERO; 3],
        };
        for account in [chain.admin.address(), chain.user.address(), chain.node.address()] {
            let info = AccountInfo::from_balance(U256::from(ETHER));
            chain.vm.db_mut().insert_account_info(account, info);
        }
        let admin = chain.admin.address();
        for kind in 0..3_u8 {
            let arguments = AIProcess::constructorCall {
                admin,
                settlement_: Address::ZERO,
                lockTime_: U256::from(LOCK),
                kind,
            };
            chain.processes[usize::from(kind)] =
                chain.deploy(&AIProcess::BYTECODE, &arguments.abi_encode());
        }
        let [query, inference, training] = chain.processes;
        let arguments = Settlement::constructorCall {
            admin,
            query_: query,
            inference_: inference,
            training_: training,
        };
        chain.settlement = chain.deploy(&Settlement::BYTECODE, &arguments.abi_encode());
        let node = chain.node.address();
        for process in chain.processes {
            let set = AIProcess::updateSettlementCall { newSettlement: chain.settlement };
            chain.ok(admin, process, 0, &set);
            let add = AIProcess::addNodeCall {
                nodeAddress: node,
                url: "http://node".into(),
                publicKey: "key".into(),
            };
            chain.ok(admin, process, 0, &add);
        }
        chain
    }

    fn deploy(&mut self, code: &[u8], arguments: &[u8]) -> Address {
        let from = self.admin.address();
        let result = self.transact(from, TxKind::Create, 0, [code, arguments].concat());
        result.created_address().unwrap()
    }

    fn transact(
        &mut self,
        caller: Address,
        kind: TxKind,
        value: u64,
        data: Vec<u8>,
    ) -> lazvm::revm::context::result::ExecutionResult {
        let nonce = self.nonces.entry(caller).or_default();
        let transaction = TxEnv {
            caller,
            kind,
            value: U256::from(value),
            data: data.into(),
            gas_limit: 10_000_000,
            nonce: *nonce,
            ..TxEnv::default()
        };
        *nonce += 1;
        self.vm.transact_commit(transaction).unwrap().result
    }

    #[track_caller]
    fn ok<C: SolCall>(&mut self, from: Address, to: Address, value: u64, call: &C) -> C::Return {
        let result = self.transact(from, TxKind::Call(to), value, call.abi_encode());
        let is_success = result.is_success();
        let output = result.into_output().unwrap_or_default();
        assert!(is_success, "reverted with {output}");
        self.check_money();
        C::abi_decode_returns(&output).unwrap()
    }

    #[track_caller]
    fn refused<C: SolCall, E: SolError + PartialEq + core::fmt::Debug>(
        &mut self,
        from: Address,
        to: Address,
        value: u64,
        call: &C,
        expected: E,
    ) {
        let result = self.transact(from, TxKind::Call(to), value, call.abi_encode());
        assert!(!result.is_success(), "did not revert");
        let output = result.into_output().unwrap_or_default();
        assert_eq!(E::abi_decode(&output).unwrap(), expected, "{}", hex::encode(&output));
        self.check_money();
    }

    fn ask<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        let caller = Key::new("reader").address();
        let kind = TxKind::Call(to);
        let data = call.abi_encode().into();
        let call = TxEnv { caller, kind, data, gas_limit: 10_000_000, ..TxEnv::default() };
        let output = self.vm.call(call).unwrap().result.into_output().unwrap();
        C::abi_decode_returns(&output).unwrap()
    }

    fn balance(&self, address: Address) -> U256 {
        self.vm.db().cache.accounts.get(&address).map_or(U256::ZERO, |account| account.info.balance)
    }

    /// The sum of balances is what the contracts hold, in each of them and together.
    #[track_caller]
    fn check_money(&mut self) {
        if self.settlement == Address::ZERO {
            return;
        }
        let users = self.ask(self.settlement, &Settlement::getAllUsersCall {});
        let available = users.iter().map(|user| user.availableBalance).sum::<U256>();
        let total = users.iter().map(|user| user.totalBalance).sum::<U256>();
        assert_eq!(self.balance(self.settlement), available);
        let mut held = available;
        for process in self.processes {
            let accounts = self.ask(process, &AIProcess::getAllAccountsCall {});
            let sum = accounts.iter().map(|account| account.balance).sum::<U256>();
            for account in accounts {
                let waiting = account.refunds.iter().map(|refund| refund.amount).sum::<U256>();
                assert_eq!(waiting, account.pendingRefund);
                assert!(waiting <= account.balance);
            }
            assert_eq!(self.balance(process), sum);
            held += sum;
        }
        assert_eq!(total, held);
    }

    fn pass(&mut self, seconds: u64) {
        let mut block = self.vm.block().clone();
        block.timestamp += U256::from(seconds);
        self.vm.set_block(block, None);
    }

    /// A user with 1,000 wei, of which 600 are at the node of inference.
    fn funded() -> Self {
        let mut chain = Self::new();
        let (user, node, settlement) =
            (chain.user.address(), chain.node.address(), chain.settlement);
        chain.ok(user, settlement, 300, &Settlement::addUserCall {});
        chain.ok(user, settlement, 700, &Settlement::depositCall {});
        let call = Settlement::depositInferenceCall { node, amount: U256::from(600) };
        chain.ok(user, settlement, 0, &call);
        chain
    }

    fn data(&self, cost: u64, nonce: u64) -> SettlementData {
        let (user, node) = (self.user.address(), self.node.address());
        let inner = keccak256((U256::from(nonce), user, node).abi_encode());
        SettlementData {
            id: "chatcmpl-1".into(),
            user,
            cost: U256::from(cost),
            nonce: U256::from(nonce),
            userSignature: self.user.sign_message(inner),
        }
    }

    fn proof(&self, data: SettlementData) -> SettlementProof {
        SettlementProof { signature: self.node.sign_message(keccak256(data.abi_encode())), data }
    }

    fn settle(&self, cost: u64, nonce: u64) -> AIProcess::settlementFeesCall {
        AIProcess::settlementFeesCall { proof: self.proof(self.data(cost, nonce)) }
    }
}

#[test]
fn deposits_are_credited_and_withdrawn_once() {
    let mut chain = Chain::funded();
    let (user, settlement) = (chain.user.address(), chain.settlement);
    let entry = chain.ask(settlement, &Settlement::getUserCall { user });
    assert_eq!((entry.availableBalance, entry.totalBalance), (U256::from(400), U256::from(1_000)));
    assert_eq!(entry.inferenceNodes, [chain.node.address()]);
    let call = Settlement::withdrawCall { amount: U256::from(400) };
    chain.ok(user, settlement, 0, &call);
    chain.refused(user, settlement, 0, &call, Settlement::InsufficientBalance { user });
}

#[test]
fn nonces_count_once_in_any_order_within_the_window() {
    let mut chain = Chain::funded();
    let (user, node) = (chain.user.address(), chain.node.address());
    let inference = chain.processes[1];
    let window = 1_u64 << 36;
    let high = 3 * window;
    for nonce in [high, high - 5, high + 7, high + 8 - window] {
        let call = chain.settle(10, nonce);
        chain.ok(node, inference, 0, &call);
        let used = AIProcess::NonceUsed { nonce: U256::from(nonce) };
        chain.refused(node, inference, 0, &call, used);
    }
    let call = chain.settle(10, high + 7 - window);
    chain.refused(node, inference, 0, &call, AIProcess::NonceTooLow {});
    let account = chain.ask(inference, &AIProcess::getAccountCall { user, node });
    assert_eq!((account.nonce, account.balance), (U256::from(high + 7), U256::from(560)));
    assert_eq!(chain.balance(node), U256::from(ETHER + 40));
}

#[test]
fn signatures_of_both_sides_are_checked() {
    let mut chain = Chain::funded();
    let (user, node, inference) = (chain.user.address(), chain.node.address(), chain.processes[1]);
    let mut proof = chain.proof(chain.data(10, 1));
    proof.signature = chain.user.sign_message(keccak256(proof.data.abi_encode()));
    let text = keccak256(proof.data.abi_encode());
    let message_hash = keccak256([b"\x19Ethereum Signed Message:\n32", text.as_slice()].concat());
    let error = AIProcess::InvalidNodeSignature { messageHash: message_hash, node };
    chain.refused(node, inference, 0, &AIProcess::settlementFeesCall { proof }, error);
    let call = chain.settle(10, 1);
    chain.refused(user, inference, 0, &call, AIProcess::NodeNotActive {});
    let call = chain.settle(601, 1);
    let error = AIProcess::InsufficientBalance { user, node };
    chain.refused(node, inference, 0, &call, error);
}

#[test]
fn money_comes_back_after_the_lock() {
    let mut chain = Chain::funded();
    let (user, node, settlement) = (chain.user.address(), chain.node.address(), chain.settlement);
    let retrieve = Settlement::retrieveInferenceCall { nodes: vec![node] };
    chain.ok(user, settlement, 0, &retrieve);
    // A fee may still take what is on its way.
    let call = chain.settle(100, 1);
    chain.ok(node, chain.processes[1], 0, &call);
    chain.pass(LOCK - 1);
    chain.ok(user, settlement, 0, &retrieve);
    let entry = chain.ask(settlement, &Settlement::getUserCall { user });
    assert_eq!(entry.availableBalance, U256::from(400));
    let left = Settlement::BalanceLeft { user, amount: U256::from(900) };
    chain.refused(user, settlement, 0, &Settlement::deleteUserCall {}, left);
    chain.pass(1);
    chain.ok(user, settlement, 0, &retrieve);
    chain.ok(user, settlement, 0, &Settlement::withdrawCall { amount: U256::from(900) });
    chain.ok(user, settlement, 0, &Settlement::deleteUserCall {});
    assert_eq!(chain.balance(user), U256::from(ETHER - 100));
    // A user who comes back does not get its nonces back.
    chain.ok(user, settlement, 600, &Settlement::addUserCall {});
    let again = Settlement::depositInferenceCall { node, amount: U256::from(600) };
    chain.ok(user, settlement, 0, &again);
    let used = AIProcess::NonceUsed { nonce: U256::ONE };
    chain.refused(node, chain.processes[1], 0, &call, used);
}

#[test]
fn an_authorization_bounds_the_fee() {
    let mut chain = Chain::funded();
    let (user, node, inference) = (chain.user.address(), chain.node.address(), chain.processes[1]);
    chain.ok(user, inference, 0, &AIProcess::setTypedOnlyCall { isTypedOnly_: true });
    let call = chain.settle(10, 1);
    chain.refused(node, inference, 0, &call, AIProcess::LegacyRefused { user });
    let allowed = AIProcess::Authorization {
        user,
        node,
        kind: 1,
        bodyHash: B256::repeat_byte(1),
        model: B256::repeat_byte(2),
        dat: U256::from(3),
        maxFee: U256::from(50),
        nonce: U256::from(9),
        deadline: 1_000_100,
    };
    let signed = typed::Authorization::abi_decode(&allowed.abi_encode()).unwrap();
    let domain = eip712_domain! {
        name: "AIProcess",
        version: "1",
        chain_id: 1,
        verifying_contract: inference,
    };
    let signature = chain.user.sign(signed.eip712_signing_hash(&domain));
    let call = |chain: &Chain, cost| {
        let data = SettlementData { userSignature: signature.clone(), ..chain.data(cost, 9) };
        let proof = chain.proof(data);
        AIProcess::settleAuthorizedCall { allowed: allowed.clone(), proof }
    };
    let dear = call(&chain, 51);
    let error = AIProcess::FeeTooHigh { got: U256::from(51), max: U256::from(50) };
    chain.refused(node, inference, 0, &dear, error);
    let cheap = call(&chain, 50);
    let other = AIProcess::AuthorizationMismatch {};
    chain.refused(node, chain.processes[0], 0, &cheap, other);
    chain.ok(node, inference, 0, &cheap);
    let used = AIProcess::NonceUsed { nonce: U256::from(9) };
    chain.refused(node, inference, 0, &cheap, used);
    chain.pass(101);
    let error = AIProcess::DeadlinePassed { deadline: 1_000_100 };
    chain.refused(node, inference, 0, &cheap, error);
}
