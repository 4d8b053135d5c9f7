//! Signatures that add up: BLS12-381 with public keys in G2 and signatures in G1 ("`MinSig`").
//!
//! The suite is the proof-of-possession scheme of draft-irtf-cfrg-bls-signature, which EIP-2537 can
//! verify; blst, which this module alone names, computes it.

mod batch;
mod key;
mod signature;

pub use batch::{Signed, verify_batch};
pub use key::{InvalidKeyMaterial, PUBLIC_KEY_BYTES, PublicKey, SecretKey, verify_possessions};
pub use signature::{AggregateKey, SIGNATURE_BYTES, Signature};

/// The domain of signatures of messages.
pub const MESSAGE_DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
/// The domain of proofs that the owner of a public key knows its secret.
pub const POSSESSION_DST: &[u8] = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
