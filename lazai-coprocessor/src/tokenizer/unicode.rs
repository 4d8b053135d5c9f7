//! The tables of Unicode that decide tokens, which are part of the specification.
//!
//! They come from the standard library and from other crates, so a build with other versions of
//! those would read texts differently. Their digests are checked before a tokenizer is read.

use core::iter;
use std::sync::OnceLock;

// They decide tokens too, but hold no table; naming them pins their versions.
use regex_automata as _;
use regex_syntax::hir::{Class, HirKind};
use sha2::{Digest, Sha256};
use spm_precompiled as _;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char as normalization;
use unicode_segmentation::UnicodeSegmentation;

use super::TokenizerError;

/// Checks that this build has the tables of the specification; once for a process.
pub(super) fn check() -> Result<(), TokenizerError> {
    static RESULT: OnceLock<Result<(), TokenizerError>> = OnceLock::new();
    RESULT.get_or_init(|| compare(&TABLES)).clone()
}

fn compare(tables: &[Table]) -> Result<(), TokenizerError> {
    let wrong = tables.iter().find(|table| (table.digest)() != table.expected);
    wrong.map_or(Ok(()), |table| Err(TokenizerError::Unicode { table: table.name }))
}

/// Returns the first code point of `text` that has no meaning in [`VERSION`], with its offset.
pub(super) fn find_unassigned(text: &str) -> Option<(usize, char)> {
    let ranges = unassigned();
    text.char_indices().find(|(_, character)| {
        let code = u32::from(*character);
        if code < FIRST_UNASSIGNED {
            return false;
        }
        let next = ranges.partition_point(|(_, last)| *last < code);
        ranges.get(next).is_some_and(|(first, _)| *first <= code)
    })
}

/// Ranges of the code points that [`VERSION`] leaves for later versions. Noncharacters stay what
/// they are in every version.
fn unassigned() -> &'static [(u32, u32)] {
    static RANGES: OnceLock<Vec<(u32, u32)>> = OnceLock::new();
    RANGES.get_or_init(|| class(r"[\p{Cn}--\p{Noncharacter_Code_Point}]"))
}

/// The ranges of a class of regular expressions.
pub(super) fn class(pattern: &str) -> Vec<(u32, u32)> {
    let Ok(parsed) = regex_syntax::parse(pattern) else { return Vec::new() };
    match parsed.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
        _ => Vec::new(),
    }
}

/// The version of Unicode whose characters a text may hold.
pub(super) const VERSION: &str = "16.0";

/// A table with the digest of what it says about the characters of [`VERSION`].
struct Table {
    name: &'static str,
    digest: fn() -> [u8; 8],
    expected: [u8; 8],
}

const TABLES: [Table; 5] = [
    Table {
        name: "white space, numbers and lower case of the standard library",
        digest: standard,
        expected: 0x4e58_d8ba_1ba2_a591_u64.to_be_bytes(),
    },
    Table {
        name: "classes of regex-syntax",
        digest: classes,
        expected: 0x007f_7c47_bb02_68f5_u64.to_be_bytes(),
    },
    Table {
        name: "decompositions of unicode-normalization-alignments",
        digest: decompositions,
        expected: 0xbbae_1ca9_2f2e_54de_u64.to_be_bytes(),
    },
    Table {
        name: "categories of unicode_categories",
        digest: categories,
        expected: 0xe15e_ca4d_045e_fe58_u64.to_be_bytes(),
    },
    Table {
        name: "grapheme clusters of unicode-segmentation",
        digest: graphemes,
        expected: 0x7c90_42de_82d0_6d96_u64.to_be_bytes(),
    },
];

fn standard() -> [u8; 8] {
    digest(characters().map(|character| {
        let bits = u32::from(character.is_whitespace()) + 2 * u32::from(character.is_numeric());
        iter::once(bits).chain(character.to_lowercase().map(u32::from)).collect()
    }))
}

fn classes() -> [u8; 8] {
    digest(CLASSES.iter().map(|pattern| {
        let ranges = class(pattern);
        iter::once(u32::MAX)
            .chain(ranges.into_iter().flat_map(|range| [range.0, range.1]))
            .collect()
    }))
}

fn decompositions() -> [u8; 8] {
    digest(characters().map(|character| {
        let mut row = vec![
            u32::from(normalization::canonical_combining_class(character)),
            u32::from(normalization::is_combining_mark(character)),
        ];
        let mut canonical = Vec::new();
        normalization::decompose_canonical(character, |part| canonical.push(part));
        // Compositions are pairs of a canonical decomposition.
        for pair in canonical.windows(2) {
            row.push(normalization::compose(pair[0], pair[1]).map_or(u32::MAX, u32::from));
        }
        row.extend(canonical.into_iter().map(u32::from));
        normalization::decompose_compatible(character, |part| row.push(part.into()));
        row
    }))
}

fn categories() -> [u8; 8] {
    digest(characters().map(|character| {
        vec![
            u32::from(character.is_punctuation())
                + 2 * u32::from(character.is_other())
                + 4 * u32::from(character.is_mark_nonspacing()),
        ]
    }))
}

/// Where clusters of a character end before and behind a letter, a mark and a flag.
fn graphemes() -> [u8; 8] {
    digest(characters().map(|character| {
        let text = format!("{character}a{character}\u{301}\u{1f1e9}{character}{character}");
        text.grapheme_indices(true).map(|(offset, _)| offset as u32).collect()
    }))
}

/// The characters that tables are asked about: every one of [`VERSION`], but of large ranges, which
/// are ideographs, syllables and private use, one in 64.
fn characters() -> impl Iterator<Item = char> {
    let ends = unassigned().iter().map(|(first, _)| *first).chain([0x11_0000]);
    let starts = iter::once(0).chain(unassigned().iter().map(|(_, last)| last + 1));
    starts.zip(ends).flat_map(|(start, end)| {
        let step = if end - start > 8_192 { 64 } else { 1 };
        (start..end).step_by(step).filter_map(char::from_u32)
    })
}

/// The first bytes of the SHA-256 of rows of integers.
fn digest(rows: impl Iterator<Item = Vec<u32>>) -> [u8; 8] {
    let mut hash = Sha256::new();
    for row in rows {
        hash.update((row.len() as u32).to_be_bytes());
        row.into_iter().for_each(|value| hash.update(value.to_be_bytes()));
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    first
}

/// What patterns of tokenizers ask for.
const CLASSES: [&str; 22] = [
    r"[\p{Cn}--\p{Noncharacter_Code_Point}]",
    r"\p{L}",
    r"\p{Lu}",
    r"\p{Ll}",
    r"\p{Lt}",
    r"\p{Lm}",
    r"\p{Lo}",
    r"\p{M}",
    r"\p{N}",
    r"\p{Nd}",
    r"\p{P}",
    r"\p{S}",
    r"\p{Z}",
    r"\p{C}",
    r"\p{Han}",
    r"\p{Hiragana}",
    r"\p{Katakana}",
    r"\s",
    r"\w",
    r"\d",
    r"(?i:[a-z])",
    r"(?i:[\p{Lu}--\p{Cn}])",
];

/// No code point below is unassigned.
const FIRST_UNASSIGNED: u32 = 0x378;

#[cfg(test)]
mod tests {
    use super::{TABLES, Table, characters, compare, find_unassigned, unassigned};
    use crate::tokenizer::TokenizerError;

    #[test]
    fn tables_are_those_of_the_specification() {
        let got = TABLES
            .map(|table| format!("{:#018x} {}", u64::from_be_bytes((table.digest)()), table.name));
        let expected = TABLES
            .map(|table| format!("{:#018x} {}", u64::from_be_bytes(table.expected), table.name));
        assert_eq!(got, expected);
        assert!(characters().count() > 30_000);
    }

    #[test]
    fn another_table_is_named() {
        let other = Table { name: "another", digest: || [1; 8], expected: [2; 8] };
        assert_eq!(compare(&TABLES), Ok(()));
        assert_eq!(compare(&[other]), Err(TokenizerError::Unicode { table: "another" }));
    }

    #[test]
    fn characters_of_later_versions_are_found() {
        assert_eq!(unassigned()[0].0, super::FIRST_UNASSIGNED);
        // A sign of 17.0, the first hole, and a place of an empty plane.
        for character in ['\u{20c1}', '\u{378}', '\u{e1000}'] {
            assert_eq!(find_unassigned(&format!("\u{e9}{character}")), Some((2, character)));
        }
        // A letter of 16.0, a noncharacter, private use and an emoji of 15.1.
        assert_eq!(find_unassigned("a\u{1c8a}\u{fdd0}\u{e000}\u{10fffd}\u{1fae8}"), None);
    }
}
