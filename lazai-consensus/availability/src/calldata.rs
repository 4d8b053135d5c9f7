use alloc::vec::Vec;

use lazai_consensus::evm::calldata;

use crate::{DatasetCommitment, Opening};

/// Encodes a call of `DataOpeningVerifier.verify(bytes32 root, bytes opening)`, which verifies
/// `opening` against the root of the dataset of `commitment`.
///
/// The second argument is what [`verify_opening_proof`](crate::verify_opening_proof) reads.
#[must_use]
pub fn opening_calldata(commitment: &DatasetCommitment, opening: &Opening) -> Vec<u8> {
    let mut proof = commitment.encode().to_vec();
    proof.extend_from_slice(&opening.encode());
    calldata(SELECTOR, &commitment.root(), &[&proof])
}

/// The selector of `verify(bytes32,bytes)`.
const SELECTOR: [u8; 4] = [0x25, 0x8a, 0xe5, 0x82];
