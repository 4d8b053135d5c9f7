use alloy_evm::{Database, EvmEnv, EvmFactory, precompiles::PrecompilesMap};
use lazai_gas::Resources;
use lazai_precompiles::Mode;
use revm::{
    Context, MainBuilder, MainContext,
    context::{BlockEnv, DBErrorMarker, TxEnv},
    context_interface::result::{EVMError, HaltReason},
    inspector::{Inspector, NoOpInspector},
    precompile::{PrecompileSpecId, Precompiles},
    primitives::hardfork::SpecId,
};

use crate::{AiRuntime, LazChain, LazContext, LazEvm, LazPrecompiles};

/// Makes [`LazEvm`]s: the one thing that a node needs to run LazVM.
///
/// Its associated types are Ethereum's, so whatever takes an
/// [`EthEvmFactory`](alloy_evm::EthEvmFactory) takes this: reth's
/// `EthEvmConfig::new_with_evm_factory`, alloy-evm's block executor, tracers and overrides.
#[derive(Clone, Debug)]
pub struct LazEvmFactory {
    runtime: AiRuntime,
    base_fees: Option<Resources<u64>>,
    mode: Mode,
}

impl LazEvmFactory {
    /// Makes a factory of EVMs that run AI calls on `runtime` and charge the header's base fee for
    /// every resource.
    #[must_use]
    pub const fn new(runtime: AiRuntime) -> Self {
        Self { runtime, base_fees: None, mode: Mode::Execute }
    }

    /// Makes the same factory with a base fee for each resource, of which the highest must stand in
    /// the block's header: transactions in another block end in an error.
    ///
    /// Base fees belong to a block; cloning a factory is cheap, so a node makes one for each.
    #[must_use]
    pub const fn with_base_fees(mut self, base_fees: Option<Resources<u64>>) -> Self {
        self.base_fees = base_fees;
        self
    }

    /// Makes the same factory with AI calls that do their work or only cost it.
    #[must_use]
    pub const fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Returns the runtime of the AI calls: device, verifiers and prices.
    #[must_use]
    pub const fn runtime(&self) -> &AiRuntime {
        &self.runtime
    }

    fn build<DB: Database, I>(
        &self,
        db: DB,
        env: EvmEnv,
        inspector: I,
        inspect: bool,
    ) -> LazEvm<DB, I> {
        let spec = PrecompileSpecId::from_spec_id(env.cfg_env.spec);
        let ethereum = PrecompilesMap::from_static(Precompiles::new(spec));
        let mut chain = LazChain::new(self.runtime.clone());
        chain.set_base_fees(self.base_fees);
        chain.set_mode(self.mode);
        let inner = Context::mainnet()
            .with_block(env.block_env)
            .with_cfg(env.cfg_env)
            .with_db(db)
            .with_chain(chain)
            .build_mainnet_with_inspector(inspector)
            .with_precompiles(LazPrecompiles::new(ethereum));
        LazEvm::new(inner, inspect)
    }
}

impl EvmFactory for LazEvmFactory {
    type Evm<DB: Database, I: Inspector<LazContext<DB>>> = LazEvm<DB, I>;
    type Context<DB: Database> = LazContext<DB>;
    type Tx = TxEnv;
    type Error<DBError: DBErrorMarker> = EVMError<DBError>;
    type HaltReason = HaltReason;
    type Spec = SpecId;
    type BlockEnv = BlockEnv;
    type Precompiles = PrecompilesMap;

    fn create_evm<DB: Database>(&self, db: DB, env: EvmEnv) -> LazEvm<DB, NoOpInspector> {
        self.build(db, env, NoOpInspector, false)
    }

    fn create_evm_with_inspector<DB: Database, I: Inspector<LazContext<DB>>>(
        &self,
        db: DB,
        env: EvmEnv,
        inspector: I,
    ) -> LazEvm<DB, I> {
        self.build(db, env, inspector, true)
    }
}
