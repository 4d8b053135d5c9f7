//! The wallet of the published test vectors.

use alloy_primitives::{Address, B256, address, b256};
use k256::ecdsa::SigningKey;
use lazai_api_types::authorization::WalletSignature;

pub(crate) const KEY: B256 =
    b256!("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318");
pub(crate) const USER: Address = address!("2c7536E3605D9C16a7a3D7b1898e529396a65c23");
pub(crate) const NODE: Address = address!("34d9E02F9bB4E4C8836e38DF4320D4a79106F194");

/// Signs as [`USER`].
pub(crate) fn sign(digest: &B256) -> WalletSignature {
    let key = SigningKey::from_slice(KEY.as_slice()).unwrap();
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = recovery.to_byte();
    WalletSignature::from_bytes(&bytes).unwrap()
}
