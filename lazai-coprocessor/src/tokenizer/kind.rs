/// The kind of a tokenizer, which tells what reading a byte of text costs.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenizerKind {
    /// Pairs of bytes, in words that are read by hand, as in GPT-2, Llama 3 and Qwen.
    ByteLevelBpe,
    /// Pairs of bytes, in words that a pattern of the model's own finds.
    PatternBpe,
    /// Pairs of characters, as in Llama 2 and Mistral.
    SentencePieceBpe,
    /// Pieces with scores, as in T5 and XLM-R.
    Unigram,
    /// The longest piece of a word, as in BERT.
    WordPiece,
}

impl TokenizerKind {
    /// Returns the operations charged for each byte of a text by a tokenizer whose steps take no
    /// more than those of published ones; [`Tokenizer::flops_per_byte`] adds what others take.
    ///
    /// [`Tokenizer::flops_per_byte`]: crate::Tokenizer::flops_per_byte
    ///
    /// The reference processor does 100,000 in a microsecond. `cargo bench -p lazai-models --bench
    /// tokenizer` measures what the worst texts of a vocabulary cost.
    #[must_use]
    pub const fn flops_per_byte(self) -> u64 {
        match self {
            Self::ByteLevelBpe => 40_000,
            Self::PatternBpe => 80_000,
            Self::SentencePieceBpe => 60_000,
            Self::Unigram => 150_000,
            Self::WordPiece => 60_000,
        }
    }
}

/// What a model reads of a normalized text, one by one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Symbols {
    /// Bytes: the pre-tokenizer spells them, or they stand for unknown characters.
    Bytes,
    /// The same, but a mark of a space is known.
    BytesAndMarks,
    /// Characters.
    Characters,
}

impl Symbols {
    /// The mark of a space, which normalizers put for each.
    pub(super) const MARK: char = '\u{2581}';

    /// Returns how many there are in a text.
    pub(super) fn count(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::BytesAndMarks => {
                text.len() - text.matches(Self::MARK).count() * (Self::MARK.len_utf8() - 1)
            }
            Self::Characters => text.chars().count(),
        }
    }
}

/// Bytes of memory charged for each byte of a text that is read. Measured with a counting allocator
/// over twelve tokenizers and thirteen kinds of texts: 106 to 132 for English, up to 348 for
/// punctuation (BERT) and 545 for letters that NFKC expands (XLM-R). The text and where each of its
/// bytes came from is kept at every step, and a token takes about a hundred bytes.
pub(crate) const MEMORY_PER_BYTE: u64 = 640;

/// Bytes of memory charged for each token that is decoded; 38 to 70 were measured.
pub(crate) const DECODE_MEMORY_PER_TOKEN: u64 = 256;

/// Bytes of memory charged for each byte of the texts of the tokens that are decoded: the text is
/// copied at every step of a decoder, and a byte that is no UTF-8 becomes three.
pub(crate) const DECODE_MEMORY_PER_BYTE: u64 = 16;
