use core::error::Error;

use alloy_eips::{
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
};
use alloy_primitives::Address;
use lazvm::{alloy_evm::block::StateDB, revm::primitives::KECCAK_EMPTY};

/// Returns the first contract that collects requests and has no code: a block that ends without one
/// is invalid (EIP-7002, EIP-7251).
pub(crate) fn missing_contract<DB: StateDB>(
    db: &mut DB,
) -> Result<Option<Address>, Box<dyn Error + Send + Sync>> {
    for contract in [WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS]
    {
        let hash = db.basic(contract)?.map_or(KECCAK_EMPTY, |info| info.code_hash);
        if hash == KECCAK_EMPTY || hash.is_zero() {
            return Ok(Some(contract));
        }
    }
    Ok(None)
}
