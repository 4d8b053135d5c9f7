use core::fmt;

use alloy_primitives::hex;
use blst::min_sig;
use lazai_api_types::codec::DecodeError;

/// A public key: a point of G2 that is in the right subgroup and not the identity.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct PublicKey(pub(super) min_sig::PublicKey);

impl PublicKey {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`DecodeError::Point`] if it is none, not in the subgroup, or the identity.
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, DecodeError> {
        min_sig::PublicKey::key_validate(bytes)
            .map(Self)
            .map_err(|_| DecodeError::Point { field: "public key" })
    }

    /// Returns the compressed point.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.0.to_bytes()
    }

    /// Returns the point as EIP-2537 takes it: `x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1`, each 64 bytes
    /// big-endian.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; 256] {
        // blst writes the parts of an extension field element from the highest.
        let affine = self.0.serialize();
        let mut padded = [0; 256];
        for (place, part) in [1, 0, 3, 2].into_iter().zip(affine.as_chunks::<48>().0) {
            let (slots, _) = padded.as_chunks_mut::<64>();
            slots[place][16..].copy_from_slice(part);
        }
        padded
    }

    /// Returns whether the key is the identity, which a sum of keys can be but no key of a member.
    pub(crate) fn is_identity(&self) -> bool {
        self.to_bytes()[0] & IDENTITY_BIT != 0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", hex::encode(self.to_bytes()))
    }
}

/// Bytes of a compressed public key.
pub const PUBLIC_KEY_BYTES: usize = 96;
/// The flag of the identity in the first byte of a compressed point.
const IDENTITY_BIT: u8 = 0x40;
