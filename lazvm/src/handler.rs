use alloc::string::ToString;
use core::marker::PhantomData;

use alloy_primitives::{
    U256,
    map::{AddressMap, HashSet},
};
use lazai_gas::refund;
use lazai_precompiles::Precompile;
use revm::{
    context::{Block, Cfg, ContextTr, JournalTr, Transaction},
    context_interface::LocalContextTr,
    context_interface::{
        result::{AnyError, EVMError, ExecutionResult, HaltReason, InvalidTransaction},
        transaction::{AccessListItemTr, TransactionType},
    },
    handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution, pre_execution, validation},
    inspector::{Inspector, InspectorEvmTr, InspectorHandler},
    interpreter::{Gas, interpreter::EthInterpreter},
    primitives::hardfork::SpecId,
    state::EvmState,
};

use crate::{BaseFeeMismatch, LazChain};

/// Runs a transaction as Ethereum does, with three additions: it starts with an empty meter, the AI
/// precompiles are warm, and it returns the difference between the header's base fee and those of
/// the resources it used.
#[derive(Clone, Copy, Debug)]
pub struct LazHandler<EVM>(PhantomData<fn() -> EVM>);

impl<EVM> Default for LazHandler<EVM> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<EVM> Handler for LazHandler<EVM>
where
    EVM: EvmTr<
            Context: ContextTr<Journal: JournalTr<State = EvmState>, Chain = LazChain>,
            Frame = EthFrame<EthInterpreter>,
        >,
{
    type Evm = EVM;
    type Error =
        EVMError<<<EVM::Context as ContextTr>::Db as revm::Database>::Error, InvalidTransaction>;
    type HaltReason = HaltReason;

    #[inline]
    fn validate_env(&self, evm: &mut EVM) -> Result<(), Self::Error> {
        let (block, _, cfg, _, chain, _) = evm.ctx().all_mut();
        chain.begin(block, cfg);
        chain.check_fees_known(cfg).map_err(|error| EVMError::CustomAny(AnyError::new(error)))?;
        // The block is at fault, and every node finds it. Of the errors that revm has, this is the
        // one that hosts take for a verdict and not for a failure of the node.
        check_base_fees(evm.ctx_ref())
            .map_err(|mismatch| InvalidTransaction::Str(mismatch.to_string().into()))?;
        validation::validate_env(evm.ctx())
    }

    #[inline]
    fn load_accounts(&self, evm: &mut EVM) -> Result<(), Self::Error> {
        pre_execution::load_accounts::<EVM, Self::Error>(evm)?;
        if evm.ctx_ref().chain().rules().is_some() {
            warm_precompiles(evm.ctx());
        }
        Ok(())
    }

    #[inline]
    fn reimburse_caller(&self, evm: &mut EVM, result: &mut FrameResult) -> Result<(), Self::Error> {
        let context = evm.ctx();
        let refund = resource_refund(context, result.gas());
        post_execution::reimburse_caller(context, result.gas(), refund).map_err(From::from)
    }

    /// Notes the gas that was used before the frames are dropped, which know it.
    fn catch_error(
        &self,
        evm: &mut EVM,
        error: Self::Error,
    ) -> Result<ExecutionResult<HaltReason>, Self::Error> {
        let frames = evm.frame_stack();
        let mut left = 0_u64;
        while frames.index().is_some() {
            left = left.saturating_add(frames.get().interpreter.gas.remaining());
            frames.pop();
        }
        let (_, tx, _, journal, chain, local) = evm.ctx().all_mut();
        chain.record_error(tx.gas_limit(), left);
        local.clear();
        journal.discard_tx();
        Err(error)
    }
}

impl<EVM> InspectorHandler for LazHandler<EVM>
where
    EVM: InspectorEvmTr<
            Context: ContextTr<Journal: JournalTr<State = EvmState>, Chain = LazChain>,
            Frame = EthFrame<EthInterpreter>,
            Inspector: Inspector<<EVM as EvmTr>::Context, EthInterpreter>,
        >,
{
    type IT = EthInterpreter;
}

/// Checks that the block shows the highest base fee. A header below the dearest resource would
/// undercharge it, one above would refund too much.
#[inline]
pub(crate) fn check_base_fees<CTX: ContextTr<Chain = LazChain>>(
    context: &CTX,
) -> Result<(), BaseFeeMismatch> {
    let Some(base_fees) = context.chain().base_fees() else { return Ok(()) };
    let cfg = context.cfg();
    // Where the base fee is not checked, a simulation chose the header.
    if cfg.is_base_fee_check_disabled() || !cfg.spec().into().is_enabled_in(SpecId::LONDON) {
        return Ok(());
    }
    match (base_fees.highest(), context.block().basefee()) {
        (expected, got) if expected == got => Ok(()),
        (expected, got) => Err(BaseFeeMismatch { expected, got }),
    }
}

/// Makes the AI precompiles warm, as Ethereum's are.
///
/// They are not among the journal's precompiles, because tracers leave calls of those out: nobody
/// would see in a trace which model was asked.
fn warm_precompiles<CTX: ContextTr<Chain = LazChain>>(context: &mut CTX) {
    if !context.cfg().spec().into().is_enabled_in(SpecId::BERLIN) {
        return;
    }
    let (tx, journal) = context.tx_journal_mut();
    let addresses = Precompile::ALL.map(|precompile| (precompile.address(), HashSet::default()));
    let mut warm: AddressMap<HashSet<U256>> = addresses.into_iter().collect();
    // What is warm replaces what was before.
    if tx.tx_type() != TransactionType::Legacy as u8
        && let Some(list) = tx.access_list()
    {
        for item in list {
            let slots = item.storage_slots().map(|slot| U256::from_be_bytes(slot.0));
            warm.entry(*item.address()).or_default().extend(slots);
        }
    }
    journal.warm_access_list(warm);
}

#[inline]
fn resource_refund<CTX: ContextTr<Chain = LazChain>>(context: &CTX, gas: &Gas) -> U256 {
    let chain = context.chain();
    let Some(base_fees) = chain.base_fees() else { return U256::ZERO };
    // Before London nothing is burned, so there is nothing to give back.
    if !context.cfg().spec().into().is_enabled_in(SpecId::LONDON) {
        return U256::ZERO;
    }
    let header = u128::from(context.block().basefee());
    let price = context.tx().effective_gas_price(header);
    // State gas that was set aside and not used (EIP-8037) is reimbursed, not paid for.
    let used = gas.used().saturating_sub(gas.reservoir());
    refund(&chain.meter().apportion(used), price, header, &base_fees.map(u128::from))
}
