//! A chain in memory that knows one verifier of proofs, with all contracts on it.
#![allow(dead_code)] // Two test binaries use parts of it.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, TxKind, U256, address, hex};
use lazai_api_types::ProofVerifier;
use lazai_consensus::verifier::QuorumVerifier;
use lazvm::{
    Execution, LazVm, NoModels,
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
    /// A chain that knows the verifier of certificates.
    pub(crate) fn new(fork: SpecId) -> Self {
        Self::with_verifier(fork, Arc::new(QuorumVerifier::new()))
    }

    pub(crate) fn with_verifier(fork: SpecId, verifier: Arc<dyn ProofVerifier>) -> Self {
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
            .verifier(verifier)
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

/// Below the most that a transaction may have (EIP-7825).
const GAS: u64 = 16_000_000;
