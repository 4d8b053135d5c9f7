//! Blocks of mainnet, executed as alloy-evm's executor of blocks does.

use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use lazai_precompiles::address::RAW_PROMPT;
use lazvm::{
    LazEvmFactory,
    alloy_consensus::{ReceiptEnvelope, Signed, TxEnvelope, TxLegacy, transaction::Recovered},
    alloy_evm::{
        EvmEnv, EvmFactory,
        block::{BlockExecutionError, BlockExecutionResult, BlockExecutor, BlockExecutorFactory},
        eth::{
            EthBlockExecutionCtx, EthBlockExecutorFactory, receipt_builder::AlloyReceiptBuilder,
            spec::EthSpec,
        },
    },
    revm::{
        context::{BlockEnv, CfgEnv},
        database::{InMemoryDB, State},
        inspector::CountInspector,
        primitives::hardfork::SpecId,
    },
};

use super::{BENEFICIARY, SENDER, database};

pub(crate) type Executors = EthBlockExecutorFactory<AlloyReceiptBuilder, EthSpec, LazEvmFactory>;

pub(crate) fn executors(factory: LazEvmFactory) -> Executors {
    EthBlockExecutorFactory::new(AlloyReceiptBuilder::default(), EthSpec::mainnet(), factory)
}

/// What makes executors of Ethereum's blocks.
pub(crate) trait EthereumExecutors:
    for<'a> BlockExecutorFactory<
        EvmFactory = LazEvmFactory,
        Transaction = TxEnvelope,
        ExecutionCtx<'a> = EthBlockExecutionCtx<'a>,
        Receipt = ReceiptEnvelope,
    >
{
}

impl<F> EthereumExecutors for F where
    F: for<'a> BlockExecutorFactory<
            EvmFactory = LazEvmFactory,
            Transaction = TxEnvelope,
            ExecutionCtx<'a> = EthBlockExecutionCtx<'a>,
            Receipt = ReceiptEnvelope,
        >
{
}

/// A transaction of [`SENDER`], whose signature nobody looks at, to the raw prompt.
pub(crate) fn asks(text: &str, nonce: u64) -> Recovered<TxEnvelope> {
    sends(RAW_PROMPT, text.as_bytes(), nonce, 1_000_000)
}

/// A transaction that calls no model.
pub(crate) fn pays(nonce: u64) -> Recovered<TxEnvelope> {
    sends(BENEFICIARY, b"", nonce, 21_000)
}

/// A transaction of [`SENDER`].
pub(crate) fn sends(to: Address, data: &[u8], nonce: u64, gas_limit: u64) -> Recovered<TxEnvelope> {
    let tx = TxLegacy {
        chain_id: Some(1),
        nonce,
        gas_price: 100,
        gas_limit,
        to: TxKind::Call(to),
        value: U256::ZERO,
        input: Bytes::copy_from_slice(data),
    };
    let hash = alloy_primitives::keccak256([data, &nonce.to_be_bytes()].concat());
    let signed = Signed::new_unchecked(tx, Signature::test_signature(), hash);
    Recovered::new_unchecked(TxEnvelope::Legacy(signed), SENDER)
}

/// A block of mainnet in a fork, and what of it is checked: each bit of `off` switches a check off.
pub(crate) fn env(fork: (SpecId, u64, u64), header: u64, off: u8) -> EvmEnv {
    let (spec, number, timestamp) = fork;
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(spec);
    let is_off = |bit: u8| off & 1 << bit != 0;
    cfg_env.disable_nonce_check = is_off(0);
    cfg_env.disable_base_fee = is_off(1);
    cfg_env.disable_balance_check = is_off(2);
    cfg_env.disable_fee_charge = is_off(3);
    cfg_env.disable_eip3607 = is_off(4);
    cfg_env.disable_block_gas_limit = is_off(5);
    cfg_env.tx_chain_id_check = !is_off(6);
    let block_env = BlockEnv {
        number: U256::from(number),
        timestamp: U256::from(timestamp),
        basefee: header,
        gas_limit: 30_000_000,
        prevrandao: Some(B256::ZERO),
        ..BlockEnv::default()
    };
    EvmEnv { cfg_env, block_env }
}

pub(crate) const fn context(parent_hash: B256) -> EthBlockExecutionCtx<'static> {
    EthBlockExecutionCtx {
        parent_hash,
        parent_beacon_block_root: Some(B256::ZERO),
        ommers: &[],
        withdrawals: None,
        extra_data: Bytes::new(),
        tx_count_hint: None,
        slot_number: None,
    }
}

/// A state of the network's accounts, in memory.
pub(crate) fn state() -> State<InMemoryDB> {
    State::builder().with_database(database(&[])).with_bundle_update().build()
}

pub(crate) fn execute<F>(
    executors: &F,
    env: EvmEnv,
    inspect: bool,
    transactions: &[Recovered<TxEnvelope>],
) -> Result<BlockExecutionResult<ReceiptEnvelope>, BlockExecutionError>
where
    F: EthereumExecutors,
{
    execute_above(executors, B256::ZERO, env, inspect, transactions)
}

/// As [`execute`], above a parent that has a name.
pub(crate) fn execute_above<F>(
    executors: &F,
    parent: B256,
    env: EvmEnv,
    inspect: bool,
    transactions: &[Recovered<TxEnvelope>],
) -> Result<BlockExecutionResult<ReceiptEnvelope>, BlockExecutionError>
where
    F: EthereumExecutors,
{
    let mut state = state();
    let factory = executors.evm_factory();
    if inspect {
        let evm = factory.create_evm_with_inspector(&mut state, env, CountInspector::new());
        executors.create_executor(evm, context(parent)).execute_block(transactions)
    } else {
        let evm = factory.create_evm(&mut state, env);
        executors.create_executor(evm, context(parent)).execute_block(transactions)
    }
}

pub(crate) const PRAGUE: (SpecId, u64, u64) = (SpecId::PRAGUE, 22_500_000, 1_746_700_000);

/// Blocks of mainnet, by fork, number and time.
pub(crate) const BLOCKS: [(SpecId, u64, u64); 5] = [
    (SpecId::LONDON, 13_000_000, 1_628_600_000),
    (SpecId::SHANGHAI, 17_100_000, 1_681_500_000),
    (SpecId::CANCUN, 19_500_000, 1_710_500_000),
    PRAGUE,
    (SpecId::OSAKA, 24_000_000, 1_764_900_000),
];
