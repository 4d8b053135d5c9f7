use core::{cell::Cell, panic::AssertUnwindSafe};
use std::{collections::BTreeSet, panic};

use lazai_api_types::Rejection;
use tokenizers::{
    Encoding, Model, NormalizedString, OffsetReferential, OffsetType, PreTokenizedString, Token,
    normalizer::Range,
};

use super::{
    Tokenizer, TokenizerKind, byte_pairs::BytePairs, kind::Symbols, meter::Meter,
    normalizer::PaidNormalizer, piece::Piece, unicode,
};

#[cfg(test)]
std::thread_local! {
    /// Texts that this thread has tokenized.
    pub(crate) static ENCODINGS: Cell<u32> = const { Cell::new(0) };
}

/// Where the text to encode comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Origin {
    /// A prompt, which spells no special token.
    Prompt,
    /// A template, whose special tokens count. Those that its contents spell hold this mark.
    Template(Option<char>),
}

impl Tokenizer {
    /// Encodes a prompt to its tokens, with those that the model's own template adds.
    ///
    /// A piece that the model does not know becomes its unknown token, if it has one.
    ///
    /// # Errors
    /// [`Rejection`] if the text is too long or normalization makes it much longer, if it holds a
    /// character that Unicode 16.0 does not assign, spells a special token, or cannot be tokenized
    /// without a loss.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Rejection> {
        #[cfg(test)]
        ENCODINGS.with(|count| count.set(count.get() + 1));
        self.check_length(text.len())?;
        check_assigned(text)?;
        if let Some((offset, token)) = self.special.find(text) {
            return Err(Rejection::SpecialToken { token, offset: offset as u64 });
        }
        self.read(text, Origin::Prompt)
    }

    /// Returns the tokens of a rendered chat of `bytes` bytes.
    ///
    /// In `marked`, `sentinel` breaks every special token that a content spells; in `shredded`,
    /// every character of a content.
    ///
    /// # Errors
    /// [`Rejection`] if the text is too long, cannot be tokenized without a loss, or if the two
    /// texts spell different special tokens.
    pub fn encode_marked(
        &self,
        bytes: usize,
        marked: &str,
        shredded: &str,
        sentinel: Option<char>,
    ) -> Result<Vec<u32>, Rejection> {
        self.check_length(bytes)?;
        check_assigned(marked)?;
        // No content takes part in a special token of the second text, so neither may one in the
        // first.
        let mut expected = self.special.read(shredded).map(|(_, token)| token);
        for (offset, token) in self.special.read(marked) {
            if expected.next() != Some(token) {
                return Err(Rejection::SpecialToken { token, offset: offset as u64 });
            }
        }
        if let Some(token) = expected.next() {
            return Err(Rejection::SpecialToken { token, offset: marked.len() as u64 });
        }
        self.read(marked, Origin::Template(sentinel))
    }

    const fn check_length(&self, bytes: usize) -> Result<(), Rejection> {
        if bytes > self.max_text_bytes {
            let (got, max) = (bytes as u64, self.max_text_bytes as u64);
            return Err(Rejection::InputTooLong { got, max });
        }
        Ok(())
    }

    /// The crate panics at some malformed parts only when it meets a text.
    fn read(&self, text: &str, origin: Origin) -> Result<Vec<u32>, Rejection> {
        let tokens = panic::catch_unwind(AssertUnwindSafe(|| self.run(text, origin)))
            .unwrap_or_else(|_| Err(Rejection::InvalidText.into()))
            .map_err(|error| *error.downcast().unwrap_or(Box::new(Rejection::InvalidText)))?;
        self.check(&tokens)?;
        Ok(tokens)
    }

    /// The steps of the crate's own `encode`, with a look at each.
    fn run(&self, text: &str, origin: Origin) -> tokenizers::Result<Vec<u32>> {
        let inner = &self.inner;
        let added = inner.get_added_vocabulary();
        self.check_decomposition(text)?;
        let (paid, besides) = (self.paid(text.len()), GROWTH_ALLOWANCE);
        let normalizer = PaidNormalizer::new(&self.normalizer, self.symbols, paid, besides);
        let mut pieces = added.extract_and_normalize(Some(&normalizer), text);
        normalizer.finish()?;
        self.check_added(&pieces, text, origin)?;
        if let Origin::Template(Some(mark)) = origin {
            pieces.normalize(|piece| {
                piece.filter(|character| character != mark);
                Ok(())
            })?;
        }
        if let (Some(model), Origin::Prompt) = (&self.byte_pairs, origin) {
            return self.encode_at_once(model, pieces);
        }
        self.words.split(&mut pieces, |pieces| {
            self.check_pieces(pieces, Symbols::Characters, text.len())
        })?;
        let symbols = if self.words.spells_bytes() { Symbols::Characters } else { self.symbols };
        self.check_pieces(&pieces, symbols, text.len())?;
        let meter = Meter::new(self.own.as_ref().map_or(0, |model| model.max_steps(paid)));
        pieces.tokenize(|piece| self.tokenize(piece, origin, &meter))?;
        let encoding = pieces.into_encoding(None, 0, OffsetType::None)?;
        let encoding = inner.post_process(encoding, None, origin == Origin::Prompt)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Encodes the pieces of a prompt in one pass.
    fn encode_at_once(
        &self,
        model: &BytePairs,
        pieces: PreTokenizedString,
    ) -> tokenizers::Result<Vec<u32>> {
        let mut ids = Vec::new();
        let mut tokens = Vec::new();
        let (mut place, mut forged) = (0, None);
        'pieces: for (text, _, added) in
            pieces.get_splits(OffsetReferential::Original, OffsetType::None)
        {
            if let Some(added) = added {
                ids.extend(added.iter().map(|token| token.id));
                continue;
            }
            tokens.clear();
            model.tokenize(text, &mut tokens)?;
            let prefix = usize::from(model.adds_prefix(text));
            let mut start = 0;
            for (token, bytes) in &tokens {
                let end = start + *bytes as usize;
                if self.is_forged(*token) {
                    let range = start.saturating_sub(prefix)..end.saturating_sub(prefix);
                    forged = Some((*token, place, range));
                    break 'pieces;
                }
                start = end;
                ids.push(*token);
            }
            place += 1;
        }
        if let Some((token, place, range)) = forged {
            let offset = original_offset(pieces, place, &range)? as u64;
            return Err(Rejection::SpecialToken { token, offset }.into());
        }
        let count = ids.len();
        let (texts, offsets) = (vec![String::new(); count], vec![(0, 0); count]);
        let (words, zeros, ones) = (vec![None; count], vec![0; count], vec![1; count]);
        let encoding = Encoding::new(
            ids,
            zeros.clone(),
            texts,
            words,
            offsets,
            zeros,
            ones,
            Vec::new(),
            Default::default(),
        );
        let encoding = self.inner.post_process(encoding, None, true)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Checks that no text is normalized whose characters become so many that normalization takes
    /// more time than was paid for.
    fn check_decomposition(&self, text: &str) -> Result<(), Rejection> {
        if !self.is_compatible {
            return Ok(());
        }
        self.check_symbols(unicode::decomposed_characters(text), text.len())
    }

    /// Checks that the words of a text of so many bytes have no more symbols than was paid for:
    /// some pre-tokenizers put some before each word. Bytes that are spelled are characters there.
    fn check_pieces(
        &self,
        pieces: &PreTokenizedString,
        symbols: Symbols,
        bytes: usize,
    ) -> Result<(), Rejection> {
        let words = pieces.get_splits(OffsetReferential::Normalized, OffsetType::None);
        let got = words.into_iter().map(|(word, ..)| symbols.count(word) as u64).sum();
        self.check_symbols(got, bytes)
    }

    /// Checks a number of symbols of a text of so many bytes, but for what any text may have
    /// besides.
    fn check_symbols(&self, got: u64, bytes: usize) -> Result<(), Rejection> {
        let paid = self.paid(bytes);
        let max = paid.saturating_add(paid / 4).saturating_add(GROWTH_ALLOWANCE);
        if got > max { Err(Rejection::InputTooLong { got, max }) } else { Ok(()) }
    }

    /// Checks that a word whose pairs are merged is not so long that the order of its merges leaves
    /// the caches of a processor.
    const fn check_word(&self, bytes: usize) -> Result<(), Rejection> {
        // Those of SentencePiece are whole texts.
        let is_text = matches!(self.kind(), TokenizerKind::SentencePieceBpe);
        let max = if is_text { MAX_MERGED_TEXT_BYTES } else { MAX_WORD_BYTES };
        if bytes > max {
            return Err(Rejection::InputTooLong { got: bytes as u64, max: max as u64 });
        }
        Ok(())
    }

    fn paid(&self, bytes: usize) -> u64 {
        self.paid_bytes(bytes as u64).unwrap_or(u64::MAX)
    }

    /// Checks the special tokens that the crate found in `text`, as written or after normalization.
    fn check_added(
        &self,
        pieces: &PreTokenizedString,
        text: &str,
        origin: Origin,
    ) -> Result<(), Rejection> {
        let mark = match origin {
            Origin::Prompt => None,
            Origin::Template(mark) => mark,
        };
        let marks = |text: &str| mark.map_or(0, |mark| text.matches(mark).count());
        let mut kept = 0;
        for (piece, (start, end), tokens) in
            pieces.get_splits(OffsetReferential::Original, OffsetType::Byte)
        {
            let Some(tokens) = tokens else {
                kept += marks(piece);
                continue;
            };
            let written = text.get(start..end).unwrap_or_default();
            for token in tokens {
                // A template spells its tokens as they are; another spelling came from a content
                // and the normalizer.
                let honest = || {
                    let is_spelled = |text: &str| text.trim() == written.trim();
                    origin != Origin::Prompt
                        && marks(written) == 0
                        && self.special.text(token.id).is_none_or(is_spelled)
                };
                if self.special.text(token.id).is_some() && !honest() {
                    let offset = start as u64;
                    return Err(Rejection::SpecialToken { token: token.id, offset });
                }
            }
        }
        // A normalizer that swallows or alters marks would glue together what they part.
        if kept != marks(text) {
            let clean = text.replace(|character| Some(character) == mark, "");
            let (offset, token) = self.special.find(&clean).unwrap_or_default();
            return Err(Rejection::SpecialToken { token, offset: offset as u64 });
        }
        Ok(())
    }

    /// The tokens of a word. Models know the texts of special tokens too, and some make the token
    /// of the text.
    fn tokenize(
        &self,
        piece: &NormalizedString,
        origin: Origin,
        meter: &Meter,
    ) -> tokenizers::Result<Vec<Token>> {
        let text = piece.get();
        let mut cuts = BTreeSet::new();
        for _ in 0..=MAX_CUTS {
            let tokens = self.tokenize_parts(text, &cuts, meter)?;
            let Some(first) = tokens.iter().find(|token| self.is_forged(token.id)) else {
                return Ok(tokens);
            };
            let rejection = || {
                let place = Range::Normalized(first.offsets.0..first.offsets.1);
                let inside = piece.convert_offsets(place).map_or(0, |place| place.start);
                let offset = (piece.offsets_original().0 + inside) as u64;
                Rejection::SpecialToken { token: first.id, offset }
            };
            if origin == Origin::Prompt {
                return Err(rejection().into());
            }
            // Cut behind the first character and read the parts again.
            for token in tokens.iter().filter(|token| self.is_forged(token.id)) {
                let (start, end) = token.offsets;
                let first = text.get(start..end).and_then(|text| text.chars().next());
                let cut = start + first.map_or(0, char::len_utf8);
                if cut == start || cut >= end {
                    return Err(rejection().into());
                }
                cuts.insert(cut);
            }
        }
        Err(Rejection::InvalidText.into())
    }

    fn is_forged(&self, token: u32) -> bool {
        self.special.text(token).is_some() && self.unknown != Some(token)
    }

    /// The tokens of the parts of `text` between `cuts`.
    fn tokenize_parts(
        &self,
        text: &str,
        cuts: &BTreeSet<usize>,
        meter: &Meter,
    ) -> tokenizers::Result<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().chain([text.len()]) {
            let part = self.tokenize_part(&text[start..end], meter)?;
            tokens.extend(part.into_iter().map(|token| Token {
                offsets: (start + token.offsets.0, start + token.offsets.1),
                ..token
            }));
            start = end;
        }
        Ok(tokens)
    }

    /// The tokens of a stretch of text, whatever they are.
    fn tokenize_part(&self, text: &str, meter: &Meter) -> tokenizers::Result<Vec<Token>> {
        if let Some(model) = &self.own {
            let pieces = model.tokenize(text, meter)?;
            let token = |piece: Piece| Token::new(piece.token, String::new(), piece.range());
            return Ok(pieces.into_iter().map(token).collect());
        }
        self.check_word(text.len())?;
        let model = self.inner.get_model();
        let tokens = model.tokenize(text)?;
        // Without an unknown token, a BPE model drops what it does not know.
        if let tokenizers::ModelWrapper::BPE(bpe) = model
            && bpe.unk_token.is_none()
            && tokens.last().map_or(0, |token| token.offsets.1) < text.len()
        {
            return Err(Rejection::InvalidText.into());
        }
        Ok(tokens)
    }
}

/// Returns where a stretch of a normalized piece comes from in the text, the piece named by its
/// place among those that are no added tokens.
fn original_offset(
    mut pieces: PreTokenizedString,
    place: usize,
    range: &core::ops::Range<usize>,
) -> tokenizers::Result<usize> {
    let (next, offset) = (Cell::new(0), Cell::new(0));
    pieces.normalize(|piece| {
        if next.replace(next.get() + 1) == place {
            let inside = piece.convert_offsets(Range::Normalized(range.clone()));
            offset.set(piece.offsets_original().0 + inside.map_or(0, |inside| inside.start));
        }
        Ok(())
    })?;
    Ok(offset.get())
}

/// What a character of a later version is, the tables of this one do not know.
fn check_assigned(text: &str) -> Result<(), Rejection> {
    match unicode::find_unassigned(text) {
        Some((offset, character)) => Err(Rejection::UnassignedCharacter {
            character: character.into(),
            offset: offset as u64,
        }),
        None => Ok(()),
    }
}

/// Characters or bytes that a normalizer may add besides, to short texts.
const GROWTH_ALLOWANCE: u64 = 32;

/// Longest word of which pairs are merged.
pub(super) const MAX_WORD_BYTES: usize = 1 << 15;

/// Longest text that is one such word.
const MAX_MERGED_TEXT_BYTES: usize = 1 << 16;

/// How often a word is cut; each round makes every forged token shorter.
const MAX_CUTS: usize = 64;
