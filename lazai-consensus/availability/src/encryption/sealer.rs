use alloc::vec::Vec;
use core::fmt;
use std::io::{self, Read};

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{DataKey, key::derive};

/// Encrypts a stream of data, as the input of `encode`.
///
/// # Format
/// | bytes | field |
/// | --- | --- |
/// | 1 | version, 1 |
/// | 32 | salt |
/// | 32 | commitment to the key |
/// | [`CHUNK_BYTES`] + 16 each | chunks |
///
/// HKDF-SHA256 of the data key, with the salt and the info `lazvm/sealed/1`, gives 64 bytes: the
/// key of the stream and the commitment to it. Each chunk is sealed by XChaCha20-Poly1305 under the
/// nonce `19 zeros ‖ number of the chunk (4 bytes, big-endian) ‖ 1 if it is the last, else 0`. All
/// chunks but the last are full, and the last is empty only if there is no data at all. So chunks
/// cannot be left out, moved, cut off or added, nor taken from another stream.
///
/// The commitment detects a wrong key before the first chunk, and makes it infeasible to craft
/// bytes that open differently under two keys.
///
/// # Source
/// V. T. Hoang, R. Reyhanitabar, P. Rogaway and D. Vizár, "Online Authenticated-Encryption and its
/// Nonce-Reuse Misuse-Resistance", 2015: the construction STREAM.
pub struct Sealer<R> {
    data: R,
    cipher: XChaCha20Poly1305,
    /// Data that is read and not sealed, up to one byte more than a chunk: with that byte the chunk
    /// is known not to be the last.
    ahead: Zeroizing<Vec<u8>>,
    chunk: u32,
    is_done: bool,
    /// The sealed bytes of the current chunk.
    sealed: Vec<u8>,
    handed_out: usize,
}

impl<R: Read> Sealer<R> {
    /// Creates a sealer of `data`.
    ///
    /// `salt` must be fresh random bytes: a salt and key that are used for other data again reveal
    /// both.
    #[must_use]
    pub fn new(data: R, key: &DataKey, salt: [u8; SALT_BYTES]) -> Self {
        let (cipher, commitment) = keys(key, &salt);
        let mut sealed = [VERSION].to_vec();
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(&commitment);
        let ahead = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES.saturating_add(1)));
        Self { data, cipher, ahead, chunk: 0, is_done: false, sealed, handed_out: 0 }
    }

    fn seal_chunk(&mut self) -> io::Result<()> {
        let missing = CHUNK_BYTES.saturating_add(1).saturating_sub(self.ahead.len());
        self.data.by_ref().take(missing as u64).read_to_end(&mut self.ahead)?;
        self.is_done = self.ahead.len() <= CHUNK_BYTES;
        let next = self.ahead.get(CHUNK_BYTES..).and_then(|next| next.first()).copied();
        self.ahead.truncate(CHUNK_BYTES);
        self.sealed.clear();
        self.handed_out = 0;
        let nonce = nonce(self.chunk, self.is_done);
        self.sealed.extend_from_slice(&self.ahead);
        // The buffer holds plain text until it is sealed in place, so a failure must clear it.
        if self.cipher.encrypt_in_place(&nonce, &[], &mut self.sealed).is_err() {
            self.sealed.clear();
            return Err(io::Error::other(SealError::Cipher));
        }
        self.ahead.clear();
        self.ahead.extend(next);
        if !self.is_done {
            self.chunk = self.chunk.checked_add(1).ok_or(io::Error::other(SealError::TooLong))?;
        }
        Ok(())
    }
}

impl<R: Read> Read for Sealer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed_out == self.sealed.len() && !self.is_done {
            self.seal_chunk()?;
        }
        let count = self.sealed.get(self.handed_out..).unwrap_or_default().read(buffer)?;
        self.handed_out = self.handed_out.saturating_add(count);
        Ok(count)
    }
}

impl<R> fmt::Debug for Sealer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

/// Data cannot be sealed; wrapped in the [`io::Error`] of [`Sealer`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// The cipher failed, which is impossible for a chunk of the right size.
    #[error("the cipher failed")]
    Cipher,
    /// The data has more than 2^32 chunks.
    #[error("more than 256 TiB cannot be sealed as one")]
    TooLong,
}

/// Returns the sealed size of `length` bytes of data.
#[must_use]
pub fn sealed_len(length: u64) -> u64 {
    let chunks = length.div_ceil(CHUNK_BYTES as u64).max(1);
    length.saturating_add(chunks.saturating_mul(TAG_BYTES as u64)).saturating_add(HEAD_BYTES as u64)
}

/// Derives the cipher of a stream, and the commitment to its key.
pub(super) fn keys(key: &DataKey, salt: &[u8; SALT_BYTES]) -> (XChaCha20Poly1305, [u8; 32]) {
    let derived: Zeroizing<[u8; 64]> = derive(Some(salt), key.expose(), &[DOMAIN]);
    let mut halves = [Zeroizing::new([0; 32]), Zeroizing::new([0; 32])];
    for (half, from) in halves.iter_mut().zip(derived.as_chunks::<32>().0) {
        half.copy_from_slice(from);
    }
    let [key, commitment] = halves;
    (XChaCha20Poly1305::new((&*key).into()), *commitment)
}

pub(super) fn nonce(chunk: u32, is_last: bool) -> XNonce {
    let mut nonce = [0; 24];
    nonce[19..23].copy_from_slice(&chunk.to_be_bytes());
    nonce[23] = is_last.into();
    nonce.into()
}

/// Data bytes in a chunk: 64 KiB.
pub const CHUNK_BYTES: usize = 64 << 10;

pub(super) const TAG_BYTES: usize = 16;
pub(super) const SALT_BYTES: usize = 32;
pub(super) const HEAD_BYTES: usize = 1 + SALT_BYTES + 32;
pub(super) const VERSION: u8 = 1;
const DOMAIN: &[u8] = b"lazvm/sealed/1";
