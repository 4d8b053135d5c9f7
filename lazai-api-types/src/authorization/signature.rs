use alloc::string::String;
use core::{fmt, str::FromStr};

use alloy_primitives::{Address, B256, Signature, hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::AuthorizationError;

/// A secp256k1 signature of a wallet, in the lower of its two equivalent forms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WalletSignature(Signature);

impl WalletSignature {
    /// Reads `r`, `s` and `v` of 32, 32 and 1 bytes; `v` is 0, 1, 27 or 28.
    ///
    /// # Errors
    /// [`AuthorizationError::InvalidSignatureParity`] or [`AuthorizationError::HighS`].
    pub fn from_bytes(bytes: &[u8; 65]) -> Result<Self, AuthorizationError> {
        let parity = match bytes[64] {
            0 | 27 => false,
            1 | 28 => true,
            got => return Err(AuthorizationError::InvalidSignatureParity { got }),
        };
        let signature = Signature::from_bytes_and_parity(&bytes[..64], parity);
        if signature.normalize_s().is_some() {
            return Err(AuthorizationError::HighS);
        }
        Ok(Self(signature))
    }

    /// Returns `r`, `s` and `v`, which is 27 or 28.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 65] {
        self.0.as_bytes()
    }

    /// Returns the wallet that signed `digest`, if this is what it signed; otherwise some other
    /// address.
    ///
    /// # Errors
    /// [`AuthorizationError::Unrecoverable`] if no wallet can have made this signature.
    pub fn recover(&self, digest: &B256) -> Result<Address, AuthorizationError> {
        self.0.recover_address_from_prehash(digest).map_err(|_| AuthorizationError::Unrecoverable)
    }

    /// Checks that `user` signed `digest`.
    ///
    /// # Errors
    /// [`AuthorizationError::Unrecoverable`] or [`AuthorizationError::SignerMismatch`].
    pub fn verify(&self, digest: &B256, user: Address) -> Result<(), AuthorizationError> {
        let got = self.recover(digest)?;
        if got != user {
            return Err(AuthorizationError::SignerMismatch { expected: user, got });
        }
        Ok(())
    }
}

impl fmt::Display for WalletSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_prefixed(self.to_bytes()))
    }
}

impl FromStr for WalletSignature {
    type Err = AuthorizationError;

    /// Reads 130 hexadecimal digits of any case, with or without `0x`.
    fn from_str(text: &str) -> Result<Self, AuthorizationError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = [0; 65];
        // A second prefix would be stripped by the decoder.
        if digits.len() != 130 || digits.starts_with("0x") {
            return Err(AuthorizationError::InvalidSignature);
        }
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| AuthorizationError::InvalidSignature)?;
        Self::from_bytes(&bytes)
    }
}

impl Serialize for WalletSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WalletSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
