use alloy_consensus::Header;
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;

use super::HeaderError;
use crate::{
    ChainSpec,
    mismatch::{Field, Mismatch},
};

/// Checks the blob gas of a header (EIP-4844, EIP-7918).
pub(super) fn check(spec: &ChainSpec, header: &Header, parent: &Header) -> Result<(), HeaderError> {
    let Some(params) = spec.blob_params(header.timestamp) else { return Ok(()) };
    let got = header.blob_gas_used.unwrap_or_default();
    let (blob, max) = (DATA_GAS_PER_BLOB, params.max_blob_gas_per_block());
    if got > max || !got.is_multiple_of(blob) {
        return Err(HeaderError::BlobGas { blob, max, got });
    }
    // The parent of the first block of Cancun has used none.
    let expected = params.next_block_excess_blob_gas_osaka(
        parent.excess_blob_gas.unwrap_or_default(),
        parent.blob_gas_used.unwrap_or_default(),
        parent.base_fee_per_gas.unwrap_or_default(),
    );
    Mismatch::check(Field::ExcessBlobGas, expected, header.excess_blob_gas)?;
    Ok(())
}
