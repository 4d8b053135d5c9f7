//! What the libraries of the engine are used with.

use commonware_consensus::simplex::scheme::bls12381_multisig;
use commonware_cryptography::{bls12381::primitives::variant::MinSig, ed25519, sha256};
use commonware_runtime::{Clock, Metrics, Spawner, Storage};
use rand_core::CryptoRng;

/// The clock, randomness, metrics, tasks and storage that a machine or a simulator provides.
pub trait Environment: Clock + CryptoRng + Metrics + Spawner + Storage {}

impl<E: Clock + CryptoRng + Metrics + Spawner + Storage> Environment for E {}

/// The network identity of an operator.
pub type Identity = ed25519::PublicKey;
/// The digest of a block: keccak256, in the engine's container of 32 bytes.
pub(crate) type Digest = sha256::Digest;
/// The signature scheme of votes: BLS12-381 with signatures in G1, aggregated with a bitmap, so
/// that each vote is attributable.
pub type Scheme = bls12381_multisig::Scheme<Identity, MinSig>;
