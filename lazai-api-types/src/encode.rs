use alloc::vec::Vec;

use crate::TokenId;

/// A value with one canonical byte string.
pub(crate) trait Encode {
    fn encode(&self, encoder: &mut Encoder);
}

/// Writes canonical bytes: fixed-width little-endian words, and byte strings behind their length.
#[derive(Debug)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Starts with a domain, so that no two kinds of value share a byte string.
    pub(crate) fn new(domain: &[u8]) -> Self {
        let mut encoder = Self { bytes: Vec::new() };
        encoder.bytes(domain);
        encoder
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn word(&mut self, word: u64) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        self.fixed(bytes);
    }

    pub(crate) fn tokens(&mut self, tokens: &[TokenId]) {
        self.word(tokens.len() as u64);
        for token in tokens {
            self.fixed(&token.0.to_le_bytes());
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
