use alloy_primitives::{Address, B256, U256};

/// Reads fixed fields and counted bytes off the front of a buffer; believes no length before its bytes are there.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ReadError::TooShort {
            offset: self.length - self.rest.len(),
            expected: count as u64,
            got: self.rest.len() as u64,
        })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ReadError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ReadError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, ReadError> {
        self.array().map(u128::from_be_bytes)
    }

    pub(crate) fn u256(&mut self) -> Result<U256, ReadError> {
        self.array::<32>().map(U256::from_be_bytes)
    }

    pub(crate) fn hash(&mut self) -> Result<B256, ReadError> {
        self.array().map(B256::new)
    }

    pub(crate) fn address(&mut self) -> Result<Address, ReadError> {
        self.array().map(Address::new)
    }

    /// Bytes behind their length in four bytes.
    pub(crate) fn counted(&mut self) -> Result<&'a [u8], ReadError> {
        let count = self.u32()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Ends the buffer: nothing may follow.
    pub(crate) const fn finish(self) -> Result<(), ReadError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(ReadError::TrailingBytes {
                expected: (self.length - self.rest.len()) as u64,
                got: self.length as u64,
            })
        }
    }
}

/// Appends bytes behind their length; a length above four bytes becomes one that no reader accepts.
pub(crate) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Why bytes end where they should not.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The bytes end early.
    #[error("{expected} bytes were expected at offset {offset}, and {got} are left")]
    TooShort {
        /// Where the field starts.
        offset: usize,
        /// Bytes of the field.
        expected: u64,
        /// Bytes left.
        got: u64,
    },
    /// The bytes go on.
    #[error("{expected} bytes were expected, and {got} came")]
    TrailingBytes {
        /// Bytes read.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
}
