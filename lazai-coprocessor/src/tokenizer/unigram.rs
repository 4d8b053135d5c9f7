use lazai_api_types::Rejection;

use super::{TokenizerError, meter::Meter, piece::Piece, trie::Trie};

/// A unigram model: of all ways to cut a text into pieces, it takes the one whose scores have the
/// largest sum.
///
/// Arithmetic: a score is an integer of [`SCORE_FRACTION_BITS`] fraction bits, and sums are exact
/// in i64, because a score is below 2^39 and a text has at most 2^24 bytes. Of ways with equal sums
/// the one whose last piece is the longest wins; where those are equal, the same holds for the text
/// before them.
///
/// # Source
/// Kudo 2018, arXiv 1804.10959; see docs/numerics.md, "Unigram".
#[derive(Clone, Debug)]
pub(super) struct Unigram {
    trie: Trie,
    scores: Vec<i64>,
    /// The score of a character that no piece covers.
    unknown_score: i64,
    unknown: Option<u32>,
    /// The token of each byte, where bytes stand for what no piece covers.
    bytes: Option<Vec<Option<u32>>>,
}

/// The best way to a place of the text.
#[derive(Clone, Copy, Debug)]
struct Best {
    score: i64,
    /// Where its last piece starts; [`NOWHERE`] if no way was found yet.
    start: usize,
    token: u32,
}

impl Unigram {
    /// Returns the model of `pieces` with their scores; the place of a piece is its token.
    ///
    /// # Errors
    /// [`TokenizerError::Score`] if a score is out of range, [`TokenizerError::UnknownId`] if the
    /// unknown token is none of the pieces.
    pub(super) fn new(
        pieces: &[(String, i64)],
        unknown: Option<u32>,
        byte_fallback: bool,
    ) -> Result<Self, TokenizerError> {
        let max = MAX_SCORE;
        let scores: Vec<i64> = pieces.iter().map(|(_, score)| *score).collect();
        if let Some(index) = scores.iter().position(|score| !(-max..=max).contains(score)) {
            return Err(TokenizerError::Score { index, got: scores[index], max });
        }
        if let Some(got) = unknown.filter(|unknown| *unknown as usize >= pieces.len()) {
            return Err(TokenizerError::UnknownId { got, pieces: pieces.len() });
        }
        let trie = Trie::new(pieces.iter().map(|(piece, _)| piece.as_bytes()).zip(0..));
        let least = scores.iter().copied().min().unwrap_or(0);
        let byte = |byte: u8| trie.find(format!("<0x{byte:02X}>").as_bytes());
        let bytes = byte_fallback.then(|| (0..=u8::MAX).map(byte).collect());
        Ok(Self { trie, scores, unknown_score: least - UNKNOWN_PENALTY, unknown, bytes })
    }

    /// Returns the tokens of a text.
    ///
    /// # Errors
    /// [`Rejection::InvalidText`] if it holds what no piece covers and the model has no token for
    /// that, [`Rejection::InputTooLong`] if that takes more steps than `meter` allows.
    pub(super) fn tokenize(&self, text: &str, meter: &Meter) -> Result<Vec<Piece>, Rejection> {
        let best = self.search(text, meter)?;
        let mut path = Vec::new();
        let mut end = text.len();
        while end > 0 {
            let Best { start, token, .. } = best[end];
            path.push(Piece { token, start, end });
            end = start;
        }
        path.reverse();
        Ok(self.with_unknown(text, &path))
    }

    /// The best way to every place of the text where a character ends.
    fn search(&self, text: &str, meter: &Meter) -> Result<Vec<Best>, Rejection> {
        let mut best = vec![Best { score: 0, start: NOWHERE, token: 0 }; text.len() + 1];
        for (start, character) in text.char_indices() {
            let here = best[start].score;
            let single = character.len_utf8();
            let mut covered = false;
            let mut walk = self.trie.prefixes(&text.as_bytes()[start..]);
            for (bytes, token) in walk.by_ref() {
                covered |= bytes == single;
                let score = here + self.scores[token as usize];
                best[start + bytes].improve(Best { score, start, token });
            }
            meter.count(walk.steps())?;
            if !covered {
                let end = &mut best[start + single];
                let score = here + self.unknown_score;
                if end.start == NOWHERE || score > end.score {
                    let token = self.unknown.ok_or(Rejection::InvalidText)?;
                    *end = Best { score, start, token };
                }
            }
        }
        Ok(best)
    }

    /// Unknown pieces that follow each other become one: the token of their text if there is one
    /// after all, or those of its bytes, or the unknown token.
    fn with_unknown(&self, text: &str, path: &[Piece]) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(path.len());
        let is_unknown = |piece: &Piece| Some(piece.token) == self.unknown;
        for run in path.chunk_by(|left, right| is_unknown(left) && is_unknown(right)) {
            let (first, last) = (run[0], run[run.len() - 1]);
            if !is_unknown(&first) {
                pieces.push(first);
                continue;
            }
            let (start, end) = (first.start, last.end);
            let bytes = &text.as_bytes()[start..end];
            if let Some(token) = self.trie.find(bytes) {
                pieces.push(Piece { token, start, end });
            } else if let Some(tokens) = self.byte_tokens(bytes) {
                pieces.extend(tokens.into_iter().map(|token| Piece { token, start, end }));
            } else {
                pieces.push(Piece { token: first.token, start, end });
            }
        }
        pieces
    }

    /// The tokens of `bytes`, if each has one.
    fn byte_tokens(&self, bytes: &[u8]) -> Option<Vec<u32>> {
        let tokens = self.bytes.as_ref()?;
        bytes.iter().map(|byte| tokens[usize::from(*byte)]).collect()
    }
}

impl Best {
    /// Takes the other way if it is better; ways come in the order of their starts.
    const fn improve(&mut self, other: Self) {
        if self.start == NOWHERE || other.score > self.score {
            *self = other;
        }
    }
}

/// Fraction bits of a score: every f32 of at least one half is such an integer exactly.
pub(super) const SCORE_FRACTION_BITS: u32 = 24;

/// What an unknown character costs below the least score, as in SentencePiece.
const UNKNOWN_PENALTY: i64 = 10 << SCORE_FRACTION_BITS;

/// Largest score either way.
const MAX_SCORE: i64 = 1 << 14 << SCORE_FRACTION_BITS;

const NOWHERE: usize = usize::MAX;
