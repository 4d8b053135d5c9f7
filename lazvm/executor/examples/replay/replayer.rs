use core::error::Error;
use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use lazai_api_types::{
    ModelId,
    chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor},
};
use lazai_precompiles::{Precompile, address::RAW_PROMPT};
use lazai_simplex::IdentitySecret;
use lazai_simulation::{Case, ClusterError, Report, Scenario};
use lazvm_executor::{
    Devices, Genesis, GenesisAccount, GenesisError, LazVmExecutor, TransactionRequest, Wallet,
    WalletError,
};

use crate::storyteller::storyteller;

/// Runs seeds of the simulated chain on LazVM, each twice.
///
/// A seed determines the faults of [`Scenario::Chain`]: lost and late messages, partitions,
/// crashes, power cuts and disks that refuse writes. Users send transfers and questions to the
/// model all the while. The two runs of a seed have devices with one thread and with two.
#[derive(Clone, Debug)]
pub(crate) struct Replayer {
    model: ModelId,
    devices: [Devices; 2],
    wallets: Vec<Wallet>,
    sizes: Vec<u16>,
}

/// The two runs of a seed.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// Seed, scenario and number of validators.
    pub(crate) case: Case,
    /// The run with one thread.
    pub(crate) first: Run,
    /// The run with two threads.
    pub(crate) second: Run,
}

/// The outcome of one run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Run {
    /// Report of the simulator.
    pub(crate) report: Report,
    /// Digests of the blocks that all validators have committed.
    pub(crate) chain: Vec<B256>,
    /// Validators that have committed other blocks than the first one.
    pub(crate) apart: Vec<usize>,
    /// Transactions in these blocks.
    pub(crate) transactions: usize,
    /// Transactions in which the model answered.
    pub(crate) answers: usize,
}

impl Replay {
    /// Returns whether both runs have the same outcome.
    #[must_use]
    pub(crate) fn is_equal(&self) -> bool {
        self.first == self.second
    }

    /// Returns whether the runs are equal, without violations, on one chain, and with answers of
    /// the model in it.
    #[must_use]
    pub(crate) fn is_clean(&self) -> bool {
        let Run { report, apart, answers, .. } = &self.first;
        self.is_equal() && report.violations.is_empty() && apart.is_empty() && *answers > 0
    }
}

impl Replayer {
    /// Loads the shipped model. The seeds take the numbers of validators `sizes` in turn.
    pub(crate) fn new(sizes: &[u16]) -> Result<Self, Box<dyn Error>> {
        let ((one, model), (two, _)) = (storyteller(1)?, storyteller(2)?);
        let wallets = USERS.map(|user| Wallet::named(user, CHAIN_ID));
        Ok(Self {
            model,
            devices: [Devices::new(one), Devices::new(two)],
            wallets: wallets.into_iter().collect::<Result<_, _>>()?,
            sizes: sizes.to_vec(),
        })
    }

    /// Runs a seed twice. An error means that it could not be run; what validators do wrong is in
    /// the result.
    pub(crate) fn replay(&self, seed: u64) -> Result<Replay, Box<dyn Error>> {
        let case = Case::of(seed, Some(Scenario::Chain), &self.sizes);
        let [one, two] = &self.devices;
        Ok(Replay { case, first: self.run(case, one)?, second: self.run(case, two)? })
    }

    /// Returns the genesis block of the example `quorum`, so that a seed means one run of both: its
    /// users and the operators of its seats are rich, and seats stand in the order of their
    /// identities.
    fn genesis(&self, seats: u16) -> Result<Genesis, WalletError> {
        let ether = U256::from(10_u64.pow(18)) * U256::from(1_000);
        let mut operators = BTreeMap::new();
        for index in 0..seats {
            let secret = keccak256(format!("lazvm/example-seat/1/identity/{index}")).0;
            let operator = Wallet::named(&format!("validator {index}"), CHAIN_ID)?.address();
            operators.insert(IdentitySecret(secret).public_key(), operator);
        }
        let beneficiaries: Vec<Address> = operators.into_values().collect();
        let users = self.wallets.iter().map(Wallet::address);
        let publisher = Wallet::named("publisher", CHAIN_ID)?.address();
        let rich = users.chain([publisher]).chain(beneficiaries.iter().copied());
        let rich = rich.map(|address| (address, GenesisAccount::rich(ether)));
        let precompiles = Precompile::genesis_accounts()
            .map(|(address, code)| (address, GenesisAccount { code, ..GenesisAccount::default() }));
        Ok(Genesis {
            chain_id: CHAIN_ID,
            gas_limit: 10_000_000,
            base_fee: 1_000_000_000,
            model: self.model,
            prompt_max_tokens: 16,
            ai_from: 0,
            prices: Default::default(),
            models: Default::default(),
            proof_systems: Default::default(),
            accounts: rich.chain(precompiles).collect(),
            beneficiaries,
        })
    }

    fn run(&self, case: Case, devices: &Devices) -> Result<Run, Box<dyn Error>> {
        let Case { scenario, nodes, seed } = case;
        let genesis = self.genesis(nodes)?;
        let loaded = |_| {
            let executor = LazVmExecutor::in_memory(genesis.clone(), devices.clone())?;
            Ok(Arc::new(LoadedExecutor { executor, wallets: self.wallets.clone(), seed }))
        };
        let validators: Result<Vec<Arc<LoadedExecutor>>, GenesisError> =
            (0..nodes).map(loaded).collect();
        let validators = validators?;
        let Some(first) = validators.first().cloned() else {
            return Err(ClusterError::Nodes { max: 64, got: 0 }.into());
        };
        let (others, spare) = (validators.clone(), Arc::clone(&first));
        let executor = move |node: u16| -> Arc<dyn BlockExecutor> {
            Arc::clone(others.get(usize::from(node)).unwrap_or(&spare)) as _
        };
        let report = scenario.cluster(nodes, seed).executors(executor).run()?;
        let heights = validators.iter().map(|validator| validator.executor.status());
        let heights =
            heights.map(|status| Ok(status?.height)).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        let common = heights.into_iter().min().unwrap_or_default();
        let chain = first.chain(common)?;
        let mut apart = Vec::new();
        for (index, validator) in validators.iter().enumerate() {
            if validator.chain(common)? != chain {
                apart.push(index);
            }
        }
        let (transactions, answers) = first.answered(common)?;
        Ok(Run { report, chain, apart, transactions, answers })
    }
}

/// An executor whose users send transactions whenever its node may propose a block.
#[derive(Debug)]
struct LoadedExecutor {
    executor: LazVmExecutor,
    wallets: Vec<Wallet>,
    seed: u64,
}

impl LoadedExecutor {
    /// Returns the transaction of a user with this nonce, which is the same at every node.
    fn transaction(&self, user: usize, nonce: u64) -> Result<Bytes, BlockExecutionError> {
        let wallet = self.wallets.get(user).ok_or_else(|| fault("there is no such user"))?;
        let request = if (nonce + user as u64).is_multiple_of(QUESTION_EVERY) {
            let question = format!("Once in {} {user} and {nonce}", self.seed);
            TransactionRequest::call(RAW_PROMPT, question.into_bytes()).gas(2_000_000)
        } else {
            TransactionRequest::transfer(Address::repeat_byte(7), U256::from(nonce + 1))
        };
        wallet.sign(nonce, request).map_err(|error| fault(&error.to_string()))
    }

    /// Submits the next two transactions of each user: one may be in an open block already.
    fn send(&self) -> Result<(), BlockExecutionError> {
        for (user, wallet) in self.wallets.iter().enumerate() {
            let next = self.executor.nonce(&wallet.address())?;
            for nonce in next..next + 2 {
                let transaction = self.transaction(user, nonce)?;
                self.executor.submit(&transaction).map_err(|error| fault(&error.to_string()))?;
            }
        }
        Ok(())
    }

    fn chain(&self, height: u64) -> Result<Vec<B256>, BlockExecutionError> {
        (1..=height).filter_map(|height| self.executor.digest(height).transpose()).collect()
    }

    /// Counts the transactions of the blocks up to `height`, and those in which the model answered.
    fn answered(&self, height: u64) -> Result<(usize, usize), BlockExecutionError> {
        let (mut transactions, mut answers) = (0, 0);
        for (user, wallet) in self.wallets.iter().enumerate() {
            for nonce in 0..self.executor.nonce(&wallet.address())? {
                let name = keccak256(self.transaction(user, nonce)?);
                let receipt = self.executor.receipt(&name)?;
                let Some(receipt) = receipt.filter(|receipt| receipt.height <= height) else {
                    continue;
                };
                let answered =
                    receipt.success && receipt.ai_calls > 0 && !receipt.output.is_empty();
                transactions += 1;
                answers += usize::from(answered);
            }
        }
        Ok((transactions, answers))
    }
}

impl BlockExecutor for LoadedExecutor {
    fn genesis_state_root(&self) -> B256 {
        self.executor.genesis_state_root()
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        self.send()?;
        self.executor.build(pending, context, max_bytes)
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        self.executor.validate(pending, context, payload)
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        self.executor.commit(block)
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        self.executor.committed()
    }
}

fn fault(reason: &str) -> BlockExecutionError {
    BlockExecutionError::Fault { reason: reason.to_owned() }
}

/// Names of the users. Each has the funds for thousands of transactions.
const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// One of so many transactions of a user is a question to the model.
const QUESTION_EVERY: u64 = 12;
const CHAIN_ID: u64 = 1_337;
