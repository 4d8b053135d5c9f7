//! A chain in memory with the contracts of assets on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolConstructor, SolError, SolEvent, SolValue};
use k256::ecdsa::SigningKey;
use lazai_consensus::verifier::QuorumVerifier;
use lazvm::{
    Activation, LazVm, NoModels,
    revm::{
        context::{BlockEnv, TxEnv},
        database::InMemoryDB,
        primitives::hardfork::SpecId,
        state::AccountInfo,
    },
};
use lazvm_contracts::{jobs::LazJobs, models::LazModels, token::DataAnchoringToken};

use crate::seal::Seal;

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    Actor,
    "tests/solidity/Actor.json"
);

/// The accounts of the tests: their keys are hashes of their names.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) address: Address,
    key: SigningKey,
}

impl Account {
    pub(crate) fn new(name: &str) -> Self {
        let key = SigningKey::from_slice(keccak256(name).as_slice()).unwrap();
        let point = key.verifying_key().to_encoded_point(false);
        let address = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
        Self { address, key }
    }

    /// Signs a hash as wallets do: r, s, v.
    pub(crate) fn sign(&self, hash: B256) -> Bytes {
        let (signature, recovery) = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        let mut bytes = signature.to_bytes().to_vec();
        bytes.push(27 + recovery.to_byte());
        bytes.into()
    }
}

/// What became of a call.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) is_success: bool,
    /// What was returned, or reverted with.
    pub(crate) output: Bytes,
    pub(crate) logs: Vec<Log>,
    pub(crate) gas_used: u64,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn returned<C: SolCall>(&self) -> C::Return {
        assert!(self.is_success, "reverted with {}", self.output);
        C::abi_decode_returns(&self.output).unwrap()
    }

    /// The only event of its type.
    #[track_caller]
    pub(crate) fn event<E: SolEvent>(&self) -> E {
        assert!(self.is_success, "reverted with {}", self.output);
        let mut found = self.logs.iter().filter_map(|log| E::decode_log(log).ok());
        let event = found.next().expect("no such event").data;
        assert!(found.next().is_none(), "two of these events");
        event
    }

    #[track_caller]
    pub(crate) fn reverted<E: SolError + PartialEq + core::fmt::Debug>(&self, expected: E) {
        assert!(!self.is_success, "did not revert");
        match E::abi_decode(&self.output) {
            Ok(error) => assert_eq!(error, expected),
            Err(_) => panic!("expected {expected:?}, got {}", self.output),
        }
    }
}

/// How a call ended: nothing for success, else the selector of its error.
type Ending = Option<[u8; 4]>;

/// Calls that were made, by contract and selector.
pub(crate) type Calls = BTreeSet<(&'static str, [u8; 4], Ending)>;

#[derive(Debug)]
pub(crate) struct World {
    vm: LazVm<InMemoryDB>,
    nonces: BTreeMap<Address, u64>,
    names: BTreeMap<Address, &'static str>,
    pub(crate) seen: Calls,
    pub(crate) models: Address,
    pub(crate) dat: Address,
    pub(crate) jobs: Address,
    pub(crate) quorum_verifier: Address,
    pub(crate) admin: Account,
    pub(crate) alice: Account,
    pub(crate) bob: Account,
    pub(crate) carol: Account,
    /// Nobody has given it any right.
    pub(crate) mallory: Account,
}

impl World {
    /// A chain of LazVM, with a contract that checks certificates besides.
    pub(crate) fn new() -> Self {
        Self::with(Activation::Genesis, true)
    }

    /// A chain without AI precompiles.
    pub(crate) fn without_precompiles(has_quorum_verifier: bool) -> Self {
        Self::with(Activation::Block(u64::MAX), has_quorum_verifier)
    }

    fn with(activation: Activation, has_quorum_verifier: bool) -> Self {
        let block = BlockEnv {
            number: U256::from(100),
            timestamp: U256::from(START),
            ..Default::default()
        };
        let vm = LazVm::builder()
            .coprocessor(Arc::new(NoModels))
            .verifier(Arc::new(QuorumVerifier::new()))
            .verifier(Arc::new(Seal))
            .activation(activation)
            .spec(SpecId::PRAGUE)
            .block(block)
            .build(InMemoryDB::default())
            .unwrap();
        let mut world = Self {
            vm,
            nonces: BTreeMap::new(),
            names: BTreeMap::new(),
            seen: Calls::new(),
            models: Address::ZERO,
            dat: Address::ZERO,
            jobs: Address::ZERO,
            quorum_verifier: Address::ZERO,
            admin: Account::new("admin"),
            alice: Account::new("alice"),
            bob: Account::new("bob"),
            carol: Account::new("carol"),
            mallory: Account::new("mallory"),
        };
        for account in [&world.admin, &world.alice, &world.bob, &world.carol, &world.mallory] {
            world
                .vm
                .db_mut()
                .insert_account_info(account.address, AccountInfo::from_balance(U256::from(FUNDS)));
        }
        if has_quorum_verifier {
            world.quorum_verifier = world.deploy(QUORUM_VERIFIER, &[]);
        }
        let (governance, verifier) = (world.admin.address, world.quorum_verifier);
        let models = LazModels::constructorCall { governance, noticeBlocks: NOTICE_BLOCKS };
        world.models = world.deploy("LazModels", &models.abi_encode());
        let dat = DataAnchoringToken::constructorCall {
            admin: governance,
            collectionUri: "https://lazai.com/token/{id}.json".into(),
            quorumVerifier: verifier,
        };
        world.dat = world.deploy("DataAnchoringToken", &dat.abi_encode());
        let jobs = LazJobs::constructorCall {
            models: world.models,
            dat: world.dat,
            quorumVerifier: verifier,
        };
        world.jobs = world.deploy("LazJobs", &jobs.abi_encode());
        world.names = [
            (world.models, "LazModels"),
            (world.dat, "DataAnchoringToken"),
            (world.jobs, "LazJobs"),
        ]
        .into();
        world
    }

    /// Puts a contract on the chain.
    pub(crate) fn deploy(&mut self, name: &str, arguments: &[u8]) -> Address {
        let artifact = artifact(name);
        let code = hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
        let from = self.admin.address;
        let data = [code.as_slice(), arguments].concat();
        let (outcome, created) = self.transact(from, TxKind::Create, U256::ZERO, data, GAS);
        assert!(outcome.is_success, "deployment: {}", outcome.output);
        created.unwrap()
    }

    /// An account that is a contract, with money.
    pub(crate) fn actor(&mut self) -> Address {
        let actor = self.deploy("../tests/solidity/Actor", &[]);
        let info = self.vm.db().cache.accounts[&actor].info.clone();
        let info = AccountInfo { balance: U256::from(FUNDS), ..info };
        self.vm.db_mut().insert_account_info(actor, info);
        actor
    }

    /// Tells an actor how to react to calls.
    pub(crate) fn react(&mut self, actor: Address, reaction: u8, target: Address, data: Vec<u8>) {
        let from = self.admin.address;
        let set = Actor::setCall { reaction_: reaction, target_: target, data_: data.into() };
        assert!(self.send(from, actor, 0, &set).is_success);
    }

    /// Sends a call in the name of an actor.
    pub(crate) fn act<C: SolCall>(
        &mut self,
        actor: Address,
        to: Address,
        value: u128,
        call: &C,
    ) -> Outcome {
        let (from, data) = (self.admin.address, call.abi_encode().into());
        let mut outcome = self.send(
            from,
            actor,
            0,
            &Actor::runCall { to, value: U256::from(value), data_: data },
        );
        if outcome.is_success {
            outcome.output = Actor::runCall::abi_decode_returns(&outcome.output).unwrap();
        }
        self.note(to, &call.abi_encode(), &outcome);
        outcome
    }

    /// Sends a call as a transaction.
    pub(crate) fn send<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        value: u128,
        call: &C,
    ) -> Outcome {
        self.send_data(from, to, value, call.abi_encode(), GAS)
    }

    /// Puts code and storage of the token at another address, as a genesis does with predeploys.
    pub(crate) fn move_token(&mut self, to: Address) {
        let accounts = &mut self.vm.db_mut().cache.accounts;
        let account = accounts.remove(&self.dat).unwrap();
        accounts.insert(to, account);
        self.names.remove(&self.dat);
        self.names.insert(to, "DataAnchoringToken");
        self.dat = to;
    }

    /// Gives an account this balance.
    pub(crate) fn fund(&mut self, account: Address, wei: U256) {
        self.vm.db_mut().insert_account_info(account, AccountInfo::from_balance(wei));
    }

    /// Sends a call with any value.
    pub(crate) fn send_wei<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        wei: U256,
        call: &C,
    ) -> Outcome {
        let data = call.abi_encode();
        let outcome = self.transact(from, TxKind::Call(to), wei, data.clone(), GAS).0;
        self.note(to, &data, &outcome);
        outcome
    }

    /// Sends bytes as a transaction with so much gas.
    pub(crate) fn send_data(
        &mut self,
        from: Address,
        to: Address,
        value: u128,
        data: Vec<u8>,
        gas: u64,
    ) -> Outcome {
        let outcome = self.transact(from, TxKind::Call(to), U256::from(value), data.clone(), gas).0;
        self.note(to, &data, &outcome);
        outcome
    }

    /// Asks without changing anything.
    #[track_caller]
    pub(crate) fn ask<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        self.try_ask(to, call).returned::<C>()
    }

    pub(crate) fn try_ask<C: SolCall>(&mut self, to: Address, call: &C) -> Outcome {
        self.try_ask_as(Account::new("reader").address, to, call)
    }

    pub(crate) fn try_ask_as<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        call: &C,
    ) -> Outcome {
        let data = call.abi_encode();
        let transaction = TxEnv {
            caller: from,
            kind: TxKind::Call(to),
            data: data.clone().into(),
            gas_limit: GAS,
            ..TxEnv::default()
        };
        let outcome = outcome(self.vm.call(transaction).unwrap().result);
        self.note(to, &data, &outcome);
        outcome
    }

    /// Where a contract under test is.
    pub(crate) fn address(&self, name: &str) -> Address {
        *self.names.iter().find(|(_, other)| **other == name).unwrap().0
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.vm.db().cache.accounts.get(&address).map_or(U256::ZERO, |account| account.info.balance)
    }

    pub(crate) fn time(&self) -> u64 {
        self.vm.block().timestamp.to()
    }

    pub(crate) fn number(&self) -> u64 {
        self.vm.block().number.to()
    }

    /// Moves on by blocks and seconds.
    pub(crate) fn pass(&mut self, blocks: u64, seconds: u64) {
        let mut block = self.vm.block().clone();
        block.number += U256::from(blocks);
        block.timestamp += U256::from(seconds);
        self.vm.set_block(block, None);
    }

    fn transact(
        &mut self,
        caller: Address,
        kind: TxKind,
        value: U256,
        data: Vec<u8>,
        gas_limit: u64,
    ) -> (Outcome, Option<Address>) {
        let nonce = self.nonces.entry(caller).or_default();
        let data = data.into();
        let transaction =
            TxEnv { caller, kind, value, data, gas_limit, nonce: *nonce, ..TxEnv::default() };
        *nonce += 1;
        let result = self.vm.transact_commit(transaction).unwrap().result;
        let created = result.created_address();
        (outcome(result), created)
    }

    fn note(&mut self, to: Address, data: &[u8], outcome: &Outcome) {
        if let (Some(name), Some(selector)) = (self.names.get(&to), data.first_chunk()) {
            let error = outcome.output.first_chunk().copied().unwrap_or_default();
            let ending = (!outcome.is_success).then_some(error);
            self.seen.insert((name, *selector, ending));
        }
    }
}

/// What the compiler made of a contract.
pub(crate) fn artifact(name: &str) -> serde_json::Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/solidity");
    let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn outcome(result: lazvm::revm::context::result::ExecutionResult) -> Outcome {
    Outcome {
        is_success: result.is_success(),
        gas_used: result.tx_gas_used(),
        logs: result.logs().to_vec(),
        output: result.into_output().unwrap_or_default(),
    }
}

/// The EIP-712 hash of a struct hash in the domain of a contract.
pub(crate) fn typed_hash(name: &str, contract: Address, structure: B256) -> B256 {
    let domain = keccak256(
        (
            keccak256(
                "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
            ),
            keccak256(name),
            keccak256("1"),
            U256::ONE,
            contract,
        )
            .abi_encode(),
    );
    keccak256([b"\x19\x01", domain.as_slice(), structure.as_slice()].concat())
}

const QUORUM_VERIFIER: &str = "../../../lazai-consensus/contracts/QuorumVerifier";

/// Reactions of actors.
pub(crate) const ACCEPT: u8 = 0;
pub(crate) const REFUSE: u8 = 1;
pub(crate) const BURN: u8 = 2;
pub(crate) const BOMB: u8 = 3;
pub(crate) const CALL: u8 = 4;

/// The time of the first block.
pub(crate) const START: u64 = 1_800_000_000;
/// What each account begins with.
pub(crate) const FUNDS: u128 = 1_000_000_000_000_000_000_000;
/// Blocks from the decision that a model is required.
pub(crate) const NOTICE_BLOCKS: u64 = 10;
/// Of a transaction, below the cap of EIP-7825.
pub(crate) const GAS: u64 = 16_000_000;

/// The contracts under test.
pub(crate) const NAMES: [&str; 3] = ["LazJobs", "LazModels", "DataAnchoringToken"];
