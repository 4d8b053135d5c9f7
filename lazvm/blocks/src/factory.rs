use std::sync::Arc;

use alloy_consensus::{ReceiptEnvelope, TxEnvelope, TxReceipt};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, Log};
use lazvm::{
    LazBlockExecutorFactory, LazEvmFactory,
    alloy_evm::{
        EthEvmFactory, EvmFactory,
        block::{BlockExecutorFactory, StateDB},
        eth::{
            EthBlockExecutionCtx, EthBlockExecutorFactory, receipt_builder::AlloyReceiptBuilder,
            spec::EthExecutorSpec,
        },
    },
    revm::{
        context::{BlockEnv, TxEnv},
        inspector::Inspector,
        primitives::hardfork::SpecId,
    },
};

use crate::{ChainSpec, LazBlockExecutor};

/// Makes [`LazBlockExecutor`]s: Ethereum's specification before another factory.
#[derive(Clone, Debug)]
pub struct LazBlockExecutors<F> {
    factory: F,
    spec: Arc<ChainSpec>,
}

/// Makes executors of blocks with AI calls.
pub type LazExecutors = LazBlockExecutors<
    LazBlockExecutorFactory<EthBlockExecutorFactory<AlloyReceiptBuilder, AlloySpec, LazEvmFactory>>,
>;

/// Makes executors of blocks without, to compare with.
pub type EthExecutors =
    LazBlockExecutors<EthBlockExecutorFactory<AlloyReceiptBuilder, AlloySpec, EthEvmFactory>>;

/// What makes executors of Ethereum's blocks.
pub trait EthereumExecutors:
    for<'a> BlockExecutorFactory<
        EvmFactory: EvmFactory<Tx = TxEnv, Spec = SpecId, BlockEnv = BlockEnv>,
        ExecutionCtx<'a> = EthBlockExecutionCtx<'a>,
        Receipt = ReceiptEnvelope,
        Transaction = TxEnvelope,
    >
{
}

impl<F> EthereumExecutors for F where
    F: for<'a> BlockExecutorFactory<
            EvmFactory: EvmFactory<Tx = TxEnv, Spec = SpecId, BlockEnv = BlockEnv>,
            ExecutionCtx<'a> = EthBlockExecutionCtx<'a>,
            Receipt = ReceiptEnvelope,
            Transaction = TxEnvelope,
        >
{
}

impl LazExecutors {
    /// Executes the blocks of the chain `spec` by the EVMs of `factory`.
    #[must_use]
    pub fn new(spec: Arc<ChainSpec>, factory: LazEvmFactory) -> Self {
        let alloy = AlloySpec(Arc::clone(&spec));
        let factory = EthBlockExecutorFactory::new(AlloyReceiptBuilder::default(), alloy, factory);
        Self { factory: LazBlockExecutorFactory::new(factory), spec }
    }
}

impl EthExecutors {
    /// Executes the blocks of the chain `spec` by Ethereum's EVM.
    #[must_use]
    pub fn ethereum(spec: Arc<ChainSpec>) -> Self {
        let alloy = AlloySpec(Arc::clone(&spec));
        let (receipts, factory) = (AlloyReceiptBuilder::default(), EthEvmFactory::default());
        Self { factory: EthBlockExecutorFactory::new(receipts, alloy, factory), spec }
    }
}

impl<F> LazBlockExecutors<F> {
    /// Returns the rules of the chain.
    pub const fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }
}

impl<F> BlockExecutorFactory for LazBlockExecutors<F>
where
    F: BlockExecutorFactory<Receipt: TxReceipt<Log = Log>>,
{
    type EvmFactory = F::EvmFactory;
    type TxExecutionResult = F::TxExecutionResult;
    type ExecutionCtx<'a> = F::ExecutionCtx<'a>;
    type Transaction = F::Transaction;
    type Receipt = F::Receipt;
    type Executor<'a, DB: StateDB, I: Inspector<<F::EvmFactory as EvmFactory>::Context<DB>>> =
        LazBlockExecutor<F::Executor<'a, DB, I>>;

    fn evm_factory(&self) -> &F::EvmFactory {
        self.factory.evm_factory()
    }

    fn create_executor<'a, DB, I>(
        &'a self,
        evm: <F::EvmFactory as EvmFactory>::Evm<DB, I>,
        ctx: F::ExecutionCtx<'a>,
    ) -> Self::Executor<'a, DB, I>
    where
        DB: StateDB,
        I: Inspector<<F::EvmFactory as EvmFactory>::Context<DB>>,
    {
        LazBlockExecutor::new(self.factory.create_executor(evm, ctx), Arc::clone(&self.spec))
    }
}

/// The rules of a chain as alloy-evm's executor is told them: without the fork of the DAO, whose
/// money it moves too late.
#[derive(Clone, Debug)]
pub struct AlloySpec(Arc<ChainSpec>);

impl EthereumHardforks for AlloySpec {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        match fork {
            EthereumHardfork::Dao => ForkCondition::Never,
            _ => self.0.ethereum_fork_activation(fork),
        }
    }
}

impl EthExecutorSpec for AlloySpec {
    fn deposit_contract_address(&self) -> Option<Address> {
        Some(self.0.deposit_contract())
    }
}
