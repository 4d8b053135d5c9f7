use alloc::{sync::Arc, vec::Vec};

use alloy_evm::{Database, EvmEnv, EvmFactory};
use lazai_api_types::{Coprocessor, GasPricing, ModelId, ProofVerifier};
use lazai_gas::{GasSchedule, Resources};
use lazai_precompiles::{AiPrecompiles, Settings};
use revm::{
    context::{BlockEnv, CfgEnv},
    database_interface::EmptyDB,
    primitives::hardfork::SpecId,
};

#[cfg(feature = "std")]
use crate::CachedCoprocessor;
use crate::{
    Activation, AiRuntime, BaseFeeMismatch, BuildError, LazEvmFactory, LazVm, PricingSchedule,
    pricing::Constant,
};

/// Puts a [`LazVm`] together; made by [`LazVm::builder`](crate::LazVm::builder).
#[derive(Clone, Debug)]
pub struct LazVmBuilder {
    coprocessor: Option<Arc<dyn Coprocessor>>,
    queries: Option<Arc<dyn Coprocessor>>,
    verifiers: Vec<Arc<dyn ProofVerifier>>,
    settings: Settings,
    default_model: Option<ModelId>,
    pricing: Arc<dyn PricingSchedule>,
    activation: Activation,
    outcome_bytes: usize,
    base_fees: Option<Resources<u64>>,
    block: BlockEnv,
    cfg: CfgEnv,
}

impl LazVmBuilder {
    pub(crate) fn new() -> Self {
        Self {
            coprocessor: None,
            queries: None,
            verifiers: Vec::new(),
            settings: Settings::default(),
            default_model: None,
            pricing: Arc::new(Constant(Arc::new(GasSchedule::default()))),
            activation: Activation::Genesis,
            outcome_bytes: DEFAULT_OUTCOME_BYTES,
            base_fees: None,
            block: BlockEnv::default(),
            cfg: CfgEnv::default(),
        }
    }

    /// Sets the device that runs models, in blocks and elsewhere unless [`queries`](Self::queries)
    /// sets another. The only part without a default.
    #[must_use]
    pub fn coprocessor(mut self, coprocessor: Arc<dyn Coprocessor>) -> Self {
        self.coprocessor = Some(coprocessor);
        self
    }

    /// Sets a device of its own for everything that is in no block: calls, warming blocks up, and
    /// tracing. It must answer as that of blocks does. Where it has threads of its own, nobody who
    /// asks delays a block, and a job that was run for a user is still remembered for a block.
    #[must_use]
    pub fn queries(mut self, coprocessor: Arc<dyn Coprocessor>) -> Self {
        self.queries = Some(coprocessor);
        self
    }

    /// Adds a proof system; each must have an id of its own.
    #[must_use]
    pub fn verifier(mut self, verifier: Arc<dyn ProofVerifier>) -> Self {
        self.verifiers.push(verifier);
        self
    }

    /// Sets what the operator of the chain decides about the precompiles: limits, the models and
    /// proof systems that there are, and the default model unless
    /// [`default_model`](Self::default_model) names one. A chain of several nodes lists its models
    /// and proof systems, or a node that lacks one is on another chain.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the model that the zero id and a raw prompt mean. It takes precedence over that of
    /// [`settings`](Self::settings), whichever is called first.
    #[must_use]
    pub const fn default_model(mut self, model: ModelId) -> Self {
        self.default_model = Some(model);
        self
    }

    /// Sets alpha, beta and gamma; the default is [`GasSchedule::REFERENCE`].
    #[must_use]
    pub fn gas_schedule(self, schedule: GasSchedule) -> Self {
        self.pricing(Arc::new(schedule))
    }

    /// Sets another rule that turns work into gas.
    #[must_use]
    pub fn pricing(self, pricing: Arc<dyn GasPricing>) -> Self {
        self.pricing_schedule(Arc::new(Constant(pricing)))
    }

    /// Sets prices that change from block to block, such as the chain's
    /// [`Governance`](lazai_gas::Governance).
    #[must_use]
    pub fn pricing_schedule(mut self, schedule: Arc<dyn PricingSchedule>) -> Self {
        self.pricing = schedule;
        self
    }

    /// Sets the first block that has AI precompiles; before, their addresses are accounts like any
    /// other. The default is every block.
    #[must_use]
    pub const fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets the bytes of outcomes that are remembered, so that a model is run once for each job;
    /// with 0 it is run each time. The default is 32 MiB, and 0 without feature `std`.
    #[cfg(feature = "std")]
    #[must_use]
    pub const fn outcome_cache(mut self, max_bytes: usize) -> Self {
        self.outcome_bytes = max_bytes;
        self
    }

    /// Sets the base fee of each resource; the highest becomes the base fee in the block's header.
    ///
    /// Without it every resource costs the base fee of the [`block`](Self::block).
    #[must_use]
    pub const fn base_fees(mut self, base_fees: Resources<u64>) -> Self {
        self.base_fees = Some(base_fees);
        self
    }

    /// Sets the hard fork and its gas table; the default is the latest that mainnet runs.
    #[must_use]
    pub fn spec(mut self, spec: SpecId) -> Self {
        self.cfg.set_spec_and_mainnet_gas_params(spec);
        self
    }

    /// Sets the chain id; the default is 1.
    #[must_use]
    pub const fn chain_id(mut self, chain_id: u64) -> Self {
        self.cfg.chain_id = chain_id;
        self
    }

    /// Sets the most gas that a transaction may have.
    ///
    /// From the Osaka fork on the default is 2^24 (EIP-7825), which is less than a large model
    /// costs.
    #[must_use]
    pub const fn tx_gas_limit_cap(mut self, gas: u64) -> Self {
        self.cfg.tx_gas_limit_cap = Some(gas);
        self
    }

    /// Sets the block that transactions see.
    #[must_use]
    pub const fn block(mut self, block: BlockEnv) -> Self {
        self.block = block;
        self
    }

    /// Returns the configuration of the EVM: fork, chain id and gas limit of a transaction.
    #[must_use]
    pub const fn cfg(&self) -> &CfgEnv {
        &self.cfg
    }

    /// Makes a factory alone, for a node that makes its EVMs itself.
    ///
    /// # Errors
    /// [`BuildError`] if the coprocessor is missing or two verifiers claim one id.
    pub fn factory(&self) -> Result<LazEvmFactory, BuildError> {
        let coprocessor = self.coprocessor.clone().ok_or(BuildError::MissingCoprocessor)?;
        let default_model = self.default_model.or(self.settings.default_model);
        let settings = Settings { default_model, ..self.settings.clone() };
        let (coprocessor, queries) = self.remembering(coprocessor);
        let precompiles = AiPrecompiles::new(coprocessor, self.verifiers.clone(), settings)?;
        let precompiles = match queries {
            Some(queries) => precompiles.with_queries(queries),
            None => precompiles,
        };
        let runtime = AiRuntime::new(precompiles, Arc::new(GasSchedule::default()))
            .starting(self.activation)
            .governed(Arc::clone(&self.pricing));
        Ok(LazEvmFactory::new(runtime)
            .with_base_fees(self.base_fees)
            .with_tx_gas_limit_cap(self.cfg.tx_gas_limit_cap))
    }

    /// Makes a machine over `db`.
    ///
    /// # Errors
    /// [`BuildError`] if the coprocessor is missing, two verifiers claim one id, or the block shows
    /// another base fee than the highest of the resources.
    pub fn build<DB: Database>(mut self, db: DB) -> Result<LazVm<DB>, BuildError> {
        let factory = self.factory()?;
        if let Some(base_fees) = self.base_fees {
            let expected = base_fees.highest();
            match self.block.basefee {
                0 => self.block.basefee = expected,
                got if got != expected => return Err(BaseFeeMismatch { expected, got }.into()),
                _ => {}
            }
        }
        let evm = factory.create_evm(db, EvmEnv { block_env: self.block, cfg_env: self.cfg });
        Ok(LazVm::new(factory, evm))
    }

    /// The devices of blocks and of queries, behind one memory.
    fn remembering(&self, coprocessor: Arc<dyn Coprocessor>) -> Devices {
        let queries = self.queries.clone();
        match self.outcome_bytes {
            0 => (coprocessor, queries),
            #[cfg(feature = "std")]
            bytes => {
                let blocks = CachedCoprocessor::new(coprocessor, bytes);
                let queries = queries.map(|device| Arc::new(blocks.sharing(device)) as _);
                (Arc::new(blocks), queries)
            }
            #[cfg(not(feature = "std"))]
            _ => (coprocessor, queries),
        }
    }
}

impl LazVm<EmptyDB> {
    /// Starts to put a machine together.
    #[must_use]
    pub fn builder() -> LazVmBuilder {
        LazVmBuilder::new()
    }
}

/// The device of blocks, and that of queries if it is another.
type Devices = (Arc<dyn Coprocessor>, Option<Arc<dyn Coprocessor>>);

#[cfg(feature = "std")]
const DEFAULT_OUTCOME_BYTES: usize = CachedCoprocessor::DEFAULT_BYTES;
#[cfg(not(feature = "std"))]
const DEFAULT_OUTCOME_BYTES: usize = 0;
