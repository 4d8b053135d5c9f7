//! Reads and writes canonical bytes: fields of fixed width, nothing allocated by a claimed length,
//! nothing left over.
//!
//! Two families of formats use it. What travels and what is stored begins with a version byte and
//! has big-endian integers of their own width ([`Reader::version`], [`Reader::u16`] to
//! [`Reader::u64`]). What is hashed begins with a domain and has little-endian words of 64 bits, in
//! front of byte strings as their length too ([`Encoder`]; [`Reader::domain`], [`Reader::word`],
//! [`Reader::bytes`]).
//!
//! # Examples
//! ```
//! use lazai_api_types::codec::{DecodeError, Encoder, Reader};
//!
//! let mut encoder = Encoder::new("example/point/1");
//! encoder.word(3);
//! encoder.bytes(b"label");
//! let bytes = encoder.finish();
//!
//! let mut reader = Reader::new(&bytes);
//! reader.domain("example/point/1")?;
//! assert_eq!((reader.word()?, reader.bytes()?), (3, b"label".as_slice()));
//! reader.finish()?;
//! # Ok::<(), DecodeError>(())
//! ```

use alloc::{string::String, vec::Vec};
use core::str;

use alloy_primitives::{Address, B256};

use crate::TokenId;

/// Reads fixed-width fields from the front of untrusted bytes, and allocates nothing.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    /// Reads the version byte.
    ///
    /// # Errors
    /// [`DecodeError::Version`] if it is not `expected`, [`DecodeError::Truncated`] if there is
    /// none.
    pub const fn version(&mut self, expected: u8) -> Result<(), DecodeError> {
        match self.u8() {
            Ok(got) if got == expected => Ok(()),
            Ok(got) => Err(DecodeError::Version { expected, got }),
            Err(error) => Err(error),
        }
    }

    /// Reads the domain that [`Encoder::new`] wrote.
    ///
    /// # Errors
    /// [`DecodeError::Domain`] if the bytes do not begin with it.
    pub fn domain(&mut self, expected: &'static str) -> Result<(), DecodeError> {
        match self.bytes() {
            Ok(got) if got == expected.as_bytes() => Ok(()),
            _ => Err(DecodeError::Domain { expected }),
        }
    }

    /// Reads the next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer are left.
    pub const fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.rest = rest;
                Ok(*field)
            }
            None => Err(DecodeError::Truncated { got: self.length as u64 }),
        }
    }

    /// Reads the next `length` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer are left.
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (field, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated { got: self.length as u64 })?;
        self.rest = rest;
        Ok(field)
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if none is left.
    pub const fn u8(&mut self) -> Result<u8, DecodeError> {
        match self.array::<1>() {
            Ok([byte]) => Ok(byte),
            Err(error) => Err(error),
        }
    }

    /// Reads a big-endian `u16`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer than 2 bytes are left.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Reads a big-endian `u32`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer than 4 bytes are left.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Reads a big-endian `u64`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer than 8 bytes are left.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Reads a little-endian word of 64 bits, as [`Encoder::word`] writes it.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer than 8 bytes are left.
    pub fn word(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Reads a [`word`](Self::word) that must fit 32 bits; `field` names it in the error.
    ///
    /// # Errors
    /// [`DecodeError::Field`] if it exceeds 32 bits, [`DecodeError::Truncated`] if fewer than 8
    /// bytes are left.
    pub fn word_u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let got = self.word()?;
        u32::try_from(got).map_err(|_| DecodeError::Field { field, got })
    }

    /// Reads the byte string that [`Encoder::bytes`] wrote, without copying it.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer bytes are left than its length claims.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.word()?;
        self.slice(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Reads a byte string that must be UTF-8; `field` names it in the error.
    ///
    /// # Errors
    /// [`DecodeError::Utf8`] if it is not UTF-8, [`DecodeError::Truncated`] as
    /// [`bytes`](Self::bytes).
    pub fn text(&mut self, field: &'static str) -> Result<String, DecodeError> {
        match str::from_utf8(self.bytes()?) {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(DecodeError::Utf8 { field, offset: error.valid_up_to() as u64 }),
        }
    }

    /// Reads the tokens that [`Encoder::tokens`] wrote.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer are left than their count claims.
    pub fn tokens(&mut self) -> Result<Vec<TokenId>, DecodeError> {
        let bytes = self.word()?.saturating_mul(4);
        let (tokens, _) =
            self.slice(usize::try_from(bytes).unwrap_or(usize::MAX))?.as_chunks::<4>();
        Ok(tokens.iter().map(|token| TokenId(u32::from_le_bytes(*token))).collect())
    }

    /// Reads a 32-byte hash.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer than 32 bytes are left.
    pub fn hash(&mut self) -> Result<B256, DecodeError> {
        Ok(B256::new(self.array()?))
    }

    /// Reads a 20-byte address.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer than 20 bytes are left.
    pub fn address(&mut self) -> Result<Address, DecodeError> {
        Ok(Address::new(self.array()?))
    }

    /// Returns how many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Returns all bytes that are left, and ends the reading.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`] if bytes are left.
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::TrailingBytes { count: self.rest.len() as u64 })
    }
}

/// Writes the canonical bytes of a value that is hashed.
///
/// Two values of one domain have the same bytes only if they are equal, as long as whoever writes
/// them puts a length in front of all that varies in length and a byte in front of all that varies
/// in kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Starts with a domain, so that no two kinds of value share a byte string.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        let mut encoder = Self { bytes: Vec::new() };
        encoder.bytes(domain.as_bytes());
        encoder
    }

    /// Writes one byte: a kind, or a small number.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes `word` as 8 bytes, little-endian.
    pub fn word(&mut self, word: u64) {
        self.fixed(&word.to_le_bytes());
    }

    /// Writes `bytes` as they are, for fields whose length is fixed.
    pub fn fixed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes the length of `bytes` as a [`word`](Self::word), then the bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        self.fixed(bytes);
    }

    /// Writes the count of `tokens` as a [`word`](Self::word), then each of them as 4 bytes,
    /// little-endian.
    pub fn tokens(&mut self, tokens: &[TokenId]) {
        self.word(tokens.len() as u64);
        for token in tokens {
            self.fixed(&token.0.to_le_bytes());
        }
    }

    /// Returns the bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Why bytes are not what they should be.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are of another kind of value, or of another version of it.
    #[error("the input does not begin with the domain {expected}")]
    Domain {
        /// The domain that is read.
        expected: &'static str,
    },
    /// A field holds what is not allowed there.
    #[error("{field} holds {got}, which is not allowed there")]
    Field {
        /// Name of the field in the format.
        field: &'static str,
        /// Value of the field.
        got: u64,
    },
    /// A field holds no valid point of the curve, or no valid key.
    #[error("{field} is not a valid point of its group")]
    Point {
        /// Name of the field in the format.
        field: &'static str,
    },
    /// The bytes go on after the last field.
    #[error("{count} bytes follow the last field")]
    TrailingBytes {
        /// Bytes behind the last field.
        count: u64,
    },
    /// The bytes end early.
    #[error("the input ends early, after {got} bytes")]
    Truncated {
        /// Bytes of the whole input.
        got: u64,
    },
    /// A text is not UTF-8.
    #[error("{field} is not UTF-8 from its byte {offset} on")]
    Utf8 {
        /// Name of the text in the format.
        field: &'static str,
        /// Bytes of it that are UTF-8.
        offset: u64,
    },
    /// The bytes are of another version.
    #[error("version {got} is not read, only version {expected}")]
    Version {
        /// The version that is read.
        expected: u8,
        /// The version in the input.
        got: u8,
    },
}

impl DecodeError {
    /// Returns the number of the reason, from 1 to 255, of which verifiers of proofs make
    /// [codes](crate::InvalidKey::code). It never changes.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Domain { .. } => 1,
            Self::Field { .. } => 2,
            Self::Point { .. } => 3,
            Self::TrailingBytes { .. } => 4,
            Self::Truncated { .. } => 5,
            Self::Utf8 { .. } => 6,
            Self::Version { .. } => 7,
        }
    }
}
