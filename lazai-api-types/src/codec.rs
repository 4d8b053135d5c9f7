//! Reads canonical bytes: fixed-width big-endian fields, nothing allocated by a claimed length, nothing left over.

use alloy_primitives::{Address, B256};

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
    /// [`DecodeError::Version`] if it is not `expected`, [`DecodeError::Truncated`] if there is none.
    pub const fn version(&mut self, expected: u8) -> Result<(), DecodeError> {
        match self.u8() {
            Ok(got) if got == expected => Ok(()),
            Ok(got) => Err(DecodeError::Version { expected, got }),
            Err(error) => Err(error),
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

/// Why bytes are not what they should be.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// A field holds what is not allowed there.
    #[error("{field} holds {got}, which is not allowed there")]
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        got: u64,
    },
    /// A field holds no valid point of the curve, or no valid key.
    #[error("{field} is not a valid point of its group")]
    Point {
        /// The field.
        field: &'static str,
    },
    /// The bytes go on after the last field.
    #[error("{count} bytes follow the last field")]
    TrailingBytes {
        /// Bytes too many.
        count: u64,
    },
    /// The bytes end early.
    #[error("the input ends early, after {got} bytes")]
    Truncated {
        /// Bytes given.
        got: u64,
    },
    /// The bytes are of another version.
    #[error("version {got} is not read, only version {expected}")]
    Version {
        /// The version that is read.
        expected: u8,
        /// The version given.
        got: u8,
    },
}
