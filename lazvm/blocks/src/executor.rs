use std::sync::Arc;

use alloy_consensus::TxReceipt;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{Address, Log};
use lazvm::{
    alloy_evm::{
        Evm,
        block::{
            BlockExecutionError, BlockExecutionResult, BlockExecutor, BlockValidationError,
            ExecutableTx, GasOutput, InternalBlockExecutionError, StateDB,
        },
    },
    revm::context_interface::Block as _,
};
use thiserror::Error;

use crate::{ChainSpec, dao, deposits, system};

/// Executes a block as Ethereum specifies it, by an executor of alloy-evm.
///
/// It departs from that where that departs from the specification: the money of the DAO is moved
/// before the transactions of its block, and a block is invalid at whose end a contract that
/// collects requests has no code, or in which a deposit is laid out otherwise than the contract of
/// deposits does.
#[derive(Debug)]
pub struct LazBlockExecutor<E> {
    executor: E,
    spec: Arc<ChainSpec>,
}

/// What alloy-evm lets pass at the end of a block.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum Departure {
    #[error("a deposit has another layout")]
    Deposit,
    #[error("the system contract {contract} has no code")]
    MissingContract { contract: Address },
}

impl<E> LazBlockExecutor<E> {
    pub(crate) const fn new(executor: E, spec: Arc<ChainSpec>) -> Self {
        Self { executor, spec }
    }
}

impl<E> BlockExecutor for LazBlockExecutor<E>
where
    E: BlockExecutor<Evm: Evm<DB: StateDB>, Receipt: TxReceipt<Log = Log>>,
{
    type Transaction = E::Transaction;
    type Receipt = E::Receipt;
    type Evm = E::Evm;
    type Result = E::Result;

    fn apply_pre_execution_changes(&mut self) -> Result<(), BlockExecutionError> {
        let evm = self.executor.evm_mut();
        let number = evm.block().number().saturating_to();
        let dao = self.spec.ethereum_fork_activation(EthereumHardfork::Dao);
        // A chain that begins with the fork has no money of the DAO to move.
        if number > 0 && dao.transitions_at_block(number) {
            dao::move_money(evm.db_mut()).map_err(InternalBlockExecutionError::Other)?;
        }
        self.executor.apply_pre_execution_changes()
    }

    fn execute_transaction_without_commit(
        &mut self,
        tx: impl ExecutableTx<Self>,
    ) -> Result<E::Result, BlockExecutionError> {
        self.executor.execute_transaction_without_commit(tx.into_parts())
    }

    fn commit_transaction(&mut self, output: E::Result) -> GasOutput {
        self.executor.commit_transaction(output)
    }

    fn finish(mut self) -> Result<(E::Evm, BlockExecutionResult<E::Receipt>), BlockExecutionError> {
        let evm = self.executor.evm_mut();
        let timestamp = evm.block().timestamp().saturating_to();
        if self.spec.is_prague_active_at_timestamp(timestamp) {
            let missing = system::missing_contract(evm.db_mut());
            if let Some(contract) = missing.map_err(InternalBlockExecutionError::Other)? {
                let departure = Departure::MissingContract { contract };
                return Err(BlockValidationError::other(departure).into());
            }
            let logs = self.executor.receipts().iter().flat_map(TxReceipt::logs);
            if !deposits::are_laid_out(self.spec.deposit_contract(), logs) {
                return Err(BlockValidationError::other(Departure::Deposit).into());
            }
        }
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
