use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use alloy_sol_types::SolCall;
use lazai_api_types::{InferenceStatement, ProofSystemId, ProofVerifier, key_hash};
use lazai_precompiles::Precompile;
use lazvm::{
    Execution, LazVm, NoModels,
    revm::{
        context::{BlockEnv, TxEnv},
        database::InMemoryDB,
        state::{AccountInfo, Bytecode},
    },
};

use crate::{
    abi::Results,
    error::{Error, output},
};

/// A chain in memory, with one rich account and one contract that keeps proved results.
#[derive(Debug)]
pub(crate) struct Chain {
    vm: LazVm<InMemoryDB>,
    nonce: u64,
    pub(crate) contract: Address,
    /// Gas that putting the contract there took.
    pub(crate) deployment_gas: u64,
}

impl Chain {
    /// Starts a chain that can check the proofs of `verifiers`, and deploys the contract.
    pub(crate) fn start(verifiers: Vec<Arc<dyn ProofVerifier>>) -> Result<Self, Error> {
        let mut db = InMemoryDB::default();
        let ether = U256::from(10_u64.pow(18));
        db.insert_account_info(SENDER, AccountInfo::from_balance(U256::from(1_000) * ether));
        for (address, code) in Precompile::genesis_accounts() {
            let account = AccountInfo::default().with_code(Bytecode::new_raw(code));
            db.insert_account_info(address, account.with_nonce(1));
        }
        let block = BlockEnv {
            number: U256::from(1),
            gas_limit: BLOCK_GAS,
            basefee: BASE_FEE_WEI,
            ..BlockEnv::default()
        };
        // What the chain keeps was computed elsewhere.
        let builder = LazVm::builder().coprocessor(Arc::new(NoModels)).block(block);
        let builder = builder.tx_gas_limit_cap(BLOCK_GAS);
        let vm = verifiers.into_iter().fold(builder, lazvm::LazVmBuilder::verifier).build(db)?;
        let mut chain = Self { vm, nonce: 0, contract: SENDER.create(0), deployment_gas: 0 };
        let tx = chain.transaction(TxKind::Create, Results::BYTECODE.clone());
        chain.deployment_gas = chain.commit(tx)?.gas_used();
        Ok(chain)
    }

    /// Makes the contract use another proof system.
    pub(crate) fn choose(&mut self, system: ProofSystemId, key: &[u8]) -> Result<Execution, Error> {
        let verifying_key = Bytes::copy_from_slice(key);
        self.send(&Results::chooseCall { newSystem: system.0, verifyingKey: verifying_key })
    }

    /// Sends a proved statement to the contract, which keeps it or reverts.
    pub(crate) fn submit(
        &mut self,
        statement: &InferenceStatement,
        proof: &[u8],
    ) -> Result<Execution, Error> {
        let InferenceStatement { model, input, output, work, context } = *statement;
        let statement = Results::Statement {
            model: model.0,
            input,
            output,
            flops: work.flops,
            peakBytes: work.peak_bytes,
            context,
        };
        self.send(&Results::submitCall { statement, proof: Bytes::copy_from_slice(proof) })
    }

    /// Sends proved public values of a zkVM's program to the contract, which keeps their hash or
    /// reverts.
    #[cfg(test)]
    pub(crate) fn submit_values(
        &mut self,
        values: &[u8],
        proof: &[u8],
    ) -> Result<Execution, Error> {
        let [values, proof] = [values, proof].map(Bytes::copy_from_slice);
        self.send(&Results::submitValuesCall { values, proof })
    }

    /// What proofs for the contract are bound to.
    pub(crate) fn context(&mut self) -> Result<B256, Error> {
        self.ask(&Results::contextCall {})
    }

    /// Gas of checking a proof of so many bytes, as the contract learns it.
    pub(crate) fn price(&mut self, values_bytes: u64, proof_bytes: u64) -> Result<u64, Error> {
        let call = Results::priceOfCall { valuesBytes: values_bytes, proofBytes: proof_bytes };
        Ok(self.ask(&call)?.saturating_to())
    }

    /// The output that the contract keeps for `input`, proved under this key.
    pub(crate) fn output(
        &mut self,
        system: ProofSystemId,
        key: &[u8],
        input: B256,
    ) -> Result<B256, Error> {
        self.ask(&Results::outputsCall { keyHash: key_hash(system, key), input })
    }

    fn ask<C: SolCall>(&mut self, call: &C) -> Result<C::Return, Error> {
        let tx = self.transaction(TxKind::Call(self.contract), call.abi_encode().into());
        let outcome = self.vm.transact(tx)?;
        Ok(C::abi_decode_returns_validate(output(&outcome.execution.result)?)?)
    }

    fn send(&mut self, call: &impl SolCall) -> Result<Execution, Error> {
        let tx = self.transaction(TxKind::Call(self.contract), call.abi_encode().into());
        self.commit(tx)
    }

    fn transaction(&self, kind: TxKind, data: Bytes) -> TxEnv {
        TxEnv {
            caller: SENDER,
            kind,
            data,
            gas_limit: BLOCK_GAS,
            gas_price: BASE_FEE_WEI.into(),
            nonce: self.nonce,
            ..TxEnv::default()
        }
    }

    fn commit(&mut self, tx: TxEnv) -> Result<Execution, Error> {
        let execution = self.vm.transact_commit(tx)?;
        self.nonce += 1;
        output(&execution.result)?;
        Ok(execution)
    }
}

/// Gas of the block, which one transaction may use up.
const BLOCK_GAS: u64 = 36_000_000;

/// P: the base fee of every resource, one gwei.
const BASE_FEE_WEI: u64 = 1_000_000_000;

const SENDER: Address = address!("00000000000000000000000000000000000a11ce");
