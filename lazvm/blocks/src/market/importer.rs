use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::Sealed;
use lazai_gas::{Eip1559, FeeMarket, FeeRule};
use lazvm::{
    LazEvmFactory,
    alloy_evm::{
        EvmFactory,
        block::{BlockExecutionError, BlockExecutorFactory, InternalBlockExecutionError, StateDB},
    },
};

use super::{Market, MarketExecutor, Treasury, state::fees};
use crate::{
    Ancestor, Block, BlockError, ChainSpec, Field, LazExecutors, Mismatch, Outcome, Recovered,
    import::{check, context, run},
    next_base_fee,
};

/// Judges blocks of a chain whose base fees stand in its state.
#[derive(Clone, Debug)]
pub struct MarketImporter<R = Eip1559> {
    spec: Arc<ChainSpec>,
    factory: LazEvmFactory,
    market: Market<R>,
    treasury: Option<Treasury>,
}

impl<R: Clone + FeeRule> MarketImporter<R> {
    /// Executes the blocks of the chain `spec` by the EVMs of `factory`, at the fees of `market`.
    #[must_use]
    pub fn new(spec: ChainSpec, factory: LazEvmFactory, market: Market<R>) -> Self {
        Self { spec: Arc::new(spec.with_market()), factory, market, treasury: None }
    }

    /// Pays a part of the base fees to an account, at the end of each block.
    #[must_use]
    pub const fn with_treasury(mut self, treasury: Treasury) -> Self {
        self.treasury = Some(treasury);
        self
    }

    /// Returns the rules of the chain.
    pub const fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }

    /// Checks a block by its ancestors, as [`Importer::check`](crate::Importer::check) does, but
    /// for its base fee.
    ///
    /// # Errors
    /// [`BlockError`] for the first rule that the block breaks.
    pub fn check(
        &self,
        block: Sealed<Block>,
        ancestors: &[Ancestor],
    ) -> Result<Recovered, BlockError> {
        check(&self.spec, block, ancestors)
    }

    /// Executes a block on the state of `parent`, and checks what its header says of base fee and
    /// outcome. The changes are in `db`, also where the block is refused.
    ///
    /// # Errors
    /// [`BlockError`] for the first rule that the block breaks, or a fault of this node.
    pub fn execute<DB>(
        &self,
        block: &Recovered,
        parent: &Header,
        mut db: DB,
    ) -> Result<Outcome, BlockError>
    where
        DB: StateDB + core::fmt::Debug,
    {
        let header = &block.block().header;
        let market = self.market(&mut db, header.gas_limit)?;
        let fee = self.base_fee(market.as_ref(), parent);
        Mismatch::check(Field::BaseFee, fee, header.base_fee_per_gas)?;
        let executors = self.executors(market.as_ref());
        let evm = executors.evm_factory().create_evm(db, self.spec.evm_env(header));
        let executor = executors.create_executor(evm, context(block.block()));
        let executor = MarketExecutor::new(executor, market, self.treasury);
        run(&self.spec, block, executor, None).map(|(_, outcome)| outcome)
    }

    pub(crate) const fn treasury(&self) -> Option<Treasury> {
        self.treasury
    }

    /// The market of the block above a state.
    pub(crate) fn market<DB: StateDB>(
        &self,
        db: &mut DB,
        gas_limit: u64,
    ) -> Result<Option<FeeMarket<R>>, BlockError> {
        self.market.read(db, gas_limit).map_err(|error| {
            let error = InternalBlockExecutionError::Other(Box::new(error));
            BlockExecutionError::from(error).into()
        })
    }

    /// What the header of the block above `parent` shows.
    pub(crate) fn base_fee(&self, market: Option<&FeeMarket<R>>, parent: &Header) -> Option<u64> {
        let ethereum = next_base_fee(&self.spec, parent);
        ethereum.map(|fee| market.map_or(fee, |market| fees(market).highest()))
    }

    /// Executors at the fees of a market.
    pub(crate) fn executors(&self, market: Option<&FeeMarket<R>>) -> LazExecutors {
        LazExecutors::new(Arc::clone(&self.spec), self.evms(market))
    }

    /// EVMs at the fees of a market.
    pub(crate) fn evms(&self, market: Option<&FeeMarket<R>>) -> LazEvmFactory {
        self.factory.clone().with_base_fees(market.map(fees))
    }
}
