//! A chain in memory that knows both verifiers, with both contracts on it.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex};
use lazai_api_types::{Coprocessor, Job, Outcome, PortError, Quote, Rejection};
use lazai_consensus::{
    availability::{Coding, DatasetCommitment, LEAF_BYTES, Opening},
    merkle,
    verifier::{DaOpeningVerify, QcVerify},
};
use lazvm::{
    Execution, LazVm,
    revm::{
        bytecode::Bytecode, context::TxEnv, database::InMemoryDB, primitives::hardfork::SpecId,
        state::AccountInfo,
    },
};

pub(crate) const QUORUM_VERIFIER: Address = address!("00000000000000000000000000000000000c0de1");
pub(crate) const DATA_OPENING_VERIFIER: Address =
    address!("00000000000000000000000000000000000c0de2");
pub(crate) const DOUBLE_VOTE_VERIFIER: Address =
    address!("00000000000000000000000000000000000c0de3");
const SENDER: Address = address!("00000000000000000000000000000000000a11ce");

/// The two forks of Ethereum that have EIP-2537, with different prices of `modexp`.
pub(crate) const FORKS: [SpecId; 2] = [SpecId::PRAGUE, SpecId::OSAKA];

#[derive(Debug)]
pub(crate) struct Chain {
    vm: LazVm<InMemoryDB>,
    nonce: u64,
}

impl Chain {
    pub(crate) fn new(fork: SpecId) -> Self {
        let mut db = InMemoryDB::default();
        db.insert_account_info(SENDER, AccountInfo::from_balance(U256::MAX >> 1));
        let contracts = [
            (QUORUM_VERIFIER, include_str!("../../../contracts/QuorumVerifier.json")),
            (DATA_OPENING_VERIFIER, include_str!("../../../contracts/DataOpeningVerifier.json")),
            (DOUBLE_VOTE_VERIFIER, include_str!("../../../contracts/DoubleVoteVerifier.json")),
        ];
        for (address, artifact) in contracts {
            let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
            let code = hex::decode(artifact["deployedBytecode"].as_str().unwrap()).unwrap();
            let code = Bytecode::new_raw(code.into());
            db.insert_account_info(address, AccountInfo::default().with_code(code));
        }
        let vm = LazVm::builder()
            .coprocessor(Arc::new(NoModels))
            .verifier(Arc::new(QcVerify::new()))
            .verifier(Arc::new(DaOpeningVerify))
            .spec(fork)
            .build(db)
            .unwrap();
        Self { vm, nonce: 0 }
    }

    /// Sends a transaction and keeps what it does.
    #[track_caller]
    pub(crate) fn send(&mut self, to: Address, data: impl Into<Bytes>) -> Execution {
        let execution = self.vm.transact_commit(self.transaction(to, data, GAS)).unwrap();
        self.nonce += 1;
        execution
    }

    /// What a transaction would do.
    #[track_caller]
    pub(crate) fn ask(&mut self, to: Address, data: impl Into<Bytes>) -> Execution {
        self.ask_with(to, data, GAS)
    }

    /// What a transaction with so much gas would do.
    #[track_caller]
    pub(crate) fn ask_with(&mut self, to: Address, data: impl Into<Bytes>, gas: u64) -> Execution {
        let transaction = self.transaction(to, data, gas);
        self.vm.transact(transaction).unwrap().execution
    }

    fn transaction(&self, to: Address, data: impl Into<Bytes>, gas_limit: u64) -> TxEnv {
        let (kind, data, nonce) = (TxKind::Call(to), data.into(), self.nonce);
        TxEnv { caller: SENDER, kind, data, gas_limit, nonce, ..TxEnv::default() }
    }
}

/// The first word of what a call returned.
#[track_caller]
pub(crate) fn word(execution: &Execution) -> u64 {
    assert!(execution.result.is_success(), "{:?}", execution.result);
    let output = execution.result.output().unwrap();
    U256::from_be_slice(&output[..32]).to()
}

/// What a call of these bytes costs before anything runs (EIP-2028).
pub(crate) fn intrinsic(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    21_000 + 4 * zeros + 16 * (data.len() as u64 - zeros)
}

/// The chain runs no models itself.
#[derive(Debug)]
struct NoModels;

impl Coprocessor for NoModels {
    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        Err(Rejection::UnknownModel { model: job.model }.into())
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        Err(Rejection::UnknownModel { model: job.model }.into())
    }
}

/// A data set without any code: what `leaf` says stands at each place.
pub(crate) struct Leaves {
    pub(crate) commitment: DatasetCommitment,
    /// By stripe and shard, the hashes of leaves.
    shards: Vec<Vec<Vec<B256>>>,
}

fn leaf(stripe: u32, shard: u16, leaf: u32) -> [u8; LEAF_BYTES] {
    let mut bytes = [7; LEAF_BYTES];
    bytes[..4].copy_from_slice(&stripe.to_be_bytes());
    bytes[500..502].copy_from_slice(&shard.to_be_bytes());
    bytes[1_020..].copy_from_slice(&leaf.to_be_bytes());
    bytes
}

impl Leaves {
    pub(crate) fn new(bytes: u64, n: u16, stripe_bytes: u32) -> Self {
        let coding = Coding::with_stripe_bytes(n, stripe_bytes).unwrap();
        let shape = DatasetCommitment::new(bytes, coding, B256::ZERO).unwrap();
        let shard = |stripe, shard| -> Vec<_> {
            let leaves = 0..shape.leaves(stripe);
            leaves.map(|index| merkle::leaf(&leaf(stripe, shard, index))).collect()
        };
        let shards: Vec<Vec<_>> = (0..shape.stripes())
            .map(|stripe| (0..n).map(|index| shard(stripe, index)).collect())
            .collect();
        let root = merkle::root(&stripe_leaves(&shards));
        Self { commitment: DatasetCommitment::new(bytes, coding, root).unwrap(), shards }
    }

    pub(crate) fn opening(&self, stripe: u32, shard: u16, index: u32) -> Opening {
        let shards = &self.shards[stripe as usize];
        let mut path = merkle::path(&shards[usize::from(shard)], index as usize).unwrap();
        path.extend(merkle::path(&shard_leaves(shards), shard.into()).unwrap());
        path.extend(merkle::path(&stripe_leaves(&self.shards), stripe as usize).unwrap());
        Opening { stripe, shard, leaf: index, bytes: Box::new(leaf(stripe, shard, index)), path }
    }
}

fn shard_leaves(shards: &[Vec<B256>]) -> Vec<B256> {
    shards.iter().map(|leaves| merkle::leaf(merkle::root(leaves).as_slice())).collect()
}

fn stripe_leaves(stripes: &[Vec<Vec<B256>>]) -> Vec<B256> {
    let root = |shards: &Vec<Vec<B256>>| merkle::root(&shard_leaves(shards));
    stripes.iter().map(|shards| merkle::leaf(root(shards).as_slice())).collect()
}

/// Below the most that a transaction may have (EIP-7825).
const GAS: u64 = 16_000_000;
