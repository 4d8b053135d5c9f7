use core::convert::Infallible;

use alloy_consensus::Transaction;
use lazvm::revm::{
    Context, MainBuilder, MainContext,
    context::{BlockEnv, Cfg, CfgEnv},
    context_interface::result::{EVMError, InvalidTransaction},
    handler::{Handler, MainnetHandler},
};

use crate::{PoolError, SignedTransaction};

/// Asks of a transaction what revm asks before it looks at an account: one that fails here is in no
/// block of a chain with this configuration and gas limit, whatever its state and its fees.
pub(crate) fn check(
    transaction: &SignedTransaction,
    cfg: &CfgEnv,
    block_gas: u64,
) -> Result<(), PoolError> {
    let tx = transaction.envelope();
    if tx.gas_limit() > block_gas {
        return Err(PoolError::GasLimit { max: block_gas, got: tx.gas_limit() });
    }
    // Without a base fee: that of a later block may be lower than any that is known.
    let block = BlockEnv { gas_limit: block_gas, ..BlockEnv::default() };
    let context = Context::mainnet().with_cfg(cfg.clone()).with_block(block);
    let mut evm = context.with_tx(transaction.to_env()).build_mainnet();
    let handler = MainnetHandler::<_, EVMError<Infallible>, _>::default();
    let checked = handler
        .validate_env(&mut evm)
        .and_then(|()| handler.validate_initial_tx_gas(&mut evm).map(|_| ()));
    checked.map_err(|error| match error {
        EVMError::Transaction(
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas: least, gas_limit: got }
            | InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor: least, gas_limit: got },
        ) => PoolError::TooLittleGas { least, got },
        EVMError::Transaction(InvalidTransaction::PriorityFeeGreaterThanMaxFee) => {
            let got = tx.max_priority_fee_per_gas().unwrap_or_default();
            PoolError::Tip { max: tx.max_fee_per_gas(), got }
        }
        EVMError::Transaction(InvalidTransaction::CreateInitCodeSizeLimit) => {
            PoolError::InitCode { max: cfg.max_initcode_size(), got: tx.input().len() }
        }
        error => PoolError::Invalid { reason: error.to_string() },
    })
}
