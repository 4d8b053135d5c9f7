use alloc::string::{String, ToString};
use core::marker::PhantomData;

use alloy_primitives::U256;
use lazai_gas::refund;
use revm::{
    context::{Block, Cfg, ContextTr, JournalTr, Transaction},
    context_interface::result::{EVMError, HaltReason, InvalidTransaction},
    handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution, validation},
    inspector::{Inspector, InspectorEvmTr, InspectorHandler},
    interpreter::{Gas, interpreter::EthInterpreter},
    primitives::hardfork::SpecId,
    state::EvmState,
};

use crate::{BuildError, LazChain};

/// Runs a transaction as Ethereum does, with two additions: it starts with an empty meter, and it
/// returns the difference between the header's base fee and those of the resources it used.
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
        evm.ctx().chain_mut().reset();
        check_base_fees(evm.ctx_ref()).map_err(EVMError::Custom)?;
        validation::validate_env(evm.ctx())
    }

    #[inline]
    fn reimburse_caller(&self, evm: &mut EVM, result: &mut FrameResult) -> Result<(), Self::Error> {
        let context = evm.ctx();
        let refund = resource_refund(context, result.gas());
        post_execution::reimburse_caller(context, result.gas(), refund).map_err(From::from)
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
fn check_base_fees<CTX: ContextTr<Chain = LazChain>>(context: &CTX) -> Result<(), String> {
    let Some(base_fees) = context.chain().base_fees() else { return Ok(()) };
    let cfg = context.cfg();
    // Where the base fee is not checked, a simulation chose the header.
    if cfg.is_base_fee_check_disabled() || !cfg.spec().into().is_enabled_in(SpecId::LONDON) {
        return Ok(());
    }
    match (base_fees.highest(), context.block().basefee()) {
        (expected, got) if expected == got => Ok(()),
        (expected, got) => Err(BuildError::BaseFeeMismatch { expected, got }.to_string()),
    }
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
