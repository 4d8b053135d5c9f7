//! The digests of RISC Zero: SHA-256 over tagged structures.

use alloy_primitives::B256;
use sha2::{Digest, Sha256};

/// Computes the digest of the claim that program `image_id` halted with code 0 and the public
/// values `journal`, without assumptions.
pub(crate) fn claim(image_id: B256, journal: &[u8]) -> B256 {
    let post_state = tagged("risc0.SystemState", &[B256::ZERO], &[0]);
    let output = tagged("risc0.Output", &[sha256(journal), B256::ZERO], &[]);
    // No input; then the exit code, whose two parts say "halted" and 0.
    tagged("risc0.ReceiptClaim", &[B256::ZERO, image_id, post_state, output], &[0, 0])
}

/// Computes the selector with which every seal starts: the first four bytes of the digest of
/// everything that a verifier is built from.
///
/// `verifying_key` is alpha, beta, gamma, delta and one point more than there are inputs, all
/// uncompressed; other sizes have no selector.
#[cfg(feature = "groth16")]
pub(crate) fn selector(
    control_root: B256,
    control_id: B256,
    verifying_key: &[u8],
) -> Option<[u8; 4]> {
    let (alpha, rest) = verifying_key.split_first_chunk::<64>()?;
    let (g2, points) = rest.split_first_chunk::<384>()?;
    let mut parts = vec![sha256(alpha)];
    parts.extend(g2.as_chunks::<128>().0.iter().map(|point| sha256(point)));
    let points = points.as_chunks::<64>().0.iter().rev().fold(B256::ZERO, |tail, point| {
        tagged("risc0_groth16.VerifyingKey.IC", &[sha256(point), tail], &[])
    });
    parts.push(points);
    let key = tagged("risc0_groth16.VerifyingKey", &parts, &[]);
    let parameters = [control_root, control_id, key];
    tagged("risc0.Groth16ReceiptVerifierParameters", &parameters, &[]).first_chunk().copied()
}

/// Computes `sha256(sha256(tag) ‖ digests ‖ numbers ‖ count of digests)`, numbers and count
/// little-endian.
fn tagged(tag: &str, digests: &[B256], numbers: &[u32]) -> B256 {
    let mut hasher = Sha256::new();
    hasher.update(sha256(tag.as_bytes()));
    let mut count = 0_u16;
    for digest in digests {
        hasher.update(digest);
        count = count.saturating_add(1);
    }
    for number in numbers {
        hasher.update(number.to_le_bytes());
    }
    hasher.update(count.to_le_bytes());
    B256::from_slice(&hasher.finalize())
}

fn sha256(bytes: &[u8]) -> B256 {
    B256::from_slice(&Sha256::digest(bytes))
}
