use crate::tokenizer::{TextStream, Tokenizer};

/// Looks for stop texts in a text that grows token by token.
///
/// Each token is decoded with the few before it, so a step costs the same however long the text is.
/// A character whose bytes are spread over more than [`MAX_WAITING`](Self::MAX_WAITING) tokens is
/// not looked for.
#[derive(Debug)]
pub(crate) struct StopSearch<'a> {
    stop: &'a [String],
    stream: TextStream<'a>,
    /// The end of what the stream has shown, in which a stop text may begin.
    tail: String,
}

impl<'a> StopSearch<'a> {
    /// Most tokens that wait for the rest of a character.
    const MAX_WAITING: usize = 8;

    /// Most tokens that a step decodes: those of the last piece twice, and those that wait twice.
    pub(crate) const DECODED_TOKENS: u64 = 4 * Self::MAX_WAITING as u64;

    pub(crate) const fn new(tokenizer: &'a Tokenizer, stop: &'a [String]) -> Self {
        let stream = tokenizer.stream().with_max_waiting(Self::MAX_WAITING);
        Self { stop, stream, tail: String::new() }
    }

    /// Adds a token, and returns whether a stop text ends in what it adds.
    pub(crate) fn push(&mut self, token: u32) -> bool {
        let Some(longest) = self.stop.iter().map(String::len).max() else { return false };
        // A token without a text adds none.
        let Ok((text, whole)) = self.stream.grow(token) else { return false };
        let shown = self.tail.len();
        self.tail.push_str(&text);
        if find_stop(&self.tail, self.stop).is_some() {
            return true;
        }
        if whole {
            let start = self.tail.len().saturating_sub(longest);
            let start = self.tail.floor_char_boundary(start);
            self.tail.drain(..start);
        } else {
            self.tail.truncate(shown);
        }
        false
    }
}

/// Returns where the first stop text starts.
pub(super) fn find_stop(text: &str, stop: &[String]) -> Option<usize> {
    stop.iter().filter_map(|stop| text.find(stop.as_str())).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{StopSearch, find_stop};
    use crate::tokenizer::fixtures::{byte_level, load, sentence_piece, unigram};

    /// Whatever the stop texts, they are found at the token at which the whole text has one.
    #[test]
    fn a_stop_text_is_found_where_it_ends() {
        for json in [byte_level(), sentence_piece(), unigram()] {
            let tokenizer = load(&json);
            let tokens = tokenizer.encode(&format!("{} end", "hello a ".repeat(90))).unwrap();
            for stop in ["d", " end", "hello a  end", "lo a hello a hello", "never"] {
                let stop = [stop.to_owned(), "other".to_owned()];
                let mut search = StopSearch::new(&tokenizer, &stop);
                let found = tokens.iter().position(|token| search.push(*token));
                let holds = |end: &usize| {
                    find_stop(&tokenizer.decode(&tokens[..=*end]).unwrap(), &stop).is_some()
                };
                assert_eq!(found, (0..tokens.len()).find(holds), "{stop:?}");
            }
        }
    }

    /// Byte tokens of one character follow those of another, in a run of any length.
    #[test]
    fn a_character_of_byte_tokens_is_found() {
        let tokenizer = load(&sentence_piece());
        let tokens = tokenizer.encode(&format!("{}\u{3002}", "\u{4f60}".repeat(200))).unwrap();
        assert!(tokens.len() > 600);
        let stop = ["\u{3002}".to_owned()];
        let mut search = StopSearch::new(&tokenizer, &stop);
        let found = tokens.iter().position(|token| search.push(*token));
        assert_eq!(found, Some(tokens.len() - 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn stop_texts_are_found_as_in_the_whole_text(
            text in "[a-c \u{e9}\u{4f60}\u{1f600}]{0,40}", stop in "[a-c \u{e9}\u{4f60}]{1,4}",
        ) {
            for json in [byte_level(), sentence_piece(), unigram()] {
                let tokenizer = load(&json);
                let tokens = tokenizer.encode(&text).unwrap();
                let stop = [stop.clone()];
                let mut search = StopSearch::new(&tokenizer, &stop);
                let found = tokens.iter().any(|token| search.push(*token));
                let whole = tokenizer.decode(&tokens).unwrap();
                prop_assert_eq!(found, find_stop(&whole, &stop).is_some());
            }
        }
    }
}
