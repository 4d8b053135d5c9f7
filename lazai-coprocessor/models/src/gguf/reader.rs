//! Bounded reading of little-endian values.

use std::io::Read;

use super::{GgufError, error::shorten};

/// A reader that knows how many bytes are left, and which part of the file it is in.
pub(super) struct Reader<R> {
    source: R,
    position: u64,
    /// Bytes of the whole file.
    length: u64,
    /// The key, tensor or part that errors name.
    part: String,
}

impl<R: Read> Reader<R> {
    /// Reads a file of `length` bytes.
    pub(super) fn new(source: R, length: u64) -> Self {
        Self { source, position: 0, length, part: "the header".to_owned() }
    }

    /// Names the part that follows.
    pub(super) fn enter(&mut self, kind: &str, name: &str) {
        self.part = format!("{kind} {}", shorten(name));
    }

    /// Returns the name of the part that is being read, for errors.
    pub(super) fn part(&self) -> String {
        self.part.clone()
    }

    /// Bytes read so far.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Checks that `count` elements of at least `bytes` bytes can follow.
    pub(super) fn require(&self, count: u64, bytes: u64) -> Result<(), GgufError> {
        let (need, left) = (count.saturating_mul(bytes), self.length - self.position);
        if need > left {
            return Err(GgufError::Truncated { part: self.part(), need, left });
        }
        let end = self.position + need;
        if end > MAX_HEADER_BYTES {
            let what = "the length of header and metadata in bytes";
            return Err(GgufError::Limit {
                part: self.part(),
                what,
                got: end,
                max: MAX_HEADER_BYTES,
            });
        }
        Ok(())
    }

    /// Fails if `got` is above a limit.
    pub(super) fn limit(&self, what: &'static str, got: u64, max: u64) -> Result<(), GgufError> {
        if got > max {
            return Err(GgufError::Limit { part: self.part(), what, got, max });
        }
        Ok(())
    }

    /// Fills a buffer.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), GgufError> {
        self.require(buffer.len() as u64, 1)?;
        self.source.read_exact(buffer).map_err(|error| GgufError::Io { source: error.into() })?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, GgufError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, GgufError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads `count` numbers of `N` bytes, block by block.
    pub(super) fn numbers<const N: usize, T>(
        &mut self,
        count: u64,
        convert: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, GgufError> {
        self.require(count, N as u64)?;
        let mut values = Vec::new();
        let mut left = count * N as u64;
        let mut block = [0; BLOCK_BYTES];
        while left > 0 {
            let bytes = &mut block[..left.min(BLOCK_BYTES as u64) as usize];
            self.fill(bytes)?;
            values.extend(bytes.as_chunks().0.iter().map(|bytes| convert(*bytes)));
            left -= bytes.len() as u64;
        }
        Ok(values)
    }

    /// Reads a text of at most `max` bytes.
    pub(super) fn text(&mut self, max: u64) -> Result<String, GgufError> {
        let length = self.u64()?;
        self.limit("the length of a text", length, max)?;
        // The file holds as many bytes as are asked for here.
        self.require(length, 1)?;
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| GgufError::Text { part: self.part() })
    }
}

/// Most bytes of header, metadata and descriptions of tensors.
pub(super) const MAX_HEADER_BYTES: u64 = 64 << 20;

/// A multiple of every element's size.
const BLOCK_BYTES: usize = 8_192;
