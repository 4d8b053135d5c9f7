//! The tables of Unicode that decide tokens, which are part of the specification.
//!
//! They come from the standard library and from other crates, so a build with other versions of
//! those would read texts differently. Their digests are checked before a tokenizer is read.

use core::{iter, ops::RangeInclusive};
use std::sync::OnceLock;

// They decide tokens too, but hold no table; naming them pins their versions.
use regex_automata as _;
use regex_syntax::hir::{Class, HirKind};
use sha2::{Digest, Sha256};
use spm_precompiled as _;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char as normalization;
use unicode_segmentation::UnicodeSegmentation;

/// Checks that this build has the tables of the specification, once for a process; the error is the
/// name of the first table that it has not.
pub(super) fn check() -> Result<(), &'static str> {
    static RESULT: OnceLock<Result<(), &'static str>> = OnceLock::new();
    *RESULT.get_or_init(|| compare(&TABLES))
}

fn compare(tables: &[Table]) -> Result<(), &'static str> {
    let wrong = tables.iter().find(|table| (table.digest)() != table.expected);
    wrong.map_or(Ok(()), |table| Err(table.name))
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

/// Returns how many characters the compatibility decompositions of a text's characters have.
pub(super) fn decomposed_characters(text: &str) -> u64 {
    let mut count = 0;
    for character in text.chars() {
        if character.is_ascii() {
            count += 1;
        } else {
            normalization::decompose_compatible(character, |_| count += 1);
        }
    }
    count
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
        expected: 0x16d9_ae6d_1347_1934_u64.to_be_bytes(),
    },
    Table {
        name: "classes of regex-syntax",
        digest: classes,
        expected: 0x007f_7c47_bb02_68f5_u64.to_be_bytes(),
    },
    Table {
        name: "decompositions of unicode-normalization-alignments",
        digest: decompositions,
        expected: 0x1bfc_584d_2797_2c43_u64.to_be_bytes(),
    },
    Table {
        name: "categories of unicode_categories",
        digest: categories,
        expected: 0xf3da_8195_0a19_0e5e_u64.to_be_bytes(),
    },
    Table {
        name: "grapheme clusters of unicode-segmentation",
        digest: graphemes,
        expected: 0xdfd1_b103_3ade_dc3d_u64.to_be_bytes(),
    },
];

fn standard() -> [u8; 8] {
    digest(assigned(&PRIVATE).filter_map(|character| {
        let bits = u32::from(character.is_whitespace()) + 2 * u32::from(character.is_numeric());
        let plain = bits == 0 && character.to_lowercase().eq([character]);
        let row = || [character.into(), bits].into_iter();
        (!plain).then(|| row().chain(character.to_lowercase().map(u32::from)).collect())
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
    digest(assigned(&PRIVATE).filter_map(|character| {
        let class = normalization::canonical_combining_class(character);
        let is_mark = normalization::is_combining_mark(character);
        let (mut canonical, mut compatible) = (Vec::new(), Vec::new());
        normalization::decompose_canonical(character, |part| canonical.push(part));
        normalization::decompose_compatible(character, |part| compatible.push(part));
        if class == 0 && !is_mark && canonical == [character] && compatible == [character] {
            return None;
        }
        let mut row = vec![character.into(), class.into(), is_mark.into()];
        // Compositions are pairs of a canonical decomposition.
        for pair in canonical.windows(2) {
            row.push(normalization::compose(pair[0], pair[1]).map_or(u32::MAX, u32::from));
        }
        row.extend(canonical.into_iter().chain(compatible).map(u32::from));
        Some(row)
    }))
}

fn categories() -> [u8; 8] {
    digest(assigned(&PRIVATE).filter_map(|character| {
        let bits = u32::from(character.is_punctuation())
            + 2 * u32::from(character.is_other())
            + 4 * u32::from(character.is_mark_nonspacing());
        (bits != 0).then(|| vec![character.into(), bits])
    }))
}

/// Where clusters of a character end before and behind a letter, a mark and a flag.
fn graphemes() -> [u8; 8] {
    digest(assigned(&IDEOGRAPHS).map(|character| {
        let text = format!("{character}a{character}\u{301}\u{1f1e9}{character}{character}");
        text.grapheme_indices(true).map(|(offset, _)| offset as u32).collect()
    }))
}

/// The characters that tables are asked about: every one of [`VERSION`], but one in 64 of some
/// blocks, whose characters are all alike.
fn assigned(blocks: &[RangeInclusive<u32>]) -> impl Iterator<Item = char> {
    let ends = unassigned().iter().map(|(first, _)| *first).chain([0x11_0000]);
    let starts = iter::once(0).chain(unassigned().iter().map(|(_, last)| last + 1));
    let all = starts.zip(ends).flat_map(|(start, end)| start..end);
    let asked =
        |code: &u32| code.is_multiple_of(64) || !blocks.iter().any(|block| block.contains(code));
    all.filter(asked).filter_map(char::from_u32)
}

/// Blocks of private use, to which no version gives a meaning.
const PRIVATE: [RangeInclusive<u32>; 3] =
    [0xe000..=0xf8ff, 0xf_0000..=0xf_fffd, 0x10_0000..=0x10_fffd];

/// The same, and blocks of ideographs.
const IDEOGRAPHS: [RangeInclusive<u32>; 8] = [
    0x3400..=0x4dbf,
    0x4e00..=0x9fff,
    0xe000..=0xf8ff,
    0x1_7000..=0x1_87f7,
    0x2_0000..=0x2_ebe0,
    0x3_0000..=0x3_23af,
    0xf_0000..=0xf_fffd,
    0x10_0000..=0x10_fffd,
];

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
    use std::collections::BTreeSet;

    use unicode_normalization_alignments::char as normalization;

    use super::{
        IDEOGRAPHS, PRIVATE, TABLES, Table, assigned, compare, find_unassigned, unassigned,
    };

    #[test]
    fn tables_are_those_of_the_specification() {
        let got = TABLES
            .map(|table| format!("{:#018x} {}", u64::from_be_bytes((table.digest)()), table.name));
        let expected = TABLES
            .map(|table| format!("{:#018x} {}", u64::from_be_bytes(table.expected), table.name));
        assert_eq!(got, expected);
    }

    #[test]
    fn every_character_with_a_mapping_is_asked_about() {
        for (blocks, least) in [(&PRIVATE[..], 150_000), (&IDEOGRAPHS, 50_000)] {
            let asked: BTreeSet<char> = assigned(blocks).collect();
            assert!(asked.len() > least, "{}", asked.len());
            for code in 0..=0x10_ffff {
                let Some(character) = char::from_u32(code) else { continue };
                let (mut canonical, mut compatible) = (Vec::new(), Vec::new());
                normalization::decompose_canonical(character, |part| canonical.push(part));
                normalization::decompose_compatible(character, |part| compatible.push(part));
                let plain = canonical == [character]
                    && compatible == [character]
                    && character.to_lowercase().eq([character])
                    && character.to_uppercase().eq([character]);
                let known = find_unassigned(&character.to_string()).is_none();
                assert!(plain || !known || asked.contains(&character), "U+{code:04X}");
            }
        }
    }

    #[test]
    fn another_table_is_named() {
        let other = Table { name: "another", digest: || [1; 8], expected: [2; 8] };
        assert_eq!(compare(&TABLES), Ok(()));
        assert_eq!(compare(&[other]), Err("another"));
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
