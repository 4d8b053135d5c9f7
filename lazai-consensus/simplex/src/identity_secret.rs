use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_cryptography::{Signer, ed25519};

/// The secret of an Ed25519 key; never printed.
#[derive(Clone)]
pub struct IdentitySecret(pub [u8; 32]);

impl IdentitySecret {
    /// Returns the public key, which identifies the operator in its
    /// [`Seat`](lazai_consensus::chain::Seat).
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        // Any 32 bytes are a secret.
        let key = ed25519::PrivateKey::decode(Bytes::copy_from_slice(&self.0));
        let public = key.ok().map(|key| key.public_key());
        public.and_then(|public| public.as_ref().try_into().ok()).unwrap_or_default()
    }
}

impl core::fmt::Debug for IdentitySecret {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("IdentitySecret(..)")
    }
}
