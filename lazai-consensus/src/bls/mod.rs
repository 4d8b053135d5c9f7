//! Signatures that add up: BLS12-381 with public keys in G2 and signatures in G1 ("`MinSig`").
//!
//! The suite is the proof-of-possession scheme of draft-irtf-cfrg-bls-signature, which EIP-2537 can
//! verify; blst, which this module alone names, computes it.

mod batch;
mod domain;
mod possession;
mod public_key;
mod secret_key;
mod signature;

pub use batch::{Signed, verify_batch};
pub use domain::{MESSAGE_DST, POSSESSION_DST};
pub use possession::verify_possessions;
pub use public_key::{PUBLIC_KEY_BYTES, PublicKey};
pub use secret_key::{InvalidKeyMaterial, SecretKey};
pub use signature::{AggregateKey, SIGNATURE_BYTES, Signature};
