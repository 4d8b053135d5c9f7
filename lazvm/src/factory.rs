use alloc::sync::Arc;

use alloy_evm::{Database, EvmEnv, EvmFactory, precompiles::PrecompilesMap};
use alloy_primitives::B256;
use lazai_gas::Resources;
use lazai_precompiles::Mode;
use revm::{
    context::{BlockEnv, DBErrorMarker, TxEnv},
    context_interface::result::{EVMError, HaltReason},
    inspector::{Inspector, NoOpInspector},
    precompile::{PrecompileSpecId, Precompiles},
    primitives::{eip7825::TX_GAS_LIMIT_CAP, hardfork::SpecId},
};

use crate::{
    AiRuntime, BaseFeeMismatch, BaseFeeSource, HeaderError, LazChain, LazContext, LazEvm,
    LazPrecompiles, base_fees::BaseFees, chain::Purpose,
};

/// Makes [`LazEvm`]s: the one thing that a node needs to run LazVM, for every block and every call.
///
/// Its associated types are Ethereum's, so whatever takes an
/// [`EthEvmFactory`](alloy_evm::EthEvmFactory) takes this: reth's
/// `EthEvmConfig::new_with_evm_factory`, alloy-evm's block executor, tracers and overrides.
///
/// # Blocks and calls
/// A node has one factory for blocks and for the calls of its users. Calls are those whose
/// configuration does not check the base fee, as `eth_call` and its relatives do: their AI calls
/// are priced and not run. Everything else does the work: no block is valid without that check, and
/// warming one up or tracing it keeps the check. An EVM that makes a system call executes a block,
/// and does the work from then on whatever its configuration is; a block from Cancun on begins with
/// one, and before Cancun a factory's EVM always does the work. So no configuration lets a block
/// executor simulate. One that skips the system calls, as tests may, gets [`LazEvm::in_block`].
#[derive(Clone, Debug)]
pub struct LazEvmFactory {
    runtime: AiRuntime,
    base_fees: BaseFees,
    mode: Option<Mode>,
    tx_gas_limit_cap: Option<u64>,
}

impl LazEvmFactory {
    /// Makes a factory of EVMs that run AI calls on `runtime` and charge the header's base fee for
    /// every resource.
    #[must_use]
    pub const fn new(runtime: AiRuntime) -> Self {
        Self { runtime, base_fees: BaseFees::Fixed(None), mode: None, tx_gas_limit_cap: None }
    }

    /// Makes the same factory with a base fee for each resource in each block, as `source` tells
    /// it.
    ///
    /// The highest of the three must stand in the block's header; transactions in another block are
    /// invalid. Fees follow from the parent of a block, which is told by the
    /// [`LazBlockExecutorFactory`](crate::LazBlockExecutorFactory) that makes its executor, and
    /// from Prague on by the block itself (EIP-2935). Transactions of a block whose parent is not
    /// told end without a result.
    #[must_use]
    pub fn with_base_fee_source(mut self, source: Arc<dyn BaseFeeSource>) -> Self {
        self.base_fees = BaseFees::Source(source);
        self
    }

    /// Makes the same factory with these base fees of the resources in every block; none means the
    /// header's for all of them. A host may make one for each block.
    #[must_use]
    pub fn with_base_fees(mut self, base_fees: Option<Resources<u64>>) -> Self {
        self.base_fees = BaseFees::Fixed(base_fees);
        self
    }

    /// Makes the same factory with calls that do their work or only cost it; the default is that
    /// they cost it.
    ///
    /// Calls are those whose base fee is not checked. Everything else always does the work.
    #[must_use]
    pub const fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Makes the same factory with the most gas that a transaction may have; part of consensus.
    ///
    /// It replaces the cap of EIP-7825, 2^24 from Osaka on, which is less than a large model costs
    /// and which hosts set by themselves. Any other cap in a configuration stays: whoever lifts it
    /// for a call means that call.
    #[must_use]
    pub const fn with_tx_gas_limit_cap(mut self, gas: Option<u64>) -> Self {
        self.tx_gas_limit_cap = gas;
        self
    }

    /// Returns the runtime of the AI calls: device, verifiers and prices.
    #[must_use]
    pub const fn runtime(&self) -> &AiRuntime {
        &self.runtime
    }

    /// Checks that the header of a block above `parent` shows the highest base fee of a resource.
    ///
    /// Each transaction of another block is invalid, but a block may have none: a host that checks
    /// headers asks this, in place of the rule of EIP-1559.
    ///
    /// # Errors
    /// [`HeaderError`] if it does not, or this node does not know the fees.
    pub fn check_header(&self, parent: B256, env: &EvmEnv) -> Result<(), HeaderError> {
        if !env.cfg_env.spec.is_enabled_in(SpecId::LONDON) {
            return Ok(());
        }
        let base_fees = match &self.base_fees {
            BaseFees::Fixed(base_fees) => *base_fees,
            BaseFees::Source(source) => source.base_fees(parent)?,
        };
        let Some(base_fees) = base_fees else { return Ok(()) };
        match (base_fees.highest(), env.block_env.basefee) {
            (expected, got) if expected == got => Ok(()),
            (expected, got) => Err(BaseFeeMismatch { expected, got }.into()),
        }
    }

    fn build<DB: Database, I>(
        &self,
        db: DB,
        mut env: EvmEnv,
        inspector: I,
        inspect: bool,
    ) -> LazEvm<DB, I> {
        let cap = &mut env.cfg_env.tx_gas_limit_cap;
        if self.tx_gas_limit_cap.is_some() && matches!(*cap, None | Some(TX_GAS_LIMIT_CAP)) {
            *cap = self.tx_gas_limit_cap;
        }
        let mut chain = LazChain::new(self.runtime.clone());
        chain.take_base_fees(&self.base_fees, &env.block_env);
        chain.replace_purpose(Purpose::Unknown(self.mode));
        chain.enter(&env.block_env);
        let precompiles = ethereum(env.cfg_env.spec);
        LazEvm::assemble(db, env, chain, precompiles, inspector, inspect)
    }
}

/// The precompiles before a host has edited them.
pub(crate) fn ethereum(spec: SpecId) -> LazPrecompiles {
    let spec = PrecompileSpecId::from_spec_id(spec);
    LazPrecompiles::new(PrecompilesMap::from_static(Precompiles::new(spec)))
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
