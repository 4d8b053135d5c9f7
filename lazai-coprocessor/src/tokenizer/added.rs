use std::collections::BTreeMap;

use tokenizers::{AddedToken, NormalizedString, Normalizer as _};

use super::{SpecialTexts, TokenizerError, normalizer::Steps};

/// What is looked for in a text before the model reads it, as far as its price goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct AddedTexts {
    /// Bytes of all.
    pub(super) bytes: usize,
    /// Characters of the shortest that a prompt may spell; none where none does.
    pub(super) shortest: Option<usize>,
    /// Most bytes between the ends of two of which one begins the other, with none between.
    pub(super) longest_gap: usize,
    /// Whether one asks what is beside it, or takes in spaces.
    pub(super) looks_around: bool,
}

impl AddedTexts {
    /// Checks that no two added tokens are looked for by one normalized text, none by an empty one,
    /// and none by white space that takes in what is beside it.
    ///
    /// The crate gives the texts to its automaton in the order of a hash map, and takes the first
    /// of two that are equal. Tokens that are looked for before normalization are told apart by
    /// their content.
    pub(super) fn new<'a>(
        added: impl Iterator<Item = (u32, &'a AddedToken)>,
        normalizer: &Steps,
    ) -> Result<Self, TokenizerError> {
        let added: BTreeMap<u32, &AddedToken> = added.collect();
        let (mut written, mut normalized) = (BTreeMap::new(), BTreeMap::new());
        let mut found = Self::default();
        for (token, added) in added {
            let takes_spaces = added.lstrip || added.rstrip;
            found.looks_around |= takes_spaces || added.single_word;
            if !added.normalized {
                check_spaces(token, takes_spaces, &added.content)?;
                // Of the others a prompt spells none.
                let is_spelled = !added.special && !SpecialTexts::is_control(&added.content);
                found.add(&added.content, is_spelled);
                written.insert(added.content.clone(), token);
                continue;
            }
            let mut text = NormalizedString::from(added.content.as_str());
            normalizer.normalize(&mut text).map_err(TokenizerError::syntax)?;
            let text = text.get().to_owned();
            check_spaces(token, takes_spaces, &text)?;
            if text.is_empty() {
                return Err(TokenizerError::AddedEmpty { token });
            }
            found.add(&text, true);
            if let Some(first) = normalized.insert(text.clone(), token) {
                return Err(TokenizerError::AddedTwice { first, second: token, text });
            }
        }
        found.longest_gap = longest_gap(&written).max(longest_gap(&normalized));
        Ok(found)
    }

    fn add(&mut self, text: &str, is_spelled: bool) {
        self.bytes += text.len();
        if is_spelled {
            let characters = text.chars().count();
            self.shortest = Some(self.shortest.map_or(characters, |most| most.min(characters)));
        }
    }
}

/// A search that has found a text goes on to the end of one that it begins, and comes back.
fn longest_gap(texts: &BTreeMap<String, u32>) -> usize {
    let (mut longest, mut begun) = (0, Vec::<&str>::new());
    for text in texts.keys() {
        while begun.last().is_some_and(|last| !text.starts_with(last)) {
            begun.pop();
        }
        longest = longest.max(begun.last().map_or(0, |last| text.len() - last.len()));
        begun.push(text);
    }
    longest
}

/// The crate looks for white space from each place where it finds such a token, and each takes in
/// what others have.
fn check_spaces(token: u32, takes_spaces: bool, text: &str) -> Result<(), TokenizerError> {
    if takes_spaces && !text.is_empty() && text.trim().is_empty() {
        return Err(TokenizerError::AddedSpaces { token });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_what_a_search_reads_in_vain() {
        let gap = |texts: &[&str]| {
            longest_gap(&texts.iter().map(|text| (*text).to_owned()).zip(0..).collect())
        };
        assert_eq!(gap(&[]), 0);
        assert_eq!(gap(&["<a>", "<b>", "<unused99>"]), 0);
        assert_eq!(gap(&["a", "aaaa!", "aaa", "b"]), 2);
        assert_eq!(gap(&["ab", "abcdef", "abcd", "abx"]), 2);
    }
}
