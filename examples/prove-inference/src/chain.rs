use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, address};
use alloy_sol_types::{SolCall, SolValue};
use lazai_api_types::{InferenceStatement, ProofSystemId, key_hash};
use lazai_coprocessor::Cpu;
use lazai_halo2::Halo2Verifier;
use lazai_precompiles::{
    Precompile,
    abi::{self, ILazProofVerifier as sol},
    address::PROOF_VERIFIER,
};
use lazvm::{
    Execution, LazVm,
    revm::{
        context::{BlockEnv, TxEnv},
        database::InMemoryDB,
        primitives::{Bytes, TxKind},
        state::{AccountInfo, Bytecode},
    },
};

use crate::error::Error;

/// A chain in memory whose precompile checks halo2 proofs.
#[derive(Debug)]
pub(crate) struct Chain {
    vm: LazVm<InMemoryDB>,
    nonce: u64,
    key_hash: B256,
    /// Gas that registering the key took.
    pub(crate) registration_gas: u64,
}

/// What the precompile said, and what it cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) valid: bool,
    pub(crate) gas: u64,
}

impl Chain {
    /// Starts the chain and registers `key`.
    pub(crate) fn start(key: &[u8], verifier: Halo2Verifier) -> Result<Self, Error> {
        let mut db = InMemoryDB::default();
        let ether = U256::from(10_u64.pow(18));
        db.insert_account_info(SENDER, AccountInfo::from_balance(ether));
        for (address, code) in Precompile::genesis_accounts() {
            let account = AccountInfo::default().with_code(Bytecode::new_raw(code));
            db.insert_account_info(address, account.with_nonce(1));
        }
        let vm = LazVm::builder()
            .coprocessor(Arc::new(Cpu::builder().build()?))
            .verifier(Arc::new(verifier))
            .tx_gas_limit_cap(BLOCK_GAS)
            .block(BlockEnv { gas_limit: BLOCK_GAS, basefee: 0, ..BlockEnv::default() })
            .build(db)?;
        let key_hash = key_hash(ProofSystemId::HALO2, key);
        let mut chain = Self { vm, nonce: 0, key_hash, registration_gas: 0 };
        let system = ProofSystemId::HALO2.0;
        let call = sol::registerCall { system, verifyingKey: Bytes::copy_from_slice(key) };
        let execution = chain.commit(TxKind::Call(PROOF_VERIFIER), call.abi_encode(), BLOCK_GAS)?;
        chain.registration_gas = execution.gas_used();
        Ok(chain)
    }

    /// Asks the precompile whether `proof` shows `statement`.
    pub(crate) fn verify(
        &mut self,
        statement: &InferenceStatement,
        proof: &[u8],
    ) -> Result<Verdict, Error> {
        let InferenceStatement { model, input, output, work, context } = *statement;
        let call = sol::verifyCall {
            system: ProofSystemId::HALO2.0,
            keyHash: self.key_hash,
            statement: abi::Statement {
                model: model.0,
                input,
                output,
                flops: work.flops,
                peakBytes: work.peak_bytes,
                context,
            },
            proof: Bytes::copy_from_slice(proof),
        };
        let execution = self.commit(TxKind::Call(PROOF_VERIFIER), call.abi_encode(), BLOCK_GAS)?;
        let output = execution.result.output().cloned().unwrap_or_default();
        let valid = sol::verifyCall::abi_decode_returns_validate(&output)?;
        Ok(Verdict { valid, gas: execution.gas_used() })
    }

    /// Puts a contract on the chain; gives its address, and the gas that it took.
    pub(crate) fn deploy(&mut self, code: &Bytes) -> Result<(Address, u64), Error> {
        let address = SENDER.create(self.nonce);
        let execution = self.commit(TxKind::Create, code.to_vec(), BLOCK_GAS)?;
        Ok((address, execution.gas_used()))
    }

    /// Calls a Solidity verifier.
    pub(crate) fn ask(&mut self, contract: Address, call: Vec<u8>) -> Result<Verdict, Error> {
        self.ask_with(contract, call, BLOCK_GAS)
    }

    /// The same, with so much gas.
    pub(crate) fn ask_with(
        &mut self,
        contract: Address,
        call: Vec<u8>,
        gas_limit: u64,
    ) -> Result<Verdict, Error> {
        let execution = self.commit(TxKind::Call(contract), call, gas_limit)?;
        let output = execution.result.output().cloned().unwrap_or_default();
        let valid = bool::abi_decode_validate(&output)?;
        Ok(Verdict { valid, gas: execution.gas_used() })
    }

    fn commit(&mut self, kind: TxKind, data: Vec<u8>, gas_limit: u64) -> Result<Execution, Error> {
        let tx = TxEnv {
            caller: SENDER,
            kind,
            data: data.into(),
            gas_limit,
            gas_price: 0,
            nonce: self.nonce,
            ..TxEnv::default()
        };
        let execution = self.vm.transact_commit(tx)?;
        self.nonce += 1;
        if !execution.result.is_success() {
            return Err(Error::Transaction(format!("{:?}", execution.result)));
        }
        Ok(execution)
    }
}

const BLOCK_GAS: u64 = 36_000_000;
const SENDER: Address = address!("00000000000000000000000000000000000a11ce");
