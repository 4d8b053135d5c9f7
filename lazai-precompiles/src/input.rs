use alloc::{string::String, vec::Vec};
use core::str;

use alloy_primitives::{B256, U256};
use lazai_api_types::TokenId;

/// Reads ABI data in the one encoding that compilers write: each dynamic argument right behind the
/// one before.
///
/// Everything is a bounded walk forward: no offset leads back or past the end, nothing is read
/// twice, and no allocation exceeds the calldata. What it accepts, an encoder writes back to the
/// same bytes.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    /// Where offsets of this tuple or array count from.
    frame: usize,
    /// The next word of the fixed part.
    head: usize,
    /// Where the next dynamic value must start.
    tail: usize,
}

impl<'a> Reader<'a> {
    /// Starts behind the function selector, at a fixed part of `head_words` words.
    pub(crate) const fn new(input: &'a [u8], head_words: usize) -> Result<Self, InputError> {
        Self::framed(input, SELECTOR_BYTES, head_words)
    }

    pub(crate) fn uint32(&mut self) -> Result<u32, InputError> {
        self.integer()
    }

    pub(crate) fn uint64(&mut self) -> Result<u64, InputError> {
        self.integer()
    }

    pub(crate) fn bytes32(&mut self) -> Result<B256, InputError> {
        let word = self.word(self.head)?;
        self.head += WORD_BYTES;
        Ok(word)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], InputError> {
        self.enter()?;
        let length = self.length(1)?;
        let start = self.tail + WORD_BYTES;
        let bytes = &self.input[start..start + length];
        let end = start + length.next_multiple_of(WORD_BYTES);
        let padding = self.input.get(start + length..end).ok_or(InputError::TooShort {
            offset: self.tail,
            got: self.input.len(),
            expected: end,
        })?;
        if let Some(index) = padding.iter().position(|byte| *byte != 0) {
            return Err(InputError::Padding { offset: start + length + index });
        }
        self.tail = end;
        Ok(bytes)
    }

    pub(crate) fn string(&mut self) -> Result<String, InputError> {
        let text = self.tail + WORD_BYTES;
        utf8(self.bytes()?, text)
    }

    pub(crate) fn strings(&mut self) -> Result<Vec<String>, InputError> {
        self.enter()?;
        // An offset and a length at least for each.
        let count = self.length(2 * WORD_BYTES)?;
        let mut list = Self::framed(self.input, self.tail + WORD_BYTES, count)?;
        let strings = (0..count).map(|_| list.string()).collect::<Result<_, _>>()?;
        self.tail = list.tail;
        Ok(strings)
    }

    pub(crate) fn tokens(&mut self) -> Result<Vec<TokenId>, InputError> {
        self.enter()?;
        let count = self.length(WORD_BYTES)?;
        let mut list = Self::framed(self.input, self.tail + WORD_BYTES, count)?;
        let tokens = (0..count).map(|_| list.uint32().map(TokenId)).collect::<Result<_, _>>()?;
        self.tail = list.tail;
        Ok(tokens)
    }

    /// Reads a dynamic tuple whose fixed part has `head_words` words.
    pub(crate) fn tuple<T>(
        &mut self,
        head_words: usize,
        read: impl FnOnce(&mut Self) -> Result<T, InputError>,
    ) -> Result<T, InputError> {
        self.enter()?;
        let mut tuple = Self::framed(self.input, self.tail, head_words)?;
        let value = read(&mut tuple)?;
        self.tail = tuple.tail;
        Ok(value)
    }

    /// Ends the data: nothing may follow.
    pub(crate) const fn finish(self) -> Result<(), InputError> {
        if self.tail == self.input.len() {
            Ok(())
        } else {
            Err(InputError::TrailingBytes { got: self.input.len(), expected: self.tail })
        }
    }

    const fn framed(input: &'a [u8], frame: usize, head_words: usize) -> Result<Self, InputError> {
        let tail = frame.saturating_add(head_words.saturating_mul(WORD_BYTES));
        if tail > input.len() {
            return Err(InputError::TooShort { offset: frame, got: input.len(), expected: tail });
        }
        Ok(Self { input, frame, head: frame, tail })
    }

    fn integer<T: TryFrom<U256> + Bounded>(&mut self) -> Result<T, InputError> {
        let offset = self.head;
        let got = U256::from_be_bytes(self.bytes32()?.0);
        T::try_from(got).map_err(|_| InputError::IntegerOutOfRange { offset, got, max: T::MAX })
    }

    /// Checks the offset of a dynamic value; it then starts at `tail`.
    fn enter(&mut self) -> Result<(), InputError> {
        let (offset, expected) = (self.head, self.tail - self.frame);
        let got = U256::from_be_bytes(self.bytes32()?.0);
        if got == U256::from(expected) {
            Ok(())
        } else {
            Err(InputError::Offset { offset, got, expected })
        }
    }

    /// Returns the count at `tail` of elements that take at least `element_bytes` each, and fit.
    fn length(&self, element_bytes: usize) -> Result<usize, InputError> {
        let got = U256::from_be_bytes(self.word(self.tail)?.0);
        let max = (self.input.len() - self.tail - WORD_BYTES) / element_bytes;
        match usize::try_from(got) {
            Ok(length) if length <= max => Ok(length),
            _ => Err(InputError::Length { offset: self.tail, got, max }),
        }
    }

    fn word(&self, offset: usize) -> Result<B256, InputError> {
        self.input.get(offset..offset.saturating_add(WORD_BYTES)).map(B256::from_slice).ok_or_else(
            || InputError::TooShort {
                offset,
                got: self.input.len(),
                expected: offset.saturating_add(WORD_BYTES),
            },
        )
    }
}

/// Reads `bytes`, which start at `offset` of the calldata, as text.
pub(crate) fn utf8(bytes: &[u8], offset: usize) -> Result<String, InputError> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(InputError::Utf8 { offset: offset + error.valid_up_to() }),
    }
}

/// Why calldata is not what a function takes. Offsets and sizes are in bytes of the whole calldata.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InputError {
    IntegerOutOfRange { offset: usize, got: U256, max: u64 },
    Length { offset: usize, got: U256, max: usize },
    Offset { offset: usize, got: U256, expected: usize },
    Padding { offset: usize },
    TooShort { offset: usize, got: usize, expected: usize },
    TrailingBytes { got: usize, expected: usize },
    Utf8 { offset: usize },
}

trait Bounded {
    const MAX: u64;
}

impl Bounded for u32 {
    const MAX: u64 = Self::MAX as u64;
}

impl Bounded for u64 {
    const MAX: Self = Self::MAX;
}

pub(crate) const SELECTOR_BYTES: usize = 4;
const WORD_BYTES: usize = 32;
