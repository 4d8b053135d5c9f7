//! Texts that tokenizers find hard: fragments, repeated in turn.

use crate::gene::{Gene, Random};

/// The genes of a text of at most `max_bytes`.
pub(crate) const fn genes(max_bytes: u32) -> [Gene; 7] {
    let fragment = Gene::below(FRAGMENTS.len() as u32 + 2);
    let repeats = Gene::new(1, 64);
    [Gene::new(0, max_bytes), fragment, repeats, fragment, repeats, fragment, repeats]
}

/// Returns the text of `genes`, and a name for it.
pub(crate) fn text(genes: &[u32]) -> (String, String) {
    let (length, parts) = genes.split_first().unwrap();
    let length = *length as usize;
    let mut text = String::new();
    let mut seed = Random::new(u64::from(genes[1]));
    while text.len() < length {
        for part in parts.as_chunks::<2>().0 {
            for _ in 0..part[1] {
                fragment(part[0], &mut seed, &mut text);
            }
        }
    }
    let mut end = length;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    let mut names: Vec<String> =
        parts.as_chunks::<2>().0.iter().map(|[part, times]| name(*part, *times)).collect();
    names.dedup();
    (format!("{end} bytes of {}", names.join(" + ")), text)
}

/// Returns genes of `length` bytes of each of the first `fragments` alone.
pub(crate) fn listed(length: u32, fragments: u32) -> impl Iterator<Item = Vec<u32>> {
    (0..fragments.min(ALL)).map(move |part| vec![length, part, 1, part, 1, part, 1])
}

fn fragment(part: u32, random: &mut Random, text: &mut String) {
    match FRAGMENTS.get(part as usize) {
        Some(fragment) => text.push_str(fragment),
        None if part as usize == FRAGMENTS.len() => {
            text.extend((0..1 + random.below(9)).map(|_| letter(random)));
            text.push(' ');
        }
        None => text.extend((0..255).map(|_| letter(random))),
    }
}

fn letter(random: &mut Random) -> char {
    char::from(b'a' + random.below(26) as u8)
}

fn name(part: u32, times: u32) -> String {
    match FRAGMENTS.get(part as usize) {
        Some(fragment) if times == 1 => format!("{fragment:?}"),
        Some(fragment) => format!("{times}*{fragment:?}"),
        None if part as usize == FRAGMENTS.len() => format!("{times}*words"),
        None => format!("{times}*letters"),
    }
}

/// Fragments, words and letters.
pub(crate) const ALL: u32 = FRAGMENTS.len() as u32 + 2;

const FRAGMENTS: [&str; 51] = [
    "The quick brown fox jumps over the lazy dog. ",
    "a",
    "e",
    "A",
    " ",
    " a",
    "a ",
    "\n",
    " \n",
    "\r\n",
    "\t",
    "\t\tx",
    "'s",
    "'",
    ".",
    ".,;!",
    "<",
    "<|",
    "[",
    "0",
    "1234567890",
    "_",
    "\u{2581}",
    "\0",
    "e\u{301}",
    "\u{301}",
    "\u{344}",
    "\u{390}",
    "\u{df}",
    "\u{130}",
    "\u{fdfa}",
    "\u{fb03}",
    "\u{1d15e}",
    "\u{1d160}",
    "\u{958}",
    "\u{fb2c}",
    "\u{3316}",
    // As many letters besides as a text needs that is read.
    "\u{fdfa}aeioubcdfghjklmnpqrstvwxyzaeioubcdfghjklmnpqrstvwxyzaeiou",
    "\u{1d160}aeioubcdfghjklmnpqrstvwxyzae",
    "\u{958}aeioubcdf",
    "\u{1100}\u{1161}\u{11a8}",
    "\u{d55c}\u{ae00}",
    "\u{4f60}\u{597d}",
    "\u{4e00}\u{9fa5}\u{3400}",
    "\u{f900}",
    "\u{1f600}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{0e33}",
    "\u{3099}\u{304b}",
    "\u{200b}",
    "\u{feff}",
];
