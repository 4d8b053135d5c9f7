use alloc::vec::Vec;
use core::fmt;
use std::io::{self, Write};

use chacha20poly1305::{AeadInOut, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::{
    CHUNK_BYTES, DataKey,
    sealer::{HEAD_BYTES, SALT_BYTES, TAG_BYTES, VERSION, keys, nonce},
};

/// Opens the data of a [`Sealer`](super::Sealer), as the output of `decode`.
///
/// Each chunk is authenticated before it is written to the output. Only [`finish`](Self::finish)
/// confirms that the data is complete: without it the output may be a prefix.
pub struct Opener<W> {
    output: W,
    key: DataKey,
    cipher: Option<XChaCha20Poly1305>,
    /// Sealed bytes that are not opened yet.
    sealed: Zeroizing<Vec<u8>>,
    chunk: u32,
    is_broken: bool,
}

impl<W: Write> Opener<W> {
    /// Creates an opener that writes to `output`.
    pub fn new(output: W, key: &DataKey) -> Self {
        let sealed = Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_BYTES));
        Self { output, key: key.clone(), cipher: None, sealed, chunk: 0, is_broken: false }
    }

    /// Opens further sealed bytes.
    ///
    /// # Errors
    /// [`OpenError`] if a chunk fails authentication or the output fails. After an error all
    /// further calls fail.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), OpenError> {
        if self.is_broken {
            return Err(OpenError::Broken);
        }
        // Cleared on success.
        self.is_broken = true;
        while !bytes.is_empty() {
            let wanted = if self.cipher.is_some() { SEALED_CHUNK_BYTES } else { HEAD_BYTES };
            let missing = wanted.saturating_sub(self.sealed.len());
            if missing == 0 {
                // Another byte follows the full chunk, so it is not the last.
                self.open_chunk(false)?;
                self.chunk = self.chunk.checked_add(1).ok_or(OpenError::TooLong)?;
                continue;
            }
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.sealed.extend_from_slice(taken);
            bytes = rest;
            if self.cipher.is_none() && self.sealed.len() == HEAD_BYTES {
                self.read_head()?;
            }
        }
        self.is_broken = false;
        Ok(())
    }

    /// Opens the last chunk, and returns the output.
    ///
    /// # Errors
    /// [`OpenError`] if the bytes are truncated, the last chunk fails authentication, or the output
    /// fails.
    pub fn finish(mut self) -> Result<W, OpenError> {
        if self.is_broken {
            return Err(OpenError::Broken);
        }
        // A sealer never ends with an empty chunk after others.
        let least = if self.chunk > 0 { TAG_BYTES.saturating_add(1) } else { TAG_BYTES };
        if self.cipher.is_none() || self.sealed.len() < least {
            return Err(OpenError::Truncated);
        }
        self.open_chunk(true)?;
        self.output.flush()?;
        Ok(self.output)
    }

    #[cfg(test)]
    pub(super) const fn output_so_far(&self) -> &W {
        &self.output
    }

    fn read_head(&mut self) -> Result<(), OpenError> {
        let too_short = OpenError::Truncated;
        let (version, rest) = self.sealed.split_first().ok_or(too_short)?;
        if *version != VERSION {
            return Err(OpenError::Version { expected: VERSION, got: *version });
        }
        let (salt, commitment) =
            rest.split_first_chunk::<SALT_BYTES>().ok_or(OpenError::Truncated)?;
        let (cipher, expected) = keys(&self.key, salt);
        // No constant-time comparison is needed: the commitment is public.
        if commitment != expected {
            return Err(OpenError::WrongKey);
        }
        self.cipher = Some(cipher);
        self.sealed.clear();
        Ok(())
    }

    fn open_chunk(&mut self, is_last: bool) -> Result<(), OpenError> {
        let cipher = self.cipher.as_ref().ok_or(OpenError::Truncated)?;
        let nonce = nonce(self.chunk, is_last);
        cipher
            .decrypt_in_place(&nonce, &[], &mut *self.sealed)
            .map_err(|_| OpenError::Damaged { chunk: self.chunk })?;
        self.output.write_all(&self.sealed)?;
        self.sealed.clear();
        Ok(())
    }
}

impl<W: Write> Write for Opener<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// Flushes the output; the last chunk is written by [`finish`](Opener::finish) only.
    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W> fmt::Debug for Opener<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

/// Sealed data cannot be opened.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An earlier call failed.
    #[error("an earlier part could not be opened")]
    Broken,
    /// A chunk fails authentication: it was changed, moved, truncated or taken from another stream,
    /// or its mark of the last chunk is wrong.
    #[error("chunk {chunk} is not what was sealed")]
    Damaged {
        /// The chunk, from 0.
        chunk: u32,
    },
    /// The stream has more than 2^32 chunks.
    #[error("more than 256 TiB cannot be sealed as one")]
    TooLong,
    /// The bytes end early.
    #[error("the sealed data ends early")]
    Truncated,
    /// The version of the format is unknown.
    #[error("version {got} is not read, only version {expected}")]
    Version {
        /// The supported version.
        expected: u8,
        /// The version of the bytes.
        got: u8,
    },
    /// The output failed.
    #[error("the data cannot be written")]
    Write(#[from] io::Error),
    /// The data was sealed with another key.
    #[error("the data was sealed with another key")]
    WrongKey,
}

const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
