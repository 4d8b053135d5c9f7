use alloy_primitives::{Address, B256, U256};
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use lazai_api_types::DatId;
use zeroize::Zeroizing;

use super::{DataKey, GrantError, RecipientKey, RecipientSecret, key::derive};

/// The terms of a grant. They are authenticated together with the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GrantTerms {
    /// The token that gives the permission; not 0.
    pub dat_id: DatId,
    /// The root of the dataset that the key opens.
    pub dataset: B256,
    /// The wallet that may read the data.
    pub holder: Address,
    /// The last second of the permission, in Unix time.
    pub expires_at: u64,
}

impl GrantTerms {
    fn encode(&self) -> [u8; TERMS_BYTES] {
        let mut bytes = [0; TERMS_BYTES];
        bytes[0] = VERSION;
        bytes[1..33].copy_from_slice(&self.dat_id.0.to_be_bytes::<32>());
        bytes[33..65].copy_from_slice(self.dataset.as_slice());
        bytes[65..85].copy_from_slice(self.holder.as_slice());
        bytes[85..].copy_from_slice(&self.expires_at.to_be_bytes());
        bytes
    }
}

/// A data key, encrypted to the wallet of a permitted reader.
///
/// A grant is public: it may be stored on chain, as the key that the data registry keeps with a
/// permission.
///
/// # Encoding
/// 174 bytes, all numbers big-endian:
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 32 | id of the token |
/// | 33 | 32 | root of the dataset |
/// | 65 | 20 | holder |
/// | 85 | 8 | expiry |
/// | 93 | 33 | ephemeral public key, compressed |
/// | 126 | 48 | data key, sealed |
///
/// The data key is sealed by XChaCha20-Poly1305 with a nonce of zeros and the first 126 bytes as
/// associated data, under HKDF-SHA256 of the product of ephemeral and holder's key (its x
/// coordinate), without a salt and with the info
/// `lazvm/grant/1 ‖ those 126 bytes ‖ holder's public key, compressed`. So the key serves for one
/// grant alone.
///
/// # Limits
/// The expiry is not enforced by cryptography: a reader that has opened a grant keeps the key. To
/// exclude a reader, seal the data again under a new key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Grant {
    terms: GrantTerms,
    ephemeral: RecipientKey,
    sealed: [u8; SEALED_BYTES],
}

impl Grant {
    /// Encrypts `key` to `recipient`.
    ///
    /// `entropy` must be fresh random bytes. The ephemeral secret is derived from them, from the
    /// data key and from the terms, so that entropy which repeats does not repeat a secret with
    /// other terms.
    ///
    /// # Errors
    /// [`GrantError::NotRecipient`] if the key is not that of the holder,
    /// [`GrantError::ZeroDatId`], or [`GrantError::Secret`] if no secret follows from the entropy,
    /// which has a chance below 2^-1000.
    pub fn wrap(
        terms: GrantTerms,
        recipient: &RecipientKey,
        key: &DataKey,
        entropy: &[u8; 32],
    ) -> Result<Self, GrantError> {
        check(&terms, recipient)?;
        let encoded = terms.encode();
        let mut secret = Zeroizing::new([0; 64]);
        secret[..32].copy_from_slice(entropy);
        secret[32..].copy_from_slice(key.expose());
        let ephemeral = (0..8_u8)
            .find_map(|attempt| {
                let info: [&[u8]; 4] = [EPHEMERAL, &[attempt], &encoded, &recipient.to_sec1()];
                RecipientSecret::from_bytes(&derive(None, secret.as_slice(), &info)).ok()
            })
            .ok_or(GrantError::Secret)?;
        let public = ephemeral.public_key();
        let head = head(&terms, &public);
        let mut bytes = key.expose().to_vec();
        cipher(&ephemeral, recipient, &head, recipient)
            .encrypt_in_place(&XNonce::default(), &head, &mut bytes)
            .map_err(|_| GrantError::Damaged)?;
        let sealed = bytes.try_into().map_err(|_| GrantError::Damaged)?;
        Ok(Self { terms, ephemeral: public, sealed })
    }

    /// Decrypts the data key with the holder's secret, at `now` in Unix seconds.
    ///
    /// # Errors
    /// [`GrantError`] if the grant has expired, is for another wallet, or fails authentication.
    pub fn unwrap_key(&self, secret: &RecipientSecret, now: u64) -> Result<DataKey, GrantError> {
        let GrantTerms { expires_at, .. } = self.terms;
        if now > expires_at {
            return Err(GrantError::Expired { expires_at, now });
        }
        let recipient = secret.public_key();
        check(&self.terms, &recipient)?;
        let head = head(&self.terms, &self.ephemeral);
        let mut bytes = Zeroizing::new(self.sealed.to_vec());
        cipher(secret, &self.ephemeral, &head, &recipient)
            .decrypt_in_place(&XNonce::default(), &head, &mut *bytes)
            .map_err(|_| GrantError::Damaged)?;
        let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| GrantError::Damaged)?;
        Ok(DataKey::new(*key))
    }

    /// Returns the terms of the grant.
    #[must_use]
    pub const fn terms(&self) -> &GrantTerms {
        &self.terms
    }

    /// Encodes the grant; the format is given at [`Grant`].
    #[must_use]
    pub fn encode(&self) -> [u8; GRANT_BYTES] {
        let mut bytes = [0; GRANT_BYTES];
        bytes[..HEAD_BYTES].copy_from_slice(&head(&self.terms, &self.ephemeral));
        bytes[HEAD_BYTES..].copy_from_slice(&self.sealed);
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    /// [`GrantError`] if the length is wrong, the version is unknown, or the ephemeral key is no
    /// point.
    pub fn decode(bytes: &[u8]) -> Result<Self, GrantError> {
        let bytes: &[u8; GRANT_BYTES] = bytes.try_into().map_err(|_| GrantError::Length {
            expected: GRANT_BYTES as u64,
            got: bytes.len() as u64,
        })?;
        if bytes[0] != VERSION {
            return Err(GrantError::Version { expected: VERSION, got: bytes[0] });
        }
        let dat_id = DatId(U256::from_be_slice(&bytes[1..33]));
        if dat_id.0.is_zero() {
            return Err(GrantError::ZeroDatId);
        }
        let expires_at = bytes[85..93].iter().fold(0, |time, byte| time << 8 | u64::from(*byte));
        let terms = GrantTerms {
            dat_id,
            dataset: B256::from_slice(&bytes[33..65]),
            holder: Address::from_slice(&bytes[65..85]),
            expires_at,
        };
        let ephemeral = RecipientKey::from_sec1(&bytes[TERMS_BYTES..HEAD_BYTES])?;
        let mut sealed = [0; SEALED_BYTES];
        sealed.copy_from_slice(&bytes[HEAD_BYTES..]);
        Ok(Self { terms, ephemeral, sealed })
    }
}

fn check(terms: &GrantTerms, recipient: &RecipientKey) -> Result<(), GrantError> {
    if terms.dat_id.0.is_zero() {
        return Err(GrantError::ZeroDatId);
    }
    let got = recipient.address();
    if terms.holder != got {
        return Err(GrantError::NotRecipient { holder: terms.holder, got });
    }
    Ok(())
}

/// Encodes all fields of a grant but the sealed key.
fn head(terms: &GrantTerms, ephemeral: &RecipientKey) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..TERMS_BYTES].copy_from_slice(&terms.encode());
    head[TERMS_BYTES..].copy_from_slice(&ephemeral.to_sec1());
    head
}

fn cipher(
    secret: &RecipientSecret,
    key: &RecipientKey,
    head: &[u8; HEAD_BYTES],
    recipient: &RecipientKey,
) -> XChaCha20Poly1305 {
    let key = secret.agree(key, &[DOMAIN, head, &recipient.to_sec1()]);
    XChaCha20Poly1305::new((&*key).into())
}

/// Bytes of an encoded grant.
pub const GRANT_BYTES: usize = HEAD_BYTES + SEALED_BYTES;

const TERMS_BYTES: usize = 1 + 32 + 32 + 20 + 8;
const HEAD_BYTES: usize = TERMS_BYTES + 33;
const SEALED_BYTES: usize = 32 + 16;
const VERSION: u8 = 1;
const DOMAIN: &[u8] = b"lazvm/grant/1";
const EPHEMERAL: &[u8] = b"lazvm/grant-ephemeral/1";
