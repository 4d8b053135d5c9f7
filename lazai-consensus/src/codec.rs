//! Reading of canonical bytes: fixed fields, nothing allocated by a claim, nothing left over.

use alloy_primitives::{Address, B256};

/// Takes fixed fields off the front of bytes that nobody vouches for.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    /// Refuses bytes whose first is not `expected`.
    pub(crate) const fn version(&mut self, expected: u8) -> Result<(), DecodeError> {
        match self.u8() {
            Ok(got) if got == expected => Ok(()),
            Ok(got) => Err(DecodeError::Version { expected, got }),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.rest = rest;
                Ok(*field)
            }
            None => Err(DecodeError::Truncated { got: self.length as u64 }),
        }
    }

    pub(crate) fn slice(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (field, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated { got: self.length as u64 })?;
        self.rest = rest;
        Ok(field)
    }

    pub(crate) const fn u8(&mut self) -> Result<u8, DecodeError> {
        match self.array::<1>() {
            Ok([byte]) => Ok(byte),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn hash(&mut self) -> Result<B256, DecodeError> {
        Ok(B256::new(self.array()?))
    }

    pub(crate) fn address(&mut self) -> Result<Address, DecodeError> {
        Ok(Address::new(self.array()?))
    }

    /// The bytes that are left.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Refuses bytes that go on.
    pub(crate) const fn finish(self) -> Result<(), DecodeError> {
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
