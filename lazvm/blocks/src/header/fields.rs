use alloy_consensus::Header;
use alloy_hardforks::EthereumHardforks;

use crate::{
    ChainSpec,
    mismatch::{Field, Mismatch, Value},
};

/// Checks that a header has the fields of its fork, and no others.
pub(super) fn check(spec: &ChainSpec, header: &Header) -> Result<(), Mismatch> {
    let time = header.timestamp;
    let shanghai = spec.is_shanghai_active_at_timestamp(time);
    let cancun = spec.is_cancun_active_at_timestamp(time);
    let prague = spec.is_prague_active_at_timestamp(time);
    for (field, is_due, is_there) in [
        (Field::WithdrawalsRoot, shanghai, header.withdrawals_root.is_some()),
        (Field::BlobGasUsed, cancun, header.blob_gas_used.is_some()),
        (Field::ExcessBlobGas, cancun, header.excess_blob_gas.is_some()),
        (Field::ParentBeaconBlockRoot, cancun, header.parent_beacon_block_root.is_some()),
        (Field::RequestsHash, prague, header.requests_hash.is_some()),
        // Of a fork that this crate does not know.
        (Field::BlockAccessList, false, header.block_access_list_hash.is_some()),
        (Field::SlotNumber, false, header.slot_number.is_some()),
    ] {
        let presence = |is| if is { Value::Present } else { Value::Absent };
        Mismatch::check(field, presence(is_due), presence(is_there))?;
    }
    Ok(())
}
