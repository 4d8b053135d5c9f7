//! Verifying keys in the chain's state: each is the code of an account of its own.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, Bytes};
use lazai_api_types::{Fault, ProofSystemId, key_hash};

use crate::ChainState;

/// Returns the address of the key with this hash: the last 20 bytes of the hash.
#[must_use]
pub fn key_address(key_hash: B256) -> Address {
    Address::from_word(key_hash)
}

/// What stands at the address of a key hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Slot {
    Free,
    /// A key, whose hash is yet to be checked: several hashes share an address.
    Key(Bytes),
    /// Something that [`store`] did not put there.
    Occupied,
}

pub(crate) fn load(state: &mut dyn ChainState, key_hash: B256) -> Result<Slot, Fault> {
    let account = state.account(key_address(key_hash))?;
    Ok(match (account.nonce, account.code.first()) {
        (0, None) => Slot::Free,
        // A contract that the EVM created has a nonce, so that no contract can pose as an admitted
        // key.
        (0, Some(&STOP)) => Slot::Key(account.code.slice(1..)),
        _ => Slot::Occupied,
    })
}

/// Returns whether `key` is the one that `key_hash` names. Costs a hash of the whole key.
pub(crate) fn matches(system: ProofSystemId, key: &[u8], hash: B256) -> bool {
    key_hash(system, key) == hash
}

/// Writes an admitted key to its free slot.
pub(crate) fn store(state: &mut dyn ChainState, key_hash: B256, key: &[u8]) -> Result<(), Fault> {
    let mut code = Vec::with_capacity(1 + key.len());
    code.push(STOP);
    code.extend_from_slice(key);
    state.set_code(key_address(key_hash), code.into())
}

/// What reading the account of a key costs, cold or not: EIP-2929's price of a cold account.
pub(crate) const ACCESS_GAS: u64 = 2_600;

/// Returns the gas of storing a key besides the access: a new account and each byte of its code as
/// CREATE prices them, and a log with four topics.
pub(crate) const fn store_gas(key_bytes: u64) -> u64 {
    const CREATE_GAS: u64 = 32_000;
    const CODE_GAS_PER_BYTE: u64 = 200;
    const LOG_GAS: u64 = 375 + 4 * 375;
    key_bytes
        .saturating_add(1)
        .saturating_mul(CODE_GAS_PER_BYTE)
        .saturating_add(CREATE_GAS + LOG_GAS)
}

/// Returns the gas of copying a key to the caller: three gas a word, as CODECOPY.
pub(crate) const fn copy_gas(key_bytes: u64) -> u64 {
    key_bytes.div_ceil(32).saturating_mul(3)
}

/// First byte of the code: a call of the account does nothing, and the code is neither a delegation
/// nor reserved.
const STOP: u8 = 0;

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256};

    use super::*;

    #[test]
    fn the_address_is_the_end_of_the_hash() {
        let hash = b256!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        assert_eq!(key_address(hash), address!("0c0d0e0f101112131415161718191a1b1c1d1e1f"));
    }

    #[test]
    fn prices_are_ethereum_s() {
        assert_eq!(store_gas(34_368), 200 * 34_369 + 32_000 + 1_875);
        assert_eq!((copy_gas(0), copy_gas(1), copy_gas(33)), (0, 3, 6));
        assert_eq!(store_gas(u64::MAX), u64::MAX);
    }
}
