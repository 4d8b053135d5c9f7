use lazai_api_types::Rejection;

use super::{file::WordPieceModel, meter::Meter, piece::Piece, trie::Trie};

/// A `WordPiece` model: the longest piece that a word starts with, again and again.
///
/// The crate asks its vocabulary for every pair of places in a word; here a tree is walked from
/// each piece's start, to the same tokens.
///
/// # Source
/// Devlin et al. 2018, arXiv 1810.04805.
#[derive(Clone, Debug)]
pub(super) struct WordPiece {
    /// Pieces at the start of a word.
    first: Trie,
    /// Pieces behind others, without their prefix.
    rest: Trie,
    unknown: Option<u32>,
    max_chars: usize,
}

impl WordPiece {
    /// Reads a model of a file.
    pub(super) fn new(model: &WordPieceModel) -> Self {
        let pieces = || model.vocabulary.iter().map(|(piece, token)| (piece.as_bytes(), *token));
        let prefix = model.prefix.as_bytes();
        let rest = pieces().filter_map(|(piece, token)| Some((piece.strip_prefix(prefix)?, token)));
        Self {
            first: Trie::new(pieces()),
            rest: Trie::new(rest),
            unknown: model.vocabulary.get(&model.unknown).copied(),
            max_chars: model.max_chars,
        }
    }

    /// Returns the tokens of a word.
    ///
    /// # Errors
    /// [`Rejection::InvalidText`] if it holds what no piece covers, or is too long, and the model
    /// has no token for that; [`Rejection::InputTooLong`] if that takes more steps than `meter`
    /// allows.
    pub(super) fn tokenize(&self, word: &str, meter: &Meter) -> Result<Vec<Piece>, Rejection> {
        let mut pieces = Vec::new();
        let mut start = 0;
        let known = word.chars().nth(self.max_chars).is_none();
        while known && start < word.len() {
            let trie = if start == 0 { &self.first } else { &self.rest };
            let mut walk = trie.prefixes(&word.as_bytes()[start..]);
            let longest = walk.by_ref().last();
            meter.count(walk.steps())?;
            let Some((bytes, token)) = longest else { break };
            let end = start + bytes;
            pieces.push(Piece { token, start, end });
            start = end;
        }
        if start < word.len() {
            let token = self.unknown.ok_or(Rejection::InvalidText)?;
            pieces = vec![Piece { token, start: 0, end: word.len() }];
        }
        Ok(pieces)
    }
}
