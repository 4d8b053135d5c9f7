//! Which patterns of a `tokenizer.json` are read: those whose search takes about as long as a text,
//! on every machine.

use regex_syntax::ast::{
    AssertionKind, Ast, Flag, Flags, FlagsItemKind, GroupKind, RepetitionKind, RepetitionRange,
    parse,
};

use super::{
    TokenizerError,
    file::{Decoder, File, Normalizer, Pattern, PreTokenizer},
    lookahead::{Limits, is_bounded},
    scan::Scan,
};

/// Checks what the steps of a file look for.
pub(super) fn check(file: &File) -> Result<(), TokenizerError> {
    type IsRead = fn(&str) -> bool;
    let normalizer = file.normalizer.steps().iter().filter_map(|step| match step {
        Normalizer::Replace { pattern, .. } => Some((pattern, is_regular as IsRead)),
        _ => None,
    });
    let decoder = file.decoder.steps().iter().filter_map(|step| match step {
        Decoder::Replace { pattern, .. } => Some((pattern, is_regular as IsRead)),
        _ => None,
    });
    let pre_tokenizer = file.pre_tokenizer.steps().iter().filter_map(|step| match step {
        PreTokenizer::Split { pattern, .. } => Some((pattern, splits_words as IsRead)),
        _ => None,
    });
    for (pattern, is_read) in normalizer.chain(decoder).chain(pre_tokenizer) {
        let (text, is_fine) = match pattern {
            Pattern::Regex(regex) => (regex, is_read(regex)),
            Pattern::String(text) => (text, text.len() <= MAX_BYTES),
        };
        if !is_fine {
            return Err(TokenizerError::pattern(text));
        }
    }
    Ok(())
}

/// Returns whether words may be split by a pattern: it looks around in one way at most, in an
/// alternative of its own that finds the spaces before another one.
///
/// That alternative takes one step back and is done. Others may take as many as the engine allows,
/// at each word of a text.
fn splits_words(pattern: &str) -> bool {
    let Some(parts) = parts(pattern) else { return false };
    if parts.len() == 1 {
        return is_found(pattern, &SPLIT);
    }
    pattern.len() <= MAX_BYTES
        && parts.len() == 2
        && sum(&parts, false).is_some_and(|size| size <= MAX_SIZE)
        && automata_of(&parts) <= MAX_AUTOMATA
        // Those of common families were looked at once.
        && (Scan::of(pattern).is_some()
            // It finds nothing where there is one space before another character.
            || is_bounded(&pattern.replace(SPACES, r"\s{2,}"), true, &SPLIT))
}

/// Counts the automata that find the words of a pattern beside its alternative for spaces; none
/// if it has no such alternative, and all is found by one.
pub(super) fn automata(pattern: &str) -> Option<usize> {
    parts(pattern).filter(|parts| parts.len() > 1).map(|parts| automata_of(&parts))
}

/// Parses the parts of a pattern around its alternatives for spaces; all of it where it has none.
fn parts(pattern: &str) -> Option<Vec<Ast>> {
    let alternatives: Vec<_> = pattern.split('|').collect();
    // Within parentheses or brackets, those before it would have no end and not parse.
    alternatives.split(|one| *one == SPACES).map(|part| read(&part.join("|"))).collect()
}

/// Returns whether a pattern is searched by a finite automaton, which cannot give up, and a small
/// one.
fn is_regular(pattern: &str) -> bool {
    is_found(pattern, &REPLACE)
}

/// Of such patterns the engine keeps no groups.
fn is_found(pattern: &str, limits: &Limits) -> bool {
    let Some(ast) = read(pattern) else { return false };
    let asts = match &ast {
        Ast::Concat(list) => list.asts.as_slice(),
        other => core::slice::from_ref(other),
    };
    let searched = searched_once(asts);
    pattern.len() <= MAX_BYTES
        && sum(searched.unwrap_or(asts), true).is_some_and(|size| size <= MAX_SIZE)
        && (searched.is_some() || is_bounded(pattern, false, limits))
}

/// Returns what stands beside the anchor in a pattern that is looked for once in a text: at its
/// start, or one character at its end, as often as it stands there.
const fn searched_once(asts: &[Ast]) -> Option<&[Ast]> {
    match asts {
        [Ast::Assertion(start), rest @ ..]
            if matches!(start.kind, AssertionKind::StartLine | AssertionKind::StartText) =>
        {
            Some(rest)
        }
        [one @ .., Ast::Assertion(end)]
            if matches!(end.kind, AssertionKind::EndLine | AssertionKind::EndText)
                && matches!(one, [Ast::Repetition(repetition)] if is_character(&repetition.ast)) =>
        {
            Some(one)
        }
        _ => None,
    }
}

const fn is_character(ast: &Ast) -> bool {
    matches!(
        ast,
        Ast::Literal(_) | Ast::ClassPerl(_) | Ast::ClassUnicode(_) | Ast::ClassBracketed(_)
    )
}

/// Spaces, but the last one if a word follows.
const SPACES: &str = r"\s+(?!\S)";

/// The most bytes of a pattern.
const MAX_BYTES: usize = 1_024;

/// The most characters and classes of a pattern, with what is repeated counted each time: those of
/// GPT-4o have some seventy, and an automaton may look at all of them at each byte of a text.
const MAX_SIZE: usize = 128;

/// How words are found; the automaton of GPT-4o has 2.7 MB, and `<|startoftext|>` of CLIP looks at
/// 12 bytes.
const SPLIT: Limits = Limits { automaton: 4 << 20, ahead: 32 };

/// How what is replaced is found: the engine keeps 2 MB of an automaton.
const REPLACE: Limits = Limits { automaton: 1 << 19, ahead: 8 };

/// Most alternatives beside [`SPACES`]; GPT-4o has six.
const MAX_AUTOMATA: usize = 16;

/// Parses a pattern whose classes all exist.
fn read(pattern: &str) -> Option<Ast> {
    regex_syntax::parse(pattern).ok()?;
    parse::Parser::new().parse(pattern).ok()
}

/// Each alternative is an automaton of its own.
fn automata_of(parts: &[Ast]) -> usize {
    let alternatives = |ast: &Ast| match ast {
        Ast::Alternation(list) => list.asts.len(),
        // Before the alternative for spaces, or behind it, there may be none.
        Ast::Empty(_) => 0,
        _ => 1,
    };
    parts.iter().map(alternatives).sum()
}

/// Counts characters and classes; `None` if the engine does not hand the pattern to an automaton,
/// or if it captures a group and may not.
fn size(ast: &Ast, may_capture: bool) -> Option<usize> {
    match ast {
        Ast::Empty(_) => Some(1),
        Ast::Flags(flags) => keeps_spaces(&flags.flags),
        Ast::Literal(_) | Ast::Dot(_) => Some(1),
        Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => Some(1),
        // Where it does not hold, the engine looks for another place or asks another way.
        Ast::Assertion(_) => None,
        // A plus sign behind a quantifier is another one here, and keeps what it has to the engine.
        Ast::Repetition(repetition) if matches!(*repetition.ast, Ast::Repetition(_)) => None,
        Ast::Repetition(repetition) => {
            let times = match &repetition.op.kind {
                RepetitionKind::Range(
                    RepetitionRange::Exactly(times)
                    | RepetitionRange::AtLeast(times)
                    | RepetitionRange::Bounded(_, times),
                ) => (*times).max(1) as usize,
                _ => 1,
            };
            size(&repetition.ast, may_capture)?.checked_mul(times)
        }
        Ast::Group(group) => match &group.kind {
            GroupKind::NonCapturing(flags) => {
                keeps_spaces(flags)?;
                size(&group.ast, may_capture)
            }
            _ if may_capture => size(&group.ast, may_capture),
            _ => None,
        },
        Ast::Alternation(list) => sum(&list.asts, may_capture),
        Ast::Concat(list) => sum(&list.asts, may_capture),
    }
}

fn sum(asts: &[Ast], may_capture: bool) -> Option<usize> {
    let mut sizes = asts.iter().map(|ast| size(ast, may_capture));
    sizes.try_fold(0, |total: usize, size| total.checked_add(size?))
}

/// Returns no characters, unless a flag says that spaces mean nothing: they may stand between a
/// quantifier and a plus sign.
fn keeps_spaces(flags: &Flags) -> Option<usize> {
    let ignores = FlagsItemKind::Flag(Flag::IgnoreWhitespace);
    flags.items.iter().all(|item| item.kind != ignores).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEEPSEEK: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;
    const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    #[test]
    fn patterns_that_step_back_often_are_refused() {
        for pattern in
            [r"\s+(?!\S)", r"a|\s+(?!\S)|\s+", r"\s+(?!\S)|(?:a|b){1,3}", DEEPSEEK, GPT_4O]
        {
            assert!(splits_words(pattern), "{pattern}");
        }
        for pattern in [
            r"(?:a|aa)+(?!a)b|[\s\S]",
            r"[^\S\r\n]+(?!\S)(?<=\n)|\s",
            r"(?:\s+(?!\S)|\s)+x",
            r"(?:a|\s+(?!\S)|\s)+x",
            r"(\s+(?!\S))+x|a",
            r"\s+(?!\S)x|a",
            r"a\s+(?!\S)",
            r"[a|\s+(?!\S)|b]",
            r"\s+(?!\S)\s+(?!\S)",
            r"(?ix)a+ +b|\s+(?!\S)",
            r"a++|\s+(?!\S)",
            r"\s+(?!\S)|a|\s+(?!\S)",
            r"(?:(?:a{1,50}){1,50}){1,50}b|[\s\S]",
            r"(?:a{4294967295}){4294967295}|\s+(?!\S)|(?:a{4294967295}){4294967295}",
            r"(?:[ab]{0,2000}a[ab]{2000}c)?[\s\S]",
            r"\p{L}{100}|\p{M}{100}|\s+(?!\S)",
            // Behind the spaces, which are not found where there is one of them.
            r"\s+(?!\S)|\s[^x]+y|[\s\S]",
            &"a|".repeat(200),
            &[&"a|".repeat(17), SPACES].concat(),
            r"(a)|\1",
        ] {
            assert!(!splits_words(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_may_give_up_are_told_from_others() {
        for pattern in
            [" {2,}", r"\s+", "[\u{2581}]", "(?i:a|b)c?", r"\p{L}+", "[*+?+]", r"\++", "a+?"]
        {
            assert!(is_regular(pattern), "{pattern}");
        }
        for pattern in [r"a(?!b)", r"(a)\1", "(?>a|b)c", "a++b", "(?<=a)b", "("] {
            assert!(!is_regular(pattern), "{pattern}");
        }
        for pattern in [r"\ba", r"a\B", r"a\>", r"\<a", r"\Ga", "a{2}+", r"\\p{2}+", "p{2}+"] {
            assert!(!is_regular(pattern), "{pattern}");
        }
    }

    /// Anchors fail nearly everywhere, and what an automaton finds at one says nothing of the rest.
    #[test]
    fn anchors_are_read_where_they_leave_one_search() {
        for pattern in [r"\s+$", r"[a-z]*\z", "\u{2581}+$", "^ ", r"\A(?:a|b)+", "^"] {
            assert!(is_regular(pattern) && splits_words(pattern), "{pattern}");
        }
        for pattern in [
            "a+$|a",
            "^|[^x]+y|a",
            r"\A|[^x]+y|a",
            "(?m)^|[^x]+y|a",
            "(?m)^a",
            "(?:^a)+",
            "a^",
            "^a$",
            "[^x]+y+$",
            "(?:ab)+$",
            r"^|\s+(?!\S)",
        ] {
            assert!(!is_regular(pattern) && !splits_words(pattern), "{pattern}");
        }
    }

    /// Where alternatives are tried one by one, the engine keeps each group at each step.
    #[test]
    fn groups_are_not_captured_beside_the_spaces() {
        assert!(splits_words("(a)|(?P<name>b)"));
        for group in ["()", "(a)", "(?P<name>a)", "(?:b(a))"] {
            assert!(!splits_words(&[group, "|", SPACES].concat()), "{group}");
            assert!(!splits_words(&[SPACES, "|", group].concat()), "{group}");
        }
        assert!(splits_words(&["(?:a)|", SPACES].concat()));
    }
}
