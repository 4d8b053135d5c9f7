use super::ChatError;
use lazai_coprocessor::SpecialTexts;

/// A character that no content and no template uses, so that it can part what must not be read
/// together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sentinel(char);

/// The noncharacters that some texts use. Unicode promises never to give them a meaning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UsedSentinels(u32);

impl UsedSentinels {
    /// Notes those of `text`.
    pub(super) fn add(&mut self, text: &str) {
        // All of them start with the same two bytes in UTF-8, which few texts hold.
        for (offset, _) in text.match_indices(NONCHARACTERS) {
            let place =
                text[offset..].chars().next().map_or(0, |character| character as u32 - FIRST);
            self.0 |= 1 << place;
        }
    }

    /// Returns the first noncharacter that is not used.
    pub(super) fn free(self) -> Result<Sentinel, ChatError> {
        let free = char::from_u32(FIRST + self.0.trailing_ones())
            .filter(|character| NONCHARACTERS(*character));
        free.map(Sentinel).ok_or(ChatError::NoFreeSentinel { max: COUNT as usize })
    }
}

impl Sentinel {
    pub(super) const fn character(self) -> char {
        self.0
    }

    /// Breaks every special token that `text` spells, behind its first character.
    pub(super) fn cut(self, text: &str, special: &SpecialTexts) -> Result<String, ChatError> {
        let mut cut = String::with_capacity(text.len());
        let mut copied = 0;
        for (offset, _, _) in special.starts(text) {
            let first = text[offset..].chars().next().map_or(0, char::len_utf8);
            if let Some(token) = special.token(&text[offset..offset + first]) {
                return Err(ChatError::SpecialCharacter { token });
            }
            cut.push_str(&text[copied..offset + first]);
            cut.push(self.0);
            copied = offset + first;
        }
        cut.push_str(&text[copied..]);
        Ok(cut)
    }

    /// Breaks `text` at every character. The spaces at its ends stay, so that a template strips
    /// them as before.
    pub(super) fn shred(self, text: &str) -> String {
        let core = text.trim();
        if core.is_empty() {
            return text.to_owned();
        }
        let start = text.len() - text.trim_start().len();
        let mut shredded = String::with_capacity(4 * text.len() + 4);
        shredded.push_str(&text[..start]);
        shredded.push(self.0);
        for character in core.chars() {
            shredded.push(character);
            shredded.push(self.0);
        }
        shredded.push_str(&text[start + core.len()..]);
        shredded
    }

    /// Removes the sentinels of `text`.
    pub(super) fn remove(self, text: &str) -> String {
        text.replace(self.0, "")
    }
}

const FIRST: u32 = 0xfdd0;
const COUNT: u32 = 32;
const NONCHARACTERS: fn(char) -> bool = |character| ('\u{fdd0}'..='\u{fdef}').contains(&character);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_noncharacter_is_the_sentinel() {
        let mut used = UsedSentinels::default();
        assert_eq!(used.free().unwrap().character(), '\u{fdd0}');
        used.add("a\u{fdd0}b\u{fdd2}");
        assert_eq!(used.free().unwrap().character(), '\u{fdd1}');
        used.add(&('\u{fdd0}'..='\u{fdef}').collect::<String>());
        assert_eq!(used.free(), Err(ChatError::NoFreeSentinel { max: 32 }));
    }

    #[test]
    fn sentinels_break_what_is_special_and_shreds_break_all() {
        let sentinel = Sentinel('\u{fdd0}');
        let special = SpecialTexts::new([("<s>".to_owned(), 1), ("<s><s".to_owned(), 2)]);
        assert_eq!(sentinel.cut("a<s><s>", &special).unwrap(), "a<\u{fdd0}s><\u{fdd0}s>");
        assert_eq!(sentinel.cut("a<b>", &special).unwrap(), "a<b>");
        let shredded = sentinel.shred(" a\u{e9} ");
        assert_eq!(shredded, " \u{fdd0}a\u{fdd0}\u{e9}\u{fdd0} ");
        assert_eq!(sentinel.remove(&shredded), " a\u{e9} ");
        assert_eq!(sentinel.shred(" \n"), " \n");
    }

    #[test]
    fn a_special_token_of_one_character_cannot_be_broken() {
        let special = SpecialTexts::new([("\u{2581}".to_owned(), 7)]);
        let error = Sentinel('\u{fdd0}').cut("a\u{2581}", &special);
        assert_eq!(error, Err(ChatError::SpecialCharacter { token: 7 }));
    }
}
