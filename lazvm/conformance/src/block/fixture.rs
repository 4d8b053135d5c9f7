use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use revm_statetest_types::blockchain::Account;
use serde::Deserialize;

/// A case of a blockchain test. `revm-statetest-types` names each network that it knows, and the
/// official tests have more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Case {
    #[serde(rename = "genesisRLP")]
    pub(super) genesis_rlp: Option<Bytes>,
    pub(super) blocks: Vec<Block>,
    pub(super) pre: BTreeMap<Address, Account>,
    pub(super) lastblockhash: B256,
    pub(super) network: String,
    #[serde(default)]
    pub(super) config: Config,
}

/// A block as it came over the network.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block {
    pub(super) rlp: Bytes,
    pub(super) expect_exception: Option<String>,
}

/// What distinguishes the chain, in newer tests.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(default)]
    pub(super) chainid: Option<U64>,
    #[serde(default)]
    pub(super) blob_schedule: BTreeMap<String, Blobs>,
}

/// How many blobs a block of a fork may have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blobs {
    pub(super) target: U64,
    pub(super) max: U64,
    pub(super) base_fee_update_fraction: U256,
}
