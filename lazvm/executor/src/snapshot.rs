use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256, keccak256};
use lazai_api_types::codec::{DecodeError, Reader};
use lazai_gas::{FeeLevel, Resources};

use crate::{
    Genesis,
    bytes::{counted, put_counted},
    state::ChainState,
    world::{Account, World},
};

/// The state after a block, as a file holds it. It says nothing about block hashes: those stand in
/// the journal.
///
/// Format: magic, the state root of the genesis block, height, base fees, gas, receipts root,
/// codes, accounts in the order of their addresses, and keccak256 of everything before.
pub(crate) fn encode(state: &ChainState, genesis: B256) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(genesis.as_slice());
    out.extend_from_slice(&state.height.to_be_bytes());
    for (_, market) in state.market.resources.into_array() {
        out.extend_from_slice(&market.level.0.to_be_bytes());
    }
    for (_, gas) in state.gas_used.into_array() {
        out.extend_from_slice(&gas.to_be_bytes());
    }
    out.extend_from_slice(state.receipts_root.as_slice());
    out.extend_from_slice(&(state.world.codes().len() as u64).to_be_bytes());
    for code in state.world.codes() {
        put_counted(&mut out, code.original_byte_slice());
    }
    out.extend_from_slice(&(state.world.accounts().len() as u64).to_be_bytes());
    for (address, account) in state.world.accounts() {
        out.extend_from_slice(address.as_slice());
        out.extend_from_slice(&account.nonce.to_be_bytes());
        out.extend_from_slice(&account.balance.to_be_bytes::<32>());
        out.extend_from_slice(account.code_hash.as_slice());
        out.extend_from_slice(&(account.storage.len() as u64).to_be_bytes());
        for (slot, value) in account.storage.iter() {
            out.extend_from_slice(&slot.to_be_bytes::<32>());
            out.extend_from_slice(&value.to_be_bytes::<32>());
        }
    }
    let sum = keccak256(&out);
    out.extend_from_slice(sum.as_slice());
    out
}

/// Reads what [`encode`] wrote for the same chain. Whether it is the state of a block, its
/// commitment tells.
pub(crate) fn decode(
    bytes: &[u8],
    chain: &Genesis,
    genesis: B256,
) -> Result<ChainState, SnapshotError> {
    let (body, sum) = bytes.split_last_chunk::<32>().ok_or(SnapshotError::Checksum)?;
    if keccak256(body) != B256::new(*sum) {
        return Err(SnapshotError::Checksum);
    }
    let mut reader = Reader::new(body);
    if reader.array()? != MAGIC || reader.hash()? != genesis {
        return Err(SnapshotError::Header);
    }
    let height = reader.u64()?;
    let mut market = chain.market();
    let levels = [reader.array()?, reader.array()?, reader.array()?];
    let levels = levels.map(|level| FeeLevel(u128::from_be_bytes(level)));
    let [evm, ai, inference] = levels;
    market.resources =
        market.resources.zip(Resources { evm, ai, inference }).map(|(old, level)| {
            let mut new = old;
            new.level = level;
            new
        });
    let [evm, ai, inference] = [reader.u64()?, reader.u64()?, reader.u64()?];
    let gas_used = Resources { evm, ai, inference };
    let receipts_root = reader.hash()?;
    let world = world(&mut reader)?;
    reader.finish()?;
    let rules = chain.rules_at(height.saturating_add(1)).commitment();
    Ok(ChainState { height, world, market, gas_used, receipts_root, rules })
}

fn world(reader: &mut Reader<'_>) -> Result<World, SnapshotError> {
    let mut world = World::default();
    for _ in 0..reader.u64()? {
        let code = Bytes::copy_from_slice(counted(reader)?);
        world.insert_code(code).map_err(|_| SnapshotError::Code)?;
    }
    for _ in 0..reader.u64()? {
        let address = reader.address()?;
        let (nonce, balance, code_hash) = (reader.u64()?, word(reader)?, reader.hash()?);
        let mut storage = BTreeMap::new();
        for _ in 0..reader.u64()? {
            storage.insert(word(reader)?, word(reader)?);
        }
        world.insert(address, Account::new(nonce, balance, code_hash, storage));
    }
    Ok(world)
}

fn word(reader: &mut Reader<'_>) -> Result<U256, DecodeError> {
    Ok(U256::from_be_bytes(reader.array::<32>()?))
}

/// Why a snapshot is not used; the journal has everything that it would have saved.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SnapshotError {
    /// The journal ends before it.
    #[error("the snapshot is of block {got}, and the journal ends at {last}")]
    Ahead {
        /// The last block of the journal.
        last: u64,
        /// The block of the snapshot.
        got: u64,
    },
    /// Its bytes are damaged or cut.
    #[error("the checksum of the snapshot is wrong")]
    Checksum,
    /// It holds code that cannot be.
    #[error("the snapshot holds malformed code")]
    Code,
    /// It commits to another state than the block of its height.
    #[error("the snapshot has the state root {got}, block {height} has {expected}")]
    Commitment {
        /// The height of the snapshot.
        height: u64,
        /// The state root of the block.
        expected: B256,
        /// The state root of the snapshot.
        got: B256,
    },
    /// It is no snapshot, or one of another chain.
    #[error("the file is no snapshot of this chain")]
    Header,
    /// It ends early or goes on.
    #[error(transparent)]
    Read(#[from] DecodeError),
}

const MAGIC: [u8; 8] = *b"LAZSNAP1";
