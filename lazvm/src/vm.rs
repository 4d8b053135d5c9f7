use core::mem::replace;

use alloy_evm::{Database, Evm, EvmFactory};
use lazai_gas::Resources;
use lazai_precompiles::Mode;
use revm::{
    DatabaseCommit,
    context::{BlockEnv, Transaction, TxEnv},
    context_interface::result::{EVMError, ResultAndState},
    inspector::{Inspector, NoOpInspector},
    primitives::hardfork::SpecId,
};

use crate::{
    Execution, ExecutionAndState, LazContext, LazEvm, LazEvmFactory, LazVmError, Settlement,
};

/// An EVM over a database, in which contracts run neural networks.
///
/// It runs transactions in the block that it was built with, one after the other. A node that
/// builds blocks takes the [`LazEvmFactory`] instead.
#[derive(Debug)]
pub struct LazVm<DB: Database> {
    factory: LazEvmFactory,
    evm: LazEvm<DB, NoOpInspector>,
}

impl<DB: Database> LazVm<DB> {
    pub(crate) const fn new(factory: LazEvmFactory, evm: LazEvm<DB, NoOpInspector>) -> Self {
        Self { factory, evm }
    }

    /// Runs a transaction and returns its changes without committing them.
    ///
    /// # Errors
    /// [`LazVmError`] if the transaction is invalid, or this machine or its database failed;
    /// nothing changed then.
    pub fn transact(&mut self, tx: TxEnv) -> Result<ExecutionAndState, LazVmError<DB::Error>> {
        run(&mut self.evm, tx)
    }

    /// Runs a transaction and commits its changes.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub fn transact_commit(&mut self, tx: TxEnv) -> Result<Execution, LazVmError<DB::Error>>
    where
        DB: DatabaseCommit,
    {
        let ExecutionAndState { execution, state } = self.transact(tx)?;
        self.evm.db_mut().commit(state);
        Ok(execution)
    }

    /// Prices a transaction: its AI calls cost their quote, do no work and return placeholders of
    /// the right type.
    ///
    /// For `eth_estimateGas` and `eth_call`. The nonce is not checked and nothing is committed. A
    /// contract whose path depends on the answer of a model may take another one here.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub fn simulate(&mut self, tx: TxEnv) -> Result<Execution, LazVmError<DB::Error>> {
        let ctx = self.evm.ctx_mut();
        let mode = ctx.chain.mode();
        ctx.chain.set_mode(Mode::Simulate);
        let unchecked = replace(&mut ctx.cfg.disable_nonce_check, true);
        let result = run(&mut self.evm, tx);
        let ctx = self.evm.ctx_mut();
        ctx.chain.set_mode(mode);
        ctx.cfg.disable_nonce_check = unchecked;
        result.map(|ExecutionAndState { execution, .. }| execution)
    }

    /// Runs a transaction under `inspector`, which sees each step, and returns its changes without
    /// committing them.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub fn inspect<'a, I>(
        &'a mut self,
        tx: TxEnv,
        inspector: I,
    ) -> Result<ExecutionAndState, LazVmError<DB::Error>>
    where
        I: Inspector<LazContext<&'a mut DB>>,
    {
        let ctx = self.evm.ctx();
        let env = alloy_evm::EvmEnv { block_env: ctx.block.clone(), cfg_env: ctx.cfg.clone() };
        let factory = self.factory.clone();
        let factory = factory.with_base_fees(ctx.chain.base_fees()).with_mode(ctx.chain.mode());
        run(&mut factory.create_evm_with_inspector(self.evm.db_mut(), env, inspector), tx)
    }

    /// Moves to another block.
    ///
    /// `base_fees` are those of the resources, of which the highest replaces the base fee in
    /// `block`; without them every resource costs what `block` says.
    pub fn set_block(&mut self, mut block: BlockEnv, base_fees: Option<Resources<u64>>) {
        if let Some(base_fees) = base_fees {
            block.basefee = base_fees.highest();
        }
        let ctx = self.evm.ctx_mut();
        ctx.block = block;
        ctx.chain.set_base_fees(base_fees);
    }

    /// Returns the block that transactions see.
    #[must_use]
    pub fn block(&self) -> &BlockEnv {
        self.evm.block()
    }

    /// Returns the database.
    pub fn db(&self) -> &DB {
        self.evm.db()
    }

    /// Borrows the database to change it between transactions.
    pub fn db_mut(&mut self) -> &mut DB {
        self.evm.db_mut()
    }

    /// Returns the EVM.
    #[must_use]
    pub const fn evm(&self) -> &LazEvm<DB, NoOpInspector> {
        &self.evm
    }

    /// Borrows the EVM to change its configuration between transactions.
    pub const fn evm_mut(&mut self) -> &mut LazEvm<DB, NoOpInspector> {
        &mut self.evm
    }

    /// Returns the factory of EVMs like this one.
    #[must_use]
    pub const fn factory(&self) -> &LazEvmFactory {
        &self.factory
    }

    /// Gives the database back.
    pub fn into_db(self) -> DB {
        self.evm.into_db()
    }
}

fn run<DB, I>(
    evm: &mut LazEvm<DB, I>,
    tx: TxEnv,
) -> Result<ExecutionAndState, LazVmError<DB::Error>>
where
    DB: Database,
    I: Inspector<LazContext<DB>>,
{
    let result = evm.transact_raw(tx);
    let ctx = evm.ctx_mut();
    let ResultAndState { result, state } =
        result.map_err(|error| match (error, ctx.chain.take_fault()) {
            (EVMError::Custom(_), Some(fault)) => LazVmError::Fault(fault),
            (error, _) => LazVmError::Evm(error),
        })?;
    let meter = *ctx.chain.meter();
    let header = ctx.block.basefee;
    // Before London nothing is burned, so resources cannot have fees of their own.
    let (header, base_fees) = if ctx.cfg.spec.is_enabled_in(SpecId::LONDON) {
        (header, ctx.chain.base_fees())
    } else {
        (0, None)
    };
    let price = ctx.tx.effective_gas_price(u128::from(header));
    let gas = meter.apportion(result.tx_gas_used());
    let settlement = Settlement::new(gas, price, header, base_fees);
    Ok(ExecutionAndState { execution: Execution { result, meter, settlement }, state })
}
