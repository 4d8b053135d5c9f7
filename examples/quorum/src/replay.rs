//! LazVM under the simulated chain, each seed twice.
//!
//! A seed draws the faults of [`Scenario::Chain`]: lost and late messages, splits, crashes, power cuts, disks that refuse. Users
//! send transfers and questions to the model all the while. The two runs of a seed have devices with one thread and with two.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use lazai_api_types::{
    ModelId,
    chain::{Block, BlockBody, BlockContext, BlockExecutor, ExecutionError},
};
use lazai_consensus::simulation::{Case, ClusterError, Report, Scenario};
use lazvm_executor::{Devices, LazVmExecutor, Order, Wallet, WalletError};

use crate::{
    device::{DeviceError, storyteller},
    node::{CHAIN_ID, ChainSetupError, RAW_PROMPT, genesis},
};

/// Runs seeds of the simulated chain on LazVM.
#[derive(Clone, Debug)]
pub struct Replayer {
    model: ModelId,
    devices: [Devices; 2],
    wallets: Vec<Wallet>,
    sizes: Vec<u16>,
}

/// What the two runs of a seed did.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What was run.
    pub case: Case,
    /// The run with one thread.
    pub first: Run,
    /// The run with two threads.
    pub second: Run,
}

/// What one run did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run {
    /// What the simulator says of it.
    pub report: Report,
    /// The digests of the blocks that all validators have committed, and with them states and receipts.
    pub chain: Vec<B256>,
    /// Validators that have committed another block than the first one.
    pub apart: Vec<usize>,
    /// Transactions of these blocks.
    pub transactions: usize,
    /// Those of them in which the model answered.
    pub answers: usize,
}

impl Replay {
    /// Whether the runs are equal in everything that [`Run`] holds.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.first == self.second
    }

    /// Whether the runs are equal, nothing speaks against them, all validators have one chain, and a model answered in it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let Run { report, apart, answers, .. } = &self.first;
        self.is_equal() && report.violations.is_empty() && apart.is_empty() && *answers > 0
    }
}

impl Replayer {
    /// Loads the shipped model. The seeds take the numbers of validators in turn.
    ///
    /// # Errors
    /// [`ReplayError::Device`] if the processor cannot run it.
    pub fn new(sizes: &[u16]) -> Result<Self, ReplayError> {
        let ((one, model), (two, _)) = (storyteller(1)?, storyteller(2)?);
        let wallets = USERS.map(|user| Wallet::named(user, CHAIN_ID));
        Ok(Self {
            model,
            devices: [Devices::new(one), Devices::new(two)],
            wallets: wallets.into_iter().collect::<Result<_, _>>()?,
            sizes: sizes.to_vec(),
        })
    }

    /// Runs a seed twice.
    ///
    /// # Errors
    /// [`ReplayError`] if it cannot be run; what the validators do wrong is in the answer.
    pub fn replay(&self, seed: u64) -> Result<Replay, ReplayError> {
        let case = Case::of(seed, Some(Scenario::Chain), &self.sizes);
        let [one, two] = &self.devices;
        Ok(Replay { case, first: self.run(case, one)?, second: self.run(case, two)? })
    }

    fn run(&self, case: Case, devices: &Devices) -> Result<Run, ReplayError> {
        let Case { scenario, nodes, seed } = case;
        let genesis = genesis(self.model, usize::from(nodes))?;
        let busy = |_| {
            let executor = LazVmExecutor::in_memory(genesis.clone(), devices.clone());
            Arc::new(Busy { executor, wallets: self.wallets.clone(), seed })
        };
        let validators: Vec<Arc<Busy>> = (0..nodes).map(busy).collect();
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
            heights.map(|status| Ok(status?.height)).collect::<Result<Vec<_>, ReplayError>>()?;
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

/// An executor whose users send something whenever its node may propose a block.
#[derive(Debug)]
struct Busy {
    executor: LazVmExecutor,
    wallets: Vec<Wallet>,
    seed: u64,
}

impl Busy {
    /// The transaction with this nonce, which is the same at every node.
    fn transaction(&self, user: usize, nonce: u64) -> Result<Bytes, ExecutionError> {
        let wallet = self.wallets.get(user).ok_or_else(|| fault("there is no such user"))?;
        let order = if (nonce + user as u64).is_multiple_of(QUESTION_EVERY) {
            let question = format!("Once in {} {user} and {nonce}", self.seed);
            Order::call(RAW_PROMPT, question.into_bytes()).gas(2_000_000)
        } else {
            Order::transfer(Address::repeat_byte(7), U256::from(nonce + 1))
        };
        wallet.sign(nonce, order).map_err(|error| fault(&error.to_string()))
    }

    /// Sends what comes next of each user, twice over: one block may be open already.
    fn send(&self) -> Result<(), ExecutionError> {
        for (user, wallet) in self.wallets.iter().enumerate() {
            let next = self.executor.nonce(&wallet.address())?;
            for nonce in next..next + 2 {
                let transaction = self.transaction(user, nonce)?;
                self.executor.submit(&transaction).map_err(|error| fault(&error.to_string()))?;
            }
        }
        Ok(())
    }

    fn chain(&self, height: u64) -> Result<Vec<B256>, ExecutionError> {
        (1..=height).filter_map(|height| self.executor.digest(height).transpose()).collect()
    }

    /// The transactions of the blocks up to `height`, and those in which the model answered.
    fn answered(&self, height: u64) -> Result<(usize, usize), ExecutionError> {
        let (mut transactions, mut answers) = (0, 0);
        for (user, wallet) in self.wallets.iter().enumerate() {
            for nonce in 0..self.executor.nonce(&wallet.address())? {
                let name = alloy_primitives::keccak256(self.transaction(user, nonce)?);
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

impl BlockExecutor for Busy {
    fn genesis_state_root(&self) -> B256 {
        self.executor.genesis_state_root()
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, ExecutionError> {
        self.send()?;
        self.executor.build(pending, context, max_bytes)
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, ExecutionError> {
        self.executor.validate(pending, context, payload)
    }

    fn commit(&self, block: &Block) -> Result<(), ExecutionError> {
        self.executor.commit(block)
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, ExecutionError> {
        self.executor.committed()
    }
}

fn fault(reason: &str) -> ExecutionError {
    ExecutionError::Fault { reason: reason.to_owned() }
}

/// Why a seed was not run.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The numbers of validators are out of range.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The model cannot be run.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An executor has stopped.
    #[error(transparent)]
    Executor(#[from] ExecutionError),
    /// The example's keys do not fit, which they do.
    #[error(transparent)]
    Setup(#[from] ChainSetupError),
    /// The example's names give no keys, which they do.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// Who sends transactions. Each has enough for thousands of them.
const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// Of how many transactions of a user one is a question to the model.
const QUESTION_EVERY: u64 = 12;
