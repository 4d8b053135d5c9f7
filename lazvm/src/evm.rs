use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use alloy_evm::{Database, Evm, EvmEnv, precompiles::PrecompilesMap};
use alloy_primitives::{Address, B256, Bytes};
use revm::{
    Context, MainBuilder, MainContext,
    context::{BlockEnv, Cfg, CfgEnv, ContextSetters, Evm as RevmEvm, JournalTr, TxEnv},
    context_interface::result::{AnyError, EVMError, ExecutionResult, HaltReason, ResultAndState},
    handler::{EthFrame, Handler, SystemCallTx, instructions::EthInstructions},
    inspector::{Inspector, InspectorHandler},
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
};

use crate::{LazChain, LazContext, LazHandler, LazPrecompiles, Meter, chain::Purpose};

/// The revm machine inside a [`LazEvm`].
pub type LazRevm<DB, I> = RevmEvm<
    LazContext<DB>,
    I,
    EthInstructions<EthInterpreter, LazContext<DB>>,
    LazPrecompiles,
    EthFrame,
>;

/// Ethereum's EVM with AI precompiles and a price for each resource.
///
/// Without an AI call, and with equal base fees, it does what [`EthEvm`](alloy_evm::EthEvm) does,
/// state root for state root.
pub struct LazEvm<DB: Database, I> {
    inner: LazRevm<DB, I>,
    inspect: bool,
}

impl<DB: Database, I> LazEvm<DB, I> {
    /// Wraps a machine; `inspect` tells whether its inspector is called.
    pub const fn new(inner: LazRevm<DB, I>, inspect: bool) -> Self {
        Self { inner, inspect }
    }

    /// Returns the revm machine inside.
    pub fn into_inner(self) -> LazRevm<DB, I> {
        self.inner
    }

    /// Returns the context, with the block, the configuration and the AI state.
    pub const fn ctx(&self) -> &LazContext<DB> {
        &self.inner.ctx
    }

    /// Borrows the context to change it between transactions.
    pub const fn ctx_mut(&mut self) -> &mut LazContext<DB> {
        &mut self.inner.ctx
    }

    /// Makes the same EVM for a block: whatever its configuration, it does the work of AI calls.
    ///
    /// An EVM whose first call is a system call, as in every block from Cancun on, needs no
    /// telling. Where a [`BaseFeeSource`](crate::BaseFeeSource) knows the fees, the EVM has to be
    /// told the parent of the block: see [`in_block_above`](Self::in_block_above).
    #[must_use]
    pub const fn in_block(mut self) -> Self {
        self.inner.ctx.chain.replace_purpose(Purpose::Block);
        self
    }

    /// Makes the same EVM for the block above `parent`, at whose base fees it runs.
    ///
    /// In a block from Prague on, the system call of EIP-2935 tells the same.
    #[must_use]
    pub fn in_block_above(self, parent: B256) -> Self {
        let mut evm = self.in_block();
        let ctx = &mut evm.inner.ctx;
        // Where the base fee is not checked, a user simulates a block on a parent of its own
        // making.
        if !ctx.cfg.is_base_fee_check_disabled() {
            ctx.chain.set_parent(parent);
        }
        evm
    }

    /// Returns the meter of what the AI calls of the last transaction did; zero after a transaction
    /// that ended in an error.
    pub const fn meter(&self) -> &Meter {
        self.inner.ctx.chain.meter()
    }
}

impl<DB: Database, I> Evm for LazEvm<DB, I>
where
    I: Inspector<LazContext<DB>>,
{
    type DB = DB;
    type Tx = TxEnv;
    type Error = EVMError<DB::Error>;
    type HaltReason = HaltReason;
    type Spec = SpecId;
    type BlockEnv = BlockEnv;
    type Precompiles = PrecompilesMap;
    type Inspector = I;

    fn block(&self) -> &BlockEnv {
        &self.inner.ctx.block
    }

    fn cfg_env(&self) -> &CfgEnv<SpecId> {
        &self.inner.ctx.cfg
    }

    fn chain_id(&self) -> u64 {
        self.inner.ctx.cfg.chain_id
    }

    #[inline]
    fn transact_raw(&mut self, tx: TxEnv) -> Result<ResultAndState, Self::Error> {
        self.inner.ctx.set_tx(tx);
        self.enter_block();
        let mut handler = LazHandler::default();
        let result = if self.inspect {
            handler.inspect_run(&mut self.inner)
        } else {
            handler.run(&mut self.inner)
        };
        self.conclude(result)
    }

    fn transact_system_call(
        &mut self,
        caller: Address,
        contract: Address,
        data: Bytes,
    ) -> Result<ResultAndState, Self::Error> {
        self.enter_block();
        let ctx = &mut self.inner.ctx;
        // A system call skips the validation that begins a transaction.
        ctx.chain.begin_system_call(&ctx.block, &ctx.cfg, contract, &data);
        ctx.set_tx(TxEnv::new_system_tx_with_caller(caller, contract, data));
        let result = LazHandler::default().run_system_call(&mut self.inner);
        self.conclude(result)
    }

    fn finish(self) -> (DB, EvmEnv) {
        let Context { block: block_env, cfg: cfg_env, journaled_state, .. } = self.inner.ctx;
        (journaled_state.database, EvmEnv { block_env, cfg_env })
    }

    fn set_inspector_enabled(&mut self, enabled: bool) {
        self.inspect = enabled;
    }

    // Not through `components_mut`, which must assume that the precompiles are edited.
    fn db_mut(&mut self) -> &mut DB {
        &mut self.inner.ctx.journaled_state.database
    }

    fn inspector_mut(&mut self) -> &mut I {
        &mut self.inner.inspector
    }

    fn components(&self) -> (&DB, &I, &PrecompilesMap) {
        let RevmEvm { ctx, inspector, precompiles, .. } = &self.inner;
        (&ctx.journaled_state.database, inspector, precompiles.ethereum())
    }

    fn components_mut(&mut self) -> (&mut DB, &mut I, &mut PrecompilesMap) {
        let RevmEvm { ctx, inspector, precompiles, .. } = &mut self.inner;
        (&mut ctx.journaled_state.database, inspector, precompiles.ethereum_mut())
    }
}

impl<DB: Database, I> LazEvm<DB, I> {
    /// Puts an EVM together.
    pub(crate) fn assemble(
        db: DB,
        env: EvmEnv,
        chain: LazChain,
        precompiles: LazPrecompiles,
        inspector: I,
        inspect: bool,
    ) -> Self {
        let inner = Context::mainnet()
            .with_block(env.block_env)
            .with_cfg(env.cfg_env)
            .with_db(db)
            .with_chain(chain)
            .build_mainnet_with_inspector(inspector)
            .with_precompiles(precompiles);
        Self::new(inner, inspect)
    }

    pub(crate) const fn inner_mut(&mut self) -> &mut LazRevm<DB, I> {
        &mut self.inner
    }

    /// Looks up what the AI precompiles are in the block, which a host may have changed.
    #[inline]
    fn enter_block(&mut self) {
        let RevmEvm { ctx, precompiles, .. } = &mut self.inner;
        ctx.chain.enter(&ctx.block);
        precompiles.set_active(ctx.chain.rules().is_some());
    }

    #[inline]
    fn conclude(
        &mut self,
        result: Result<ExecutionResult, EVMError<DB::Error>>,
    ) -> Result<ResultAndState, EVMError<DB::Error>> {
        // The journal must not leak into the next transaction, so it is emptied on errors too.
        let ctx = &mut self.inner.ctx;
        let state = ctx.journaled_state.finalize();
        result.map(|result| ResultAndState::new(result, state)).map_err(|error| {
            ctx.chain.abort();
            match (error, ctx.chain.fault()) {
                // revm carries a text; hosts can tell the fault itself from other failures.
                (EVMError::Custom(_), Some(fault)) => {
                    EVMError::CustomAny(AnyError::new(fault.clone()))
                }
                (error, _) => error,
            }
        })
    }
}

impl<DB: Database, I> Deref for LazEvm<DB, I> {
    type Target = LazContext<DB>;

    fn deref(&self) -> &Self::Target {
        &self.inner.ctx
    }
}

impl<DB: Database, I> DerefMut for LazEvm<DB, I> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner.ctx
    }
}

impl<DB: Database, I> fmt::Debug for LazEvm<DB, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazEvm")
            .field("chain", &self.inner.ctx.chain)
            .field("inspect", &self.inspect)
            .finish_non_exhaustive()
    }
}
