use alloc::{boxed::Box, sync::Arc};
use core::{fmt, ops::DerefMut};

use alloy_consensus::{Transaction, transaction::TxHashRef};
use alloy_evm::{
    Evm, InvalidTxError, RecoveredTx,
    block::{
        BlockExecutionError, BlockExecutionResult, BlockExecutor, BlockExecutorFactory,
        BlockValidationError, ExecutableTx, GasOutput, StateDB,
    },
    eth::EthBlockExecutionCtx,
};
use alloy_primitives::B256;
use lazai_api_types::Fault;
use lazai_precompiles::Missing;
use revm::{context_interface::result::InvalidTransaction, inspector::Inspector};

use crate::{
    Attempt, Attempts, BlockPosition, FaultLog, LazContext, LazEvm, LazEvmFactory,
    faults::transaction_fault_of,
};

/// Makes block executors that do the work of AI calls by their type, whatever the configuration
/// says and whether or not the block begins with a system call, at the base fees that follow from
/// the parent of the block.
///
/// It stands before another factory, such as alloy-evm's `EthBlockExecutorFactory` over a
/// [`LazEvmFactory`], and makes what that makes.
#[derive(Clone, Copy, Debug, Default)]
pub struct LazBlockExecutorFactory<F>(F);

impl<F> LazBlockExecutorFactory<F> {
    /// Puts the guarantee before `factory`.
    pub const fn new(factory: F) -> Self {
        Self(factory)
    }
}

/// What a block executor is made with, from which the parent of the block is known.
pub trait ParentHash {
    /// Returns the hash of the block's parent.
    fn parent_hash(&self) -> B256;
}

impl ParentHash for EthBlockExecutionCtx<'_> {
    fn parent_hash(&self) -> B256 {
        self.parent_hash
    }
}

impl<F> BlockExecutorFactory for LazBlockExecutorFactory<F>
where
    F: BlockExecutorFactory<EvmFactory = LazEvmFactory>,
    for<'a> F::ExecutionCtx<'a>: ParentHash,
{
    type EvmFactory = LazEvmFactory;
    type TxExecutionResult = F::TxExecutionResult;
    type ExecutionCtx<'a> = F::ExecutionCtx<'a>;
    type Transaction = F::Transaction;
    type Receipt = F::Receipt;
    type Executor<'a, DB: StateDB, I: Inspector<LazContext<DB>>> = F::Executor<'a, DB, I>;

    fn evm_factory(&self) -> &LazEvmFactory {
        self.0.evm_factory()
    }

    fn create_executor<'a, DB, I>(
        &'a self,
        evm: LazEvm<DB, I>,
        ctx: Self::ExecutionCtx<'a>,
    ) -> Self::Executor<'a, DB, I>
    where
        DB: StateDB,
        I: Inspector<LazContext<DB>>,
    {
        self.0.create_executor(evm.in_block_above(ctx.parent_hash()), ctx)
    }
}

/// A block executor for builders, which leaves out what this node cannot run.
///
/// A fault of this node is no verdict about a transaction, and alloy-evm reports it as an internal
/// error, for which builders give the whole block up. Here it is reported as an invalid
/// transaction, which builders pass over, and noted in a [`FaultLog`], after which the transaction
/// is not tried for a while. After a few faults the device is not asked any more for this block,
/// and transactions without AI calls go on; [`Attempts`] bounds what failures cost. A host tells
/// the log what final blocks [executed](FaultLog::executed). A fault of the whole block, whose base
/// fees this node does not know, is no transaction's: it stays an internal error and is not noted.
/// Never validate a block with it: a valid one would be refused.
#[derive(Debug)]
pub struct BuilderExecutor<E> {
    executor: E,
    attempts: Attempts,
}

impl<E> BuilderExecutor<E>
where
    E: BlockExecutor,
    E::Evm: DerefMut<Target = LazContext<<E::Evm as Evm>::DB>>,
{
    /// Builds the block of `executor`, and shares `faults` with the builders of other blocks.
    pub fn new(executor: E, faults: &Arc<FaultLog>) -> Self {
        let block = &executor.evm().block;
        let attempts = faults.start(BlockPosition::of(block).number, block.gas_limit);
        Self { executor, attempts }
    }

    /// Returns what the chain lists for this block and this node lacks, for its operator: whoever
    /// calls one of these is left out, until it is installed.
    pub fn missing(&self) -> Missing {
        let evm = self.executor.evm();
        evm.chain.runtime().missing_at(BlockPosition::of(&evm.block))
    }

    fn note(&mut self, attempt: &Attempt, fault: &Fault) {
        let chain = &mut self.executor.evm_mut().chain;
        if self.attempts.failed(attempt, chain.gas_at_fault(), fault) {
            chain.suspend_device(fault.clone());
        }
    }
}

impl<E> BlockExecutor for BuilderExecutor<E>
where
    E: BlockExecutor<Transaction: Transaction + TxHashRef>,
    E::Evm: DerefMut<Target = LazContext<<E::Evm as Evm>::DB>>,
{
    type Transaction = E::Transaction;
    type Receipt = E::Receipt;
    type Evm = E::Evm;
    type Result = E::Result;

    fn apply_pre_execution_changes(&mut self) -> Result<(), BlockExecutionError> {
        self.executor.apply_pre_execution_changes()
    }

    fn execute_transaction_without_commit(
        &mut self,
        tx: impl ExecutableTx<Self>,
    ) -> Result<E::Result, BlockExecutionError> {
        let (env, tx) = tx.into_parts();
        let hash = *tx.tx().tx_hash();
        let (nonce, gas_limit) = (tx.tx().nonce(), tx.tx().gas_limit());
        let attempt = Attempt { transaction: hash, sender: *tx.signer(), nonce, gas_limit };
        if !self.attempts.allow(&attempt) {
            return Err(left_out(hash, None));
        }
        match self.executor.execute_transaction_without_commit((env, tx)) {
            Ok(done) => Ok(done),
            Err(error) => match transaction_fault_of(&error) {
                Some(fault) => {
                    self.note(&attempt, fault);
                    Err(left_out(hash, Some(fault.clone())))
                }
                None => Err(error),
            },
        }
    }

    fn commit_transaction(&mut self, output: E::Result) -> GasOutput {
        self.executor.commit_transaction(output)
    }

    fn finish(self) -> Result<(E::Evm, BlockExecutionResult<E::Receipt>), BlockExecutionError> {
        self.executor.finish()
    }

    fn evm_mut(&mut self) -> &mut E::Evm {
        self.executor.evm_mut()
    }

    fn evm(&self) -> &E::Evm {
        self.executor.evm()
    }

    fn receipts(&self) -> &[E::Receipt] {
        self.executor.receipts()
    }
}

/// Why a [`BuilderExecutor`] leaves a transaction out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// The fault of this node; none if the transaction was not tried, because it or others have
    /// failed before.
    pub fault: Option<Fault>,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Some(fault) => write!(f, "this node cannot run the transaction: {fault}"),
            None => f.write_str(
                "this node could not run this transaction or others before, and does not try it yet",
            ),
        }
    }
}

impl core::error::Error for LeftOut {}

impl InvalidTxError for LeftOut {
    fn as_invalid_tx_err(&self) -> Option<&InvalidTransaction> {
        None
    }
}

fn left_out(hash: B256, fault: Option<Fault>) -> BlockExecutionError {
    BlockValidationError::InvalidTx { hash, error: Box::new(LeftOut { fault }) }.into()
}
