use core::{fmt, ops::DerefMut};

use alloy_consensus::{Transaction, transaction::TxHashRef};
use alloy_primitives::{Bytes, U256};
use lazai_gas::{FeeMarket, FeeRule, LimitExceeded, Resources};
use lazvm::{
    LazContext, Settlement,
    alloy_evm::{
        Evm, InvalidTxError, RecoveredTx,
        block::{
            BlockExecutionError, BlockExecutionResult, BlockExecutor, BlockValidationError,
            ExecutableTx, GasOutput, InternalBlockExecutionError, StateDB, TxResult,
        },
    },
    revm::{
        DatabaseCommit,
        context::result::ResultAndState,
        context_interface::{Block as _, result::InvalidTransaction},
        database::DatabaseCommitExt,
    },
};

use super::{Market, Treasury, state::fees};

/// Executes a block at three base fees: counts the gas of each resource, refuses what is beyond a
/// limit, and at the end writes what the next block costs.
///
/// Without a market it does nothing besides.
#[derive(Debug)]
pub struct MarketExecutor<E, R> {
    executor: E,
    market: Option<FeeMarket<R>>,
    treasury: Option<Treasury>,
    used: Resources<u64>,
    /// Base fees of the transactions that are in the block, in wei.
    base_fees: U256,
}

/// The result of a transaction, with what it used and paid.
#[derive(Debug)]
pub struct Metered<T> {
    result: T,
    settlement: Settlement,
}

/// A transaction uses more of a resource than its block has left. Builders leave it out; in a block
/// it is invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OverLimit(pub LimitExceeded);

impl<E, R> MarketExecutor<E, R> {
    /// Executes by `executor`, at the fees of `market`.
    pub(crate) fn new(
        executor: E,
        market: Option<FeeMarket<R>>,
        treasury: Option<Treasury>,
    ) -> Self {
        Self { executor, market, treasury, used: Resources::uniform(0), base_fees: U256::ZERO }
    }

    /// Returns the gas of each resource that the transactions in the block used.
    pub const fn used(&self) -> &Resources<u64> {
        &self.used
    }
}

impl<E, R> BlockExecutor for MarketExecutor<E, R>
where
    E: BlockExecutor<Transaction: Transaction + TxHashRef>,
    E::Evm: Evm<DB: StateDB> + DerefMut<Target = LazContext<<E::Evm as Evm>::DB>>,
    R: Clone + FeeRule,
{
    type Transaction = E::Transaction;
    type Receipt = E::Receipt;
    type Evm = E::Evm;
    type Result = Metered<E::Result>;

    fn apply_pre_execution_changes(&mut self) -> Result<(), BlockExecutionError> {
        self.executor.apply_pre_execution_changes()
    }

    fn execute_transaction_without_commit(
        &mut self,
        tx: impl ExecutableTx<Self>,
    ) -> Result<Metered<E::Result>, BlockExecutionError> {
        let (env, tx) = tx.into_parts();
        let header = self.evm().block().basefee();
        let hash = *tx.tx().tx_hash();
        let price = tx.tx().effective_gas_price(Some(header));
        let result = self.executor.execute_transaction_without_commit((env, tx))?;
        let gas_used = result.result().result.gas().tx_gas_used();
        let gas = self.executor.evm().chain.meter().apportion(gas_used);
        let at = self.market.as_ref().map(fees);
        if let Some(market) = &self.market {
            let sum = self.used.zip(gas).map(|(used, gas)| used.saturating_add(gas));
            market.admit(&sum).map_err(|exceeded| BlockValidationError::InvalidTx {
                hash,
                error: Box::new(OverLimit(exceeded)),
            })?;
        }
        Ok(Metered { result, settlement: Settlement::new(gas, price, header, at) })
    }

    fn commit_transaction(&mut self, output: Metered<E::Result>) -> GasOutput {
        let Settlement { gas, burned, .. } = output.settlement;
        self.used = self.used.zip(gas).map(|(used, gas)| used.saturating_add(gas));
        self.base_fees = self.base_fees.saturating_add(burned);
        self.executor.commit_transaction(output.result)
    }

    fn finish(self) -> Result<(E::Evm, BlockExecutionResult<E::Receipt>), BlockExecutionError> {
        let Self { executor, market, treasury, used, base_fees } = self;
        let (mut evm, result) = executor.finish()?;
        if let Some(market) = market {
            let next = market.settle(&used).map_err(BlockValidationError::other)?;
            write(&mut evm, Market::settling(&next, &used))?;
        }
        if let Some(treasury) = treasury {
            // More wei than there are in 128 bits are never paid for one block.
            let part = u128::try_from(treasury.part(base_fees)).unwrap_or(u128::MAX);
            if part > 0 {
                let paid = evm.db_mut().increment_balances([(treasury.account, part)]);
                paid.map_err(|_| BlockValidationError::IncrementBalanceFailed)?;
            }
        }
        Ok((evm, result))
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

/// Calls the contract of the market as the chain.
fn write<E: Evm<DB: StateDB>>(evm: &mut E, call: Bytes) -> Result<(), BlockExecutionError> {
    let system = alloy_eips::eip4788::SYSTEM_ADDRESS;
    let called = evm.transact_system_call(system, Market::ADDRESS, call);
    let called = called.map_err(|error| InternalBlockExecutionError::Other(Box::new(error)))?;
    if !called.result.is_success() {
        return Err(BlockValidationError::msg("the contract of the market refused").into());
    }
    evm.db_mut().commit(called.state);
    Ok(())
}

impl<T: TxResult> TxResult for Metered<T> {
    type HaltReason = T::HaltReason;

    fn result(&self) -> &ResultAndState<T::HaltReason> {
        self.result.result()
    }

    fn into_result(self) -> ResultAndState<T::HaltReason> {
        self.result.into_result()
    }
}

impl<T> Metered<T> {
    /// Returns what the transaction used of each resource, and paid for it.
    pub const fn settlement(&self) -> &Settlement {
        &self.settlement
    }
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for OverLimit {}

impl InvalidTxError for OverLimit {
    fn as_invalid_tx_err(&self) -> Option<&InvalidTransaction> {
        None
    }
}
