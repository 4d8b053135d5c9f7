use alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_eips::eip1559::GAS_LIMIT_BOUND_DIVISOR;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{B64, B256};

use super::{HeaderError, base_fee, blobs, fields, next_base_fee, work};
use crate::{
    ChainSpec,
    mismatch::{Field, Mismatch, Value},
};

/// Checks a header by what its parent makes of it. What its body and its execution make of it is
/// checked [elsewhere](crate::Importer), and whether it is of the future by whoever has a clock.
///
/// Work is not checked: who needs that of an old chain checks it besides.
///
/// # Errors
/// [`HeaderError`] for the first rule that the header breaks.
pub fn check_header(
    spec: &ChainSpec,
    header: &Header,
    parent: &Header,
    parent_hash: B256,
) -> Result<(), HeaderError> {
    Mismatch::check(Field::ParentHash, parent_hash, header.parent_hash)?;
    let number = parent.number.checked_add(1);
    Mismatch::check(Field::Number, number, header.number)?;
    if header.timestamp <= parent.timestamp {
        return Err(HeaderError::Time { parent: parent.timestamp, got: header.timestamp });
    }
    check_extra_data(spec, header)?;
    check_gas(header, base_fee::parent_gas_limit(spec, header.number, parent))?;
    let fee = next_base_fee(spec, parent);
    if !spec.has_market() || fee.is_some() != header.base_fee_per_gas.is_some() {
        Mismatch::check(Field::BaseFee, fee, header.base_fee_per_gas)?;
    }
    fields::check(spec, header)?;
    blobs::check(spec, header, parent)?;
    if spec.is_work(header.number) {
        let expected = work::difficulty(spec, header.timestamp, parent);
        Mismatch::check(Field::Difficulty, expected, header.difficulty)?;
    } else {
        // EIP-3675.
        Mismatch::check(Field::Difficulty, 0, header.difficulty)?;
        Mismatch::check(Field::OmmersHash, EMPTY_OMMER_ROOT_HASH, header.ommers_hash)?;
        let nonce = |nonce: B64| Value::from(u64::from(nonce));
        Mismatch::check(Field::Nonce, nonce(B64::ZERO), nonce(header.nonce))?;
    }
    Ok(())
}

fn check_extra_data(spec: &ChainSpec, header: &Header) -> Result<(), HeaderError> {
    let (got, max) = (header.extra_data.len(), MAX_EXTRA_DATA_BYTES);
    if got > max {
        return Err(HeaderError::ExtraData { max, got });
    }
    if let ForkCondition::Block(dao) = spec.ethereum_fork_activation(EthereumHardfork::Dao)
        && (dao..dao.saturating_add(DAO_BLOCKS)).contains(&header.number)
        && dao > 0
        && header.extra_data.as_ref() != DAO_EXTRA_DATA
    {
        return Err(HeaderError::DaoExtraData { got: header.extra_data.clone() });
    }
    Ok(())
}

fn check_gas(header: &Header, parent: u64) -> Result<(), HeaderError> {
    let (max, got) = (header.gas_limit, header.gas_used);
    if got > max {
        return Err(HeaderError::GasUsed { max, got });
    }
    let is_near = max.abs_diff(parent) < parent / GAS_LIMIT_BOUND_DIVISOR;
    if !is_near || !(MIN_GAS_LIMIT..=MAX_GAS_LIMIT).contains(&max) {
        return Err(HeaderError::GasLimit { parent, got: max });
    }
    Ok(())
}

/// Most bytes that a header says what it wants in.
const MAX_EXTRA_DATA_BYTES: usize = 32;

/// What the first blocks of the chain on which the money of the DAO was moved say.
const DAO_EXTRA_DATA: &[u8] = b"dao-hard-fork";

/// How many blocks say it.
const DAO_BLOCKS: u64 = 10;

/// Least gas limit of a block.
const MIN_GAS_LIMIT: u64 = 5_000;

/// Most gas limit of a block, in which clients count with a sign (EIP-1985).
const MAX_GAS_LIMIT: u64 = i64::MAX.unsigned_abs();
