//! Keys that anyone can make, and proofs under them that take a verifier as long as any, for tests
//! and benches.

use alloy_primitives::{B256, hex};
use lazai_api_types::InferenceStatement;

use crate::VerifyingKey;

/// Returns a key whose commitments are all the generator, with so many columns of each of the five
/// kinds, that reads and writes `integers` of 32 bits; `None` if it would have more commitments
/// than any that is registered.
#[must_use]
pub fn key(columns: [u8; 5], integers: u32) -> Option<VerifyingKey> {
    let mut key = vec![2];
    key.extend([7; 32]);
    // A tensor is read, and logits are written.
    key.extend([1, 1]);
    for _ in 0..2 {
        key.extend(integers.to_be_bytes());
        key.push(32);
    }
    key.extend([0; 17]);
    key.push(22);
    key.extend(columns);
    key.extend(DEVELOPMENT);
    // The abscissa of the generator is 1.
    let one: [u8; 32] = core::array::from_fn(|index| u8::from(index == 0));
    // The number of commitments follows from the columns.
    (0..MAX_COMMITMENTS).find_map(|_| {
        key.extend_from_slice(&one);
        VerifyingKey::from_bytes(&key).ok()
    })
}

/// Returns a true statement about so many integers, and an envelope that is read to its end, so
/// that the last equation alone refuses it.
#[must_use]
pub fn claim(key: &VerifyingKey, integers: u32) -> (InferenceStatement, Vec<u8>) {
    let numbers = vec![i32::from_le_bytes([1; 4]); integers as usize];
    let statement = key.public_inputs.statement(&numbers, &numbers, B256::ZERO);
    let mut envelope = vec![1; 1 + 8 * integers as usize];
    // Points, then numbers, then two points. The generator is (1, 2), and so are the numbers.
    let words = key.proof_bytes() / 32;
    for word in (0..words - 4).chain(0..4) {
        envelope.extend([0; 31]);
        envelope.push(1 + (word % 2) as u8);
    }
    (statement, envelope)
}

/// The published secret times the generator of G2.
const DEVELOPMENT: [u8; 128] = hex!(
    "16d5f409b5cefbf93a61b02d0403d173d0c012be8b286d4a056f638d479dffe1"
    "2fdc3e39101c84a1c2d2419daa7be82834a535d4080cbab49f49ffc6bee25898"
    "16a68dce1278c7ec6f6eb71b60fb580e822c3f8a8d25be8b7dbd1fd9f0d27cb5"
    "11318f261d644f804197708d4770695595b06df6f3d3dfe2ac7223cbafca8ae2"
);

/// Commitments of the longest key, of 16 KiB.
const MAX_COMMITMENTS: usize = 505;
