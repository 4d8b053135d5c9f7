use std::sync::Arc;

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use lazai_api_types::{
    Fault, FaultKind,
    chain::{Block, BlockContext, BlockExecutionError},
};
use lazai_gas::{FeeMarket, Resources};
use lazvm::{
    Activation, BlockPosition, CachedCoprocessor, Execution, LazChain, LazVm, LazVmBuilder,
    LazVmError, Missing,
    revm::{
        DatabaseCommit,
        context::{BlockEnv, TxEnv},
        context_interface::result::{EVMError, ExecutionResult},
    },
};

use crate::{
    Devices, Genesis, GenesisError, PoolError, Receipt, SPEC, SignedTransaction, admission,
    receipt,
    state::ChainState,
    world::{World, randomness},
};

/// Executes blocks: a function of the state before and of the block, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) genesis: Genesis,
    /// What the first block is executed on.
    pub(crate) first: Arc<ChainState>,
    /// What the genesis block carries as its state root.
    pub(crate) root: B256,
    builder: LazVmBuilder,
}

/// A block to which transactions are being added.
#[derive(Debug)]
pub(crate) struct OpenBlock {
    vm: LazVm<World>,
    height: u64,
    next_rules: B256,
    market: FeeMarket,
    gas_limit: u64,
    gas_used: Resources<u64>,
    cumulative_gas: u64,
    receipts: Vec<Receipt>,
}

/// A block that has been executed.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) state: Arc<ChainState>,
    /// The commitment of `state`, which the block carries.
    pub(crate) root: B256,
    pub(crate) receipts: Vec<Receipt>,
}

/// Why a transaction is not in the block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// This node cannot tell.
    Fault(Fault),
    /// It cannot be executed in this state.
    Invalid(String),
    /// The block has less gas left than the transaction may use.
    NoRoom { left: u64, asked: u64 },
}

impl Machine {
    pub(crate) fn new(genesis: Genesis, devices: Devices) -> Result<Self, GenesisError> {
        // Before the builders, which are used anew for each block: a job is run once, whether it is
        // asked in a call, built into a block or validated.
        let device = CachedCoprocessor::new(devices.coprocessor, CachedCoprocessor::DEFAULT_BYTES);
        let queries = devices.queries.map(|queries| Arc::new(device.sharing(queries)));
        let builder = LazVm::builder().coprocessor(Arc::new(device)).outcome_cache(0);
        let builder = match queries {
            Some(queries) => builder.queries(queries),
            None => builder,
        };
        let builder = devices.verifiers.into_iter().fold(builder, LazVmBuilder::verifier);
        let builder = builder
            .activation(Activation::Block(genesis.ai_from))
            .pricing_schedule(Arc::new(genesis.prices.clone()))
            .spec(SPEC)
            .chain_id(genesis.chain_id)
            .tx_gas_limit_cap(genesis.gas_limit);
        let first = genesis.state()?;
        let root = genesis.commitment(&first);
        Ok(Self { genesis, first: Arc::new(first), root, builder })
    }

    /// Refuses a transaction that no block takes, whatever the state.
    pub(crate) fn admit(&self, transaction: &SignedTransaction) -> Result<(), PoolError> {
        admission::check(transaction, self.builder.cfg(), self.genesis.gas_limit)
    }

    /// What the chain lists for the block of `height` and this node lacks.
    pub(crate) fn missing(&self, height: u64) -> Result<Missing, BlockExecutionError> {
        let settings = self.genesis.settings_at(height);
        let factory = self.builder.clone().settings(settings).factory();
        let factory =
            factory.map_err(|error| BlockExecutionError::Fault { reason: error.to_string() })?;
        Ok(factory.runtime().missing_at(BlockPosition { number: height, timestamp: 0 }))
    }

    /// Opens the block above `parent`.
    pub(crate) fn open(
        &self,
        parent: &ChainState,
        context: &BlockContext,
    ) -> Result<OpenBlock, BlockExecutionError> {
        let mut world = parent.world.clone();
        world.remember(parent.height, context.parent);
        // Fees above eight bytes are out of reach: the first is below, and a block adds an eighth
        // at most.
        let fees = parent.market.base_fees().map(|fee| u64::try_from(fee).unwrap_or(u64::MAX));
        let block = BlockEnv {
            number: U256::from(context.height),
            beneficiary: self.genesis.beneficiary(context.proposer),
            timestamp: U256::from(context.timestamp_ms / 1_000),
            gas_limit: self.genesis.gas_limit,
            basefee: fees.evm.max(fees.ai).max(fees.inference),
            prevrandao: Some(randomness(context.parent, context.height)),
            ..BlockEnv::default()
        };
        let settings = self.genesis.settings_at(context.height);
        let vm = self.builder.clone().settings(settings).block(block).base_fees(fees).build(world);
        Ok(OpenBlock {
            vm: vm.map_err(|error| BlockExecutionError::Fault { reason: error.to_string() })?,
            height: context.height,
            next_rules: self.genesis.rules_at(context.height.saturating_add(1)).commitment(),
            market: parent.market,
            gas_limit: self.genesis.gas_limit,
            gas_used: Resources::uniform(0),
            cumulative_gas: 0,
            receipts: Vec::new(),
        })
    }

    /// Executes a block as it was proposed.
    pub(crate) fn execute(
        &self,
        parent: &ChainState,
        context: &BlockContext,
        transactions: &[SignedTransaction],
    ) -> Result<Executed, BlockExecutionError> {
        let mut block = self.open(parent, context)?;
        for (index, transaction) in transactions.iter().enumerate() {
            let added = block.add(transaction);
            added.map_err(|refused| refused.into_error(&format!("transaction {index}")))?;
        }
        block.seal()
    }

    /// Asks a contract in the block that `context` names, and changes nothing.
    pub(crate) fn call(
        &self,
        state: &ChainState,
        context: &BlockContext,
        contract: Address,
        data: Bytes,
    ) -> Result<Execution, BlockExecutionError> {
        let mut block = self.open(state, context)?;
        let call = TxEnv {
            caller: ASKER,
            kind: TxKind::Call(contract),
            data,
            gas_limit: self.genesis.gas_limit,
            gas_price: u128::from(block.vm.block().basefee),
            chain_id: Some(self.genesis.chain_id),
            ..TxEnv::default()
        };
        let outcome = block.vm.call(call).map_err(refused);
        outcome.map_err(|refused| refused.into_error("the call"))
    }
}

impl Refused {
    fn into_error(self, what: &str) -> BlockExecutionError {
        match self {
            Self::Fault(fault) => BlockExecutionError::Fault { reason: fault.to_string() },
            Self::Invalid(reason) => {
                BlockExecutionError::Rejected { reason: format!("{what}: {reason}") }
            }
            Self::NoRoom { left, asked } => BlockExecutionError::Rejected {
                reason: format!("{what} may use {asked} gas, and the block has {left} left"),
            },
        }
    }
}

impl OpenBlock {
    /// Returns the height of the block.
    pub(crate) const fn height(&self) -> u64 {
        self.height
    }

    /// Returns the gas limit of the block.
    pub(crate) const fn gas_limit(&self) -> u64 {
        self.gas_limit
    }

    /// The state after the transactions that are in it.
    pub(crate) fn world(&self) -> &World {
        self.vm.db()
    }

    /// The AI part of the context in which transactions are executed.
    pub(crate) const fn chain_mut(&mut self) -> &mut LazChain {
        &mut self.vm.evm_mut().ctx_mut().chain
    }

    /// Adds a transaction and keeps what it changed; a refused one changes nothing.
    pub(crate) fn add(&mut self, transaction: &SignedTransaction) -> Result<(), Refused> {
        let asked = transaction.envelope().gas_limit();
        let left = self.gas_limit.saturating_sub(self.cumulative_gas);
        if asked > left {
            return Err(Refused::NoRoom { left, asked });
        }
        let outcome = self.vm.transact(transaction.to_env()).map_err(refused)?;
        self.vm.db_mut().commit(outcome.state);
        self.record(transaction, outcome.execution);
        Ok(())
    }

    /// Ends the block.
    pub(crate) fn seal(self) -> Result<Executed, BlockExecutionError> {
        let market = self.market.settle(&self.gas_used);
        let market =
            market.map_err(|error| BlockExecutionError::Rejected { reason: error.to_string() })?;
        let state = ChainState {
            height: self.height,
            world: self.vm.into_db(),
            market,
            gas_used: self.gas_used,
            receipts_root: receipt::root(&self.receipts),
            rules: self.next_rules,
        };
        let root = state.commitment();
        Ok(Executed { state: Arc::new(state), root, receipts: self.receipts })
    }

    fn record(&mut self, transaction: &SignedTransaction, execution: Execution) {
        let gas = execution.settlement.gas;
        self.gas_used = self.gas_used.zip(gas).map(|(used, gas)| used.saturating_add(gas));
        self.cumulative_gas = self.cumulative_gas.saturating_add(execution.gas_used());
        let (success, contract, output, logs) = match execution.result {
            ExecutionResult::Success { output, logs, .. } => {
                let contract = output.address().copied();
                (true, contract, output.into_data(), logs)
            }
            ExecutionResult::Revert { output, logs, .. } => (false, None, output, logs),
            ExecutionResult::Halt { logs, .. } => (false, None, Default::default(), logs),
        };
        self.receipts.push(Receipt {
            transaction: transaction.hash(),
            sender: transaction.sender(),
            height: self.height,
            kind: transaction.envelope().tx_type() as u8,
            success,
            output: receipt::kept(&output),
            output_bytes: output.len(),
            contract,
            gas,
            cumulative_gas: self.cumulative_gas,
            ai_calls: execution.meter.calls,
            logs,
        });
    }
}

/// Returns the place in the chain at which a block is executed.
pub(crate) const fn context_of(block: &Block) -> BlockContext {
    BlockContext {
        height: block.height,
        epoch: block.epoch,
        parent: block.parent,
        proposer: block.proposer,
        timestamp_ms: block.timestamp_ms,
    }
}

/// Returns the error of a block that claims another state root than its execution gives.
pub(crate) fn wrong_root(height: u64, got: B256, claimed: B256) -> BlockExecutionError {
    let reason = format!("block {height} claims the state root {claimed}, and has {got}");
    BlockExecutionError::Rejected { reason }
}

fn refused<E: core::fmt::Display>(error: LazVmError<E>) -> Refused {
    match error {
        // Never a verdict about the block: another node may be able to run it.
        LazVmError::Fault(fault) => Refused::Fault(fault),
        LazVmError::BaseFee(mismatch) => Refused::Invalid(mismatch.to_string()),
        LazVmError::Evm(EVMError::Transaction(error)) => Refused::Invalid(error.to_string()),
        LazVmError::Evm(EVMError::Header(error)) => internal(&error),
        LazVmError::Evm(EVMError::Database(error)) => {
            Refused::Fault(Fault { kind: FaultKind::State, message: error.to_string() })
        }
        LazVmError::Evm(EVMError::Custom(error)) => internal(&error),
        LazVmError::Evm(EVMError::CustomAny(error)) => internal(&error),
        LazVmError::Override(error) => Refused::Invalid(error.to_string()),
    }
}

fn internal(error: &dyn core::fmt::Display) -> Refused {
    Refused::Fault(Fault { kind: FaultKind::Internal, message: error.to_string() })
}

/// Who asks in [`Machine::call`]; it owns nothing.
const ASKER: Address = address!("00000000000000000000000000000000000a5ce6");
