//! A small chain whose blocks are valid.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Sealed, Signature, TxKind, U256};
use lazvm::alloy_consensus::{
    BlockBody, Header, Signed, TxEnvelope, TxLegacy,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, EMPTY_WITHDRAWALS},
};
use lazvm_blocks::{
    Ancestor, Block, ChainSpec,
    alloy_hardforks::{EthereumHardfork as Fork, ForkCondition},
    difficulty, next_base_fee,
};

pub(crate) const GWEI: u64 = 1_000_000_000;

/// A chain on which every fork up to `last` is active from the first block on.
pub(crate) fn spec(last: Fork) -> Arc<ChainSpec> {
    let forks = [
        Fork::Homestead,
        Fork::Tangerine,
        Fork::SpuriousDragon,
        Fork::Byzantium,
        Fork::Constantinople,
        Fork::Petersburg,
        Fork::Istanbul,
        Fork::Berlin,
        Fork::London,
        Fork::Paris,
        Fork::Shanghai,
        Fork::Cancun,
        Fork::Prague,
        Fork::Osaka,
    ];
    let begins = |fork| match fork {
        fork if fork > last => ForkCondition::Never,
        fork if fork >= Fork::Shanghai => ForkCondition::Timestamp(0),
        _ => ForkCondition::Block(0),
    };
    Arc::new(ChainSpec::new(1, forks.map(|fork| (fork, begins(fork)))))
}

pub(crate) fn genesis(spec: &ChainSpec) -> Header {
    let mut header = Header {
        gas_limit: 30_000_000,
        timestamp: 1_000,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        ..Header::default()
    };
    if spec.is_work(0) {
        header.difficulty = U256::from(1_000_000);
    }
    fill(spec, &mut header, None);
    header
}

/// An empty block above `parent`, whose header breaks no rule.
pub(crate) fn child(spec: &ChainSpec, parent: &Header) -> Header {
    let mut header = Header {
        parent_hash: parent.hash_slow(),
        number: parent.number + 1,
        gas_limit: parent.gas_limit,
        timestamp: parent.timestamp + 12,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        ..Header::default()
    };
    if spec.is_work(header.number) {
        header.difficulty = difficulty(spec, header.timestamp, parent);
    }
    fill(spec, &mut header, Some(parent));
    header
}

/// The fields that forks add.
fn fill(spec: &ChainSpec, header: &mut Header, parent: Option<&Header>) {
    use lazvm_blocks::alloy_hardforks::EthereumHardforks;
    let time = header.timestamp;
    if spec.is_london_active_at_block(header.number) {
        let fee = parent.and_then(|parent| next_base_fee(spec, parent));
        header.base_fee_per_gas = Some(fee.unwrap_or(GWEI));
    }
    if spec.is_shanghai_active_at_timestamp(time) {
        header.withdrawals_root = Some(EMPTY_WITHDRAWALS);
    }
    if spec.is_cancun_active_at_timestamp(time) {
        header.blob_gas_used = Some(0);
        header.excess_blob_gas = Some(0);
        header.parent_beacon_block_root = Some(B256::repeat_byte(7));
    }
    if spec.is_prague_active_at_timestamp(time) {
        header.requests_hash = Some(alloy_eips::eip7685::EMPTY_REQUESTS_HASH);
    }
}

pub(crate) fn ancestor(header: &Header) -> Ancestor {
    Ancestor { header: header.clone(), hash: header.hash_slow(), ommers: Vec::new() }
}

pub(crate) fn sealed(header: Header, transactions: Vec<TxEnvelope>) -> Sealed<Block> {
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    let hash = header.hash_slow();
    let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
    Sealed::new_unchecked(Block { header, body }, hash)
}

/// A transaction whose signature is somebody's.
pub(crate) fn transaction(nonce: u64, to: Address, value: u64, gas_price: u128) -> TxEnvelope {
    let tx = TxLegacy {
        chain_id: Some(1),
        nonce,
        gas_price,
        gas_limit: 100_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        input: Bytes::new(),
    };
    let hash = B256::from(U256::from(nonce));
    TxEnvelope::Legacy(Signed::new_unchecked(tx, Signature::test_signature(), hash))
}
