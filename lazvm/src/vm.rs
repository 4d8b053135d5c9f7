use core::mem::replace;

use alloy_evm::{Database, Evm, EvmEnv};
use lazai_gas::Resources;
use lazai_precompiles::Mode;
use revm::{
    DatabaseCommit,
    context::{BlockEnv, Cfg, CfgEnv, Evm as RevmEvm, Transaction, TxEnv},
    context_interface::result::{EVMError, ResultAndState},
    inspector::{Inspector, NoOpInspector},
    primitives::hardfork::SpecId,
};

use crate::{
    Execution, ExecutionAndState, LazContext, LazEvm, LazEvmFactory, LazVmError, Settlement,
    StateOverrides, chain::Purpose, factory::ethereum, handler::check_base_fees,
    overrides::OverriddenState,
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
    pub(crate) fn new(factory: LazEvmFactory, mut evm: LazEvm<DB, NoOpInspector>) -> Self {
        // Whoever wants a simulation says so.
        evm.ctx_mut().chain.set_mode(Mode::Execute);
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
    /// For `eth_estimateGas` and `eth_call`. Neither the nonce nor the price of gas nor the money
    /// for it is checked, the sender may be a contract, the gas may be more than a block has, no
    /// fee is charged, and nothing is committed. A contract whose path depends on the answer of
    /// a model may take another one here.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub fn simulate(&mut self, tx: TxEnv) -> Result<Execution, LazVmError<DB::Error>> {
        self.unchecked(tx, Mode::Simulate)
    }

    /// Answers a call: as [`simulate`](Self::simulate), but models are run and their answers are
    /// real.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub fn call(&mut self, tx: TxEnv) -> Result<Execution, LazVmError<DB::Error>> {
        self.unchecked(tx, Mode::Execute)
    }

    fn unchecked(&mut self, tx: TxEnv, mode: Mode) -> Result<Execution, LazVmError<DB::Error>> {
        let ctx = self.evm.ctx_mut();
        let purpose = ctx.chain.replace_purpose(Purpose::Chosen(mode));
        let cfg = ctx.cfg.clone();
        unchecked(&mut ctx.cfg);
        let result = run(&mut self.evm, tx);
        let ctx = self.evm.ctx_mut();
        ctx.chain.replace_purpose(purpose);
        ctx.cfg = cfg;
        result.map(|ExecutionAndState { execution, .. }| execution)
    }

    /// Prices a transaction as [`simulate`](Self::simulate) does, on a state in which the accounts
    /// of `overrides` are others.
    ///
    /// # Errors
    /// As [`transact`](Self::transact), and [`LazVmError::Override`] for code that no account can
    /// have.
    pub fn simulate_with(
        &mut self,
        tx: TxEnv,
        overrides: &StateOverrides,
    ) -> Result<Execution, LazVmError<DB::Error>> {
        let RevmEvm { ctx, precompiles, .. } = self.evm.inner_mut();
        let mut env = environment(ctx);
        unchecked(&mut env.cfg_env);
        let mut chain = ctx.chain.clone();
        chain.replace_purpose(Purpose::Chosen(Mode::Simulate));
        // Before the precompiles are lent: what is refused here must leave them where they are.
        let db = OverriddenState::new(&mut ctx.journaled_state.database, overrides)?;
        let kept = replace(precompiles, ethereum(env.cfg_env.spec));
        let mut evm = LazEvm::assemble(db, env, chain, kept, NoOpInspector, false);
        let result = run(&mut evm, tx);
        *precompiles = evm.into_inner().precompiles;
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
        let RevmEvm { ctx, precompiles, .. } = self.evm.inner_mut();
        let (env, chain) = (environment(ctx), ctx.chain.clone());
        // With whatever the host has added to them.
        let kept = replace(precompiles, ethereum(env.cfg_env.spec));
        let db = &mut ctx.journaled_state.database;
        let mut evm = LazEvm::assemble(db, env, chain, kept, inspector, true);
        let result = run(&mut evm, tx);
        *precompiles = evm.into_inner().precompiles;
        result
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

/// The environment of a context.
fn environment<DB: Database>(ctx: &LazContext<DB>) -> EvmEnv {
    EvmEnv { block_env: ctx.block.clone(), cfg_env: ctx.cfg.clone() }
}

/// Switches off what a call need not fulfil.
const fn unchecked(cfg: &mut CfgEnv) {
    cfg.disable_base_fee = true;
    cfg.disable_block_gas_limit = true;
    cfg.disable_eip3607 = true;
    cfg.disable_fee_charge = true;
    cfg.disable_nonce_check = true;
}

fn run<DB, I>(
    evm: &mut LazEvm<DB, I>,
    tx: TxEnv,
) -> Result<ExecutionAndState, LazVmError<DB::Error>>
where
    DB: Database,
    I: Inspector<LazContext<DB>>,
{
    check_base_fees(evm.ctx()).map_err(LazVmError::BaseFee)?;
    let result = evm.transact_raw(tx);
    let ctx = evm.ctx_mut();
    let ResultAndState { result, state } =
        result.map_err(|error| match (error, ctx.chain.take_fault()) {
            (EVMError::CustomAny(_), Some(fault)) => LazVmError::Fault(fault),
            (error, _) => LazVmError::Evm(error),
        })?;
    let meter = *ctx.chain.meter();
    let gas = meter.apportion(result.tx_gas_used());
    let settlement = if ctx.cfg.is_fee_charge_disabled() {
        Settlement::new(gas, 0, 0, None)
    } else {
        // Before London nothing is burned, so resources cannot have fees of their own.
        let (header, base_fees) = if ctx.cfg.spec.is_enabled_in(SpecId::LONDON) {
            (ctx.block.basefee, ctx.chain.base_fees())
        } else {
            (0, None)
        };
        Settlement::new(gas, ctx.tx.effective_gas_price(u128::from(header)), header, base_fees)
    };
    Ok(ExecutionAndState { execution: Execution { result, meter, settlement }, state })
}
