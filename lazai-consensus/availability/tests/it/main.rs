//! Tests of off-chain data through the public API.

// Helpers of tests are no tests to the lint.
#![allow(clippy::type_complexity, clippy::unwrap_used)]

mod audit;
#[path = "../../../tests/it/evm/chain.rs"]
mod chain;
mod coding;
mod contract;
mod inconsistent;
mod leaves;
mod mutation;
mod precompile;
#[path = "../../../tests/it/support.rs"]
mod support;

use std::collections::BTreeMap;

use lazai_availability::{Coding, Manifest, RestoreError, Shard, decode, encode};

/// Shards by stripe and index.
type Shards = BTreeMap<(u32, u16), Shard<'static>>;

/// Returns pseudorandom bytes.
fn data(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .collect()
}

fn coding(n: u16, stripe_bytes: u32) -> Coding {
    Coding::with_stripe_bytes(n, stripe_bytes).unwrap()
}

fn publish(data: &[u8], coding: Coding) -> (Manifest, Shards) {
    let mut shards = Vec::new();
    let manifest = encode(data, coding, &mut shards).unwrap();
    (manifest, shards.into_iter().map(|shard| ((shard.stripe, shard.index), shard)).collect())
}

fn restored(manifest: &Manifest, shards: &mut Shards) -> Result<Vec<u8>, RestoreError> {
    let mut output = Vec::new();
    decode(manifest, shards, &mut output)?;
    Ok(output)
}
