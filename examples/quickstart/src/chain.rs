use core::time::Duration;
use std::{sync::Arc, time::Instant};

use alloy_primitives::{Address, B256, U256, address};
use alloy_sol_types::{SolCall, SolConstructor, SolValue, sol};
use lazai_coprocessor::Cpu;
use lazai_precompiles::{Precompile, abi::Price};
use lazvm::{
    Execution, LazVm,
    revm::{
        context::{BlockEnv, TxEnv},
        database::InMemoryDB,
        primitives::{Bytes, TxKind},
        state::{AccountInfo, Bytecode},
    },
};

use crate::{
    error::{Error, output},
    options::Options,
};

sol!(
    #![sol(extra_derives(Debug, PartialEq))]
    Oracle,
    "contracts/Oracle.json"
);

/// A chain in memory, with one rich account and one contract that asks the model.
#[derive(Debug)]
pub(crate) struct Chain {
    vm: LazVm<InMemoryDB>,
    nonce: u64,
    pub(crate) oracle: Address,
    /// Gas that putting the contract there took.
    pub(crate) deployment_gas: u64,
}

/// What the contract was answered, and what it cost.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) returned: Oracle::askReturn,
    pub(crate) execution: Execution,
    /// Time of the transaction by the clock on the wall.
    pub(crate) time: Duration,
}

impl Chain {
    /// Starts the chain over `device` and deploys the contract, which asks `model` in the form of
    /// its training unless `raw`.
    pub(crate) fn start(device: Arc<Cpu>, model: B256, raw: bool) -> Result<Self, Error> {
        let mut db = InMemoryDB::default();
        let ether = U256::from(10_u64.pow(18));
        db.insert_account_info(SENDER, AccountInfo::from_balance(ether));
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
        let vm = LazVm::builder()
            .coprocessor(device)
            .default_model(model.into())
            .tx_gas_limit_cap(BLOCK_GAS)
            .block(block)
            .build(db)?;
        let mut chain = Self { vm, nonce: 0, oracle: SENDER.create(0), deployment_gas: 0 };
        let (opening, closing) = if raw { ("", "") } else { ("Question: ", "\nAnswer:") };
        let constructor = Oracle::constructorCall {
            model_: model,
            opening_: opening.to_owned(),
            closing_: closing.to_owned(),
        };
        let code = [Oracle::BYTECODE.as_ref(), &constructor.abi_encode()].concat();
        let tx = chain.transaction(TxKind::Create, code.into(), BLOCK_GAS);
        let execution = chain.commit(tx)?;
        chain.deployment_gas = execution.gas_used();
        Ok(chain)
    }

    /// What the model's part of [`ask`](Self::ask) costs at most, as the contract learns it; runs
    /// no model.
    pub(crate) fn price(&mut self, options: &Options) -> Result<Price, Error> {
        let call = Oracle::priceOfCall {
            question: options.prompt.clone(),
            maxTokens: options.max_tokens,
            temperatureMilli: options.temperature,
            seed: options.seed,
        };
        let tx = self.transaction(TxKind::Call(self.oracle), call.abi_encode().into(), BLOCK_GAS);
        let outcome = self.vm.transact(tx)?;
        let returned = output(&outcome.execution.result)?;
        // The contract passes the answer of the precompile through.
        Ok(Price::abi_decode_validate(returned)?)
    }

    /// Gas to send along with [`ask`](Self::ask); runs no model.
    pub(crate) fn estimate(&mut self, options: &Options) -> Result<u64, Error> {
        let execution = self.vm.simulate(self.asking(options, BLOCK_GAS))?;
        output(&execution.result)?;
        // A quarter more: a call may pass on 63/64 of its gas at most, and an answer may be longer
        // than expected.
        Ok((execution.gas_used() / 4 * 5).min(BLOCK_GAS))
    }

    /// Asks the model by a transaction, and keeps what it changed.
    pub(crate) fn ask(&mut self, options: &Options, gas_limit: u64) -> Result<Answer, Error> {
        let tx = self.asking(options, gas_limit);
        let start = Instant::now();
        let execution = self.commit(tx)?;
        let time = start.elapsed();
        let returned = Oracle::askCall::abi_decode_returns_validate(output(&execution.result)?)?;
        Ok(Answer { returned, execution, time })
    }

    /// The answer as the contract stored it.
    pub(crate) fn stored(&mut self, id: U256) -> Result<String, Error> {
        let call = Oracle::answersCall { id }.abi_encode();
        let tx = self.transaction(TxKind::Call(self.oracle), call.into(), BLOCK_GAS);
        let outcome = self.vm.transact(tx)?;
        Ok(Oracle::answersCall::abi_decode_returns_validate(output(&outcome.execution.result)?)?)
    }

    fn asking(&self, options: &Options, gas_limit: u64) -> TxEnv {
        let call = Oracle::askCall {
            question: options.prompt.clone(),
            maxTokens: options.max_tokens,
            temperatureMilli: options.temperature,
            seed: options.seed,
        };
        self.transaction(TxKind::Call(self.oracle), call.abi_encode().into(), gas_limit)
    }

    fn transaction(&self, kind: TxKind, data: Bytes, gas_limit: u64) -> TxEnv {
        TxEnv {
            caller: SENDER,
            kind,
            data,
            gas_limit,
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
pub(crate) const BLOCK_GAS: u64 = 36_000_000;

/// P: the base fee of every resource, one gwei.
const BASE_FEE_WEI: u64 = 1_000_000_000;

const SENDER: Address = address!("00000000000000000000000000000000000a11ce");

#[cfg(test)]
mod tests {
    use clap::Parser;
    use lazai_coprocessor::{
        artifact::{Artifact, ArtifactBytes},
        kernel::{Backend, Threads},
        model::{Model, synthetic},
        program::LlamaShape,
    };

    use super::*;

    fn chain(backend: Backend, threads: usize) -> Chain {
        let shape = LlamaShape {
            vocabulary: 300,
            hidden: 64,
            intermediate: 128,
            heads: 2,
            kv_heads: 1,
            head_dim: 32,
            tied: true,
        };
        let artifact = synthetic(&shape, 2, 128, 1).unwrap().to_bytes().unwrap();
        let artifact = Artifact::new(ArtifactBytes::Owned(artifact)).unwrap();
        let threads = Threads::new(threads).unwrap();
        let model = Model::load_untrusted(artifact, &threads).unwrap();
        let id = model.id();
        let device = Cpu::builder().backend(backend).threads(threads).model(model).build().unwrap();
        Chain::start(Arc::new(device), id.0, false).unwrap()
    }

    fn options(arguments: &[&str]) -> Options {
        Options::parse_from(["quickstart"].iter().chain(arguments))
    }

    fn ask(chain: &mut Chain, options: &Options) -> Answer {
        let gas_limit = chain.estimate(options).unwrap();
        chain.ask(options, gas_limit).unwrap()
    }

    #[test]
    fn every_back_end_and_thread_count_gives_the_same_bytes() {
        let options = options(&["--max-tokens=24", "--temperature=1.5", "--seed=7"]);
        let first = ask(&mut chain(Backend::Scalar, 1), &options);
        for backend in Backend::available() {
            for threads in [1, 2, 3] {
                let other = ask(&mut chain(backend, threads), &options);
                assert_eq!(other.returned, first.returned, "{backend}, {threads} threads");
                assert_eq!(other.execution, first.execution, "{backend}, {threads} threads");
            }
        }
    }

    #[test]
    fn the_price_is_what_is_paid_when_all_tokens_are_used() {
        let mut chain = chain(Backend::detect(), 1);
        let options = options(&["--max-tokens=16"]);
        let price = chain.price(&options).unwrap();
        let Answer { returned, execution, .. } = ask(&mut chain, &options);
        assert_eq!(returned.tokens.len(), 16, "the sample must use all its tokens");
        assert_eq!(
            (price.gasAI, price.gasInference),
            (execution.gas_ai(), execution.gas_inference())
        );
        assert_eq!(price.flops, execution.meter.work.flops);
        assert_eq!(price.feeWei, price.priceWei * U256::from(price.gasAI + price.gasInference));
        assert_eq!(price.priceWei, U256::from(BASE_FEE_WEI));
    }

    #[test]
    fn answers_are_numbered_and_stored() {
        let mut chain = chain(Backend::detect(), 1);
        for (id, seed) in ["--seed=1", "--seed=2"].into_iter().enumerate() {
            let options = options(&["--max-tokens=8", "--temperature=2", seed]);
            let answer = ask(&mut chain, &options).returned;
            assert_eq!(answer.id, U256::from(id));
            assert_eq!(chain.stored(answer.id).unwrap(), answer.answer);
        }
        assert_ne!(chain.stored(U256::ZERO).unwrap(), chain.stored(U256::from(1)).unwrap());
    }

    #[test]
    fn refusals_are_told_in_words() {
        let mut chain = chain(Backend::detect(), 1);
        let long = "a".repeat(200);
        for (argument, expected) in [
            (
                "--max-tokens=4000000000",
                "--max-tokens is 4000000000, but the model's context leaves room",
            ),
            (&format!("--prompt={long}"), "but the model's context 128"),
            (&format!("--prompt={}", long.repeat(400)), "above the limit 65536"),
        ] {
            let message = chain.price(&options(&[argument])).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
