//! Which patterns of a `tokenizer.json` are read: those whose search takes about as long as a text,
//! on every machine.

use core::ops::Range;

use regex_syntax::ast::{
    AssertionKind, Ast, ClassSet, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
    RepetitionKind, RepetitionRange, parse,
};

use super::{
    TokenizerError,
    lookahead::{Limits, is_bounded},
    search::{Alternative, Automaton, Search, build},
};

/// Returns the search for words that are split by a pattern. It looks around in one way at most, in
/// an alternative of its own that finds the spaces before another one.
///
/// # Errors
/// [`TokenizerError::Pattern`] if the search is not bounded.
pub(super) fn words(pattern: &str) -> Result<Search, TokenizerError> {
    search_of_words(pattern).ok_or_else(|| TokenizerError::pattern(pattern))
}

/// Returns the search for what is replaced.
///
/// # Errors
/// [`TokenizerError::Pattern`] if the search is not bounded.
pub(super) fn replaced(pattern: &str) -> Result<Search, TokenizerError> {
    search(pattern, &REPLACE).ok_or_else(|| TokenizerError::pattern(pattern))
}

fn search_of_words(pattern: &str) -> Option<Search> {
    let alternatives: Vec<_> = pattern.split('|').collect();
    // Within parentheses or brackets, those before it would have no end and not parse.
    let parts: Vec<_> =
        alternatives.split(|one| *one == SPACES).map(|part| part.join("|")).collect();
    let [before, behind] = parts.as_slice() else {
        return (parts.len() == 1).then(|| search(pattern, &SPLIT))?;
    };
    // They find nothing where there is one space before another character.
    let all = automaton(&pattern.replace(SPACES, r"\s{2,}"), &SPLIT)?;
    if !is_bounded(&all, true, SPLIT.ahead) {
        return None;
    }
    let mut list = vec![Alternative::Spaces];
    if !before.is_empty() {
        list.insert(0, Alternative::Automaton(automaton(before, &SPLIT)?));
    }
    if !behind.is_empty() {
        list.push(Alternative::Automaton(automaton(behind, &SPLIT)?));
    }
    Some(Search::Alternatives(list))
}

/// Returns whether a pattern looks around for spaces.
pub(super) fn has_spaces(pattern: &str) -> bool {
    pattern.split('|').any(|one| one == SPACES)
}

/// A search without spaces.
fn search(pattern: &str, limits: &Limits) -> Option<Search> {
    if let Some(character) = at_end(&read(pattern)?) {
        return automaton(&pattern[character], limits).map(Search::End);
    }
    let automaton = automaton(pattern, limits)?;
    let alternatives = is_bounded(&automaton, false, limits.ahead)
        .then(|| vec![Alternative::Automaton(automaton)])?;
    Some(Search::Alternatives(alternatives))
}

/// Returns where the pattern of a character stands in one that looks for the last characters of a
/// text, as in `\s+$`.
fn at_end(ast: &Ast) -> Option<Range<usize>> {
    let Ast::Concat(list) = ast else { return None };
    let [Ast::Repetition(repetition), Ast::Assertion(end)] = list.asts.as_slice() else {
        return None;
    };
    let is_end = matches!(end.kind, AssertionKind::EndLine | AssertionKind::EndText);
    let is_repeated = matches!(repetition.op.kind, RepetitionKind::OneOrMore);
    let is_character = matches!(
        *repetition.ast,
        Ast::Literal(_) | Ast::ClassPerl(_) | Ast::ClassUnicode(_) | Ast::ClassBracketed(_)
    );
    let span = repetition.ast.span();
    (is_end && is_repeated && is_character).then_some(span.start.offset..span.end.offset)
}

/// The automaton of a pattern that is not large, without anchors, and finds no empty text.
fn automaton(pattern: &str, limits: &Limits) -> Option<Automaton> {
    size(&read(pattern)?).filter(|size| *size <= MAX_SIZE)?;
    let least = regex_syntax::parse(pattern).ok()?.properties().minimum_len()?;
    if least == 0 {
        return None;
    }
    build(pattern, limits.automaton)
}

/// Parses a pattern, but not yet its classes.
fn read(pattern: &str) -> Option<Ast> {
    if pattern.len() > MAX_BYTES {
        return None;
    }
    parse::Parser::new().parse(pattern).ok()
}

/// Counts characters and classes; `None` if it is no regular expression, or has an anchor.
fn size(ast: &Ast) -> Option<usize> {
    match ast {
        Ast::Empty(_) => Some(1),
        Ast::Flags(flags) => keeps_spaces(&flags.flags),
        Ast::Literal(_) | Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) => Some(1),
        Ast::ClassBracketed(class) => Some(classes(&class.kind).max(1)),
        Ast::Assertion(_) => None,
        // A plus sign behind a quantifier is another one here, and keeps what it has to the engine
        // that published tokenizers use.
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
            size(&repetition.ast)?.checked_mul(times)
        }
        Ast::Group(group) => {
            if let GroupKind::NonCapturing(flags) = &group.kind {
                keeps_spaces(flags)?;
            }
            size(&group.ast)
        }
        Ast::Alternation(list) => sum(&list.asts),
        Ast::Concat(list) => sum(&list.asts),
    }
}

fn sum(asts: &[Ast]) -> Option<usize> {
    asts.iter().map(size).try_fold(0, |total: usize, size| total.checked_add(size?))
}

/// Counts the classes of Unicode in brackets.
fn classes(set: &ClassSet) -> usize {
    match set {
        ClassSet::Item(item) => classes_of_item(item),
        ClassSet::BinaryOp(operation) => classes(&operation.lhs) + classes(&operation.rhs),
    }
}

fn classes_of_item(item: &ClassSetItem) -> usize {
    match item {
        ClassSetItem::Empty(_) | ClassSetItem::Literal(_) | ClassSetItem::Range(_) => 0,
        ClassSetItem::Ascii(_) | ClassSetItem::Unicode(_) | ClassSetItem::Perl(_) => 1,
        ClassSetItem::Bracketed(class) => classes(&class.kind),
        ClassSetItem::Union(union) => union.items.iter().map(classes_of_item).sum(),
    }
}

/// Returns no characters, unless a flag says that spaces mean nothing: they may stand between a
/// quantifier and a plus sign.
fn keeps_spaces(flags: &Flags) -> Option<usize> {
    let ignores = FlagsItemKind::Flag(Flag::IgnoreWhitespace);
    flags.items.iter().all(|item| item.kind != ignores).then_some(0)
}

/// Spaces, but the last one if a word follows.
const SPACES: &str = r"\s+(?!\S)";

/// The most bytes of a pattern.
pub(super) const MAX_BYTES: usize = 1_024;

/// The most characters and classes of a pattern, with what is repeated counted each time: those of
/// GPT-4o have some ninety.
const MAX_SIZE: usize = 128;

/// How words are found; the automaton of GPT-4o has 2.7 MB, and `<|startoftext|>` of CLIP looks at
/// 12 bytes.
const SPLIT: Limits = Limits { automaton: 4 << 20, ahead: 16 };

/// How what is replaced is found.
const REPLACE: Limits = Limits { automaton: 1 << 19, ahead: 8 };

/// Patterns of published tokenizers.
#[cfg(test)]
pub(super) fn published() -> Vec<&'static str> {
    vec![
        // GPT-2, GPT-4, Llama 3, o200k, Kimi.
        r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        // DeepSeek V3 and LLM, CLIP, Bloom, T5.
        r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
        r"\s?\p{L}+",
        "[\u{4e00}-\u{9fa5}\u{800}-\u{4e00}\u{ac00}-\u{d7ff}]+",
        r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
        r" ?[^(\s|[.,!?\u{2026}\u{3002}\u{ff0c}\u{3001}\u{964}\u{6d4}\u{60c}])]+",
        " {2,}",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splits_words(pattern: &str) -> bool {
        words(pattern).is_ok()
    }

    fn is_replaced(pattern: &str) -> bool {
        replaced(pattern).is_ok()
    }

    #[test]
    fn published_patterns_are_read() {
        for pattern in published() {
            assert!(splits_words(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_step_back_often_are_refused() {
        for pattern in
            [r"\s+(?!\S)", r"a|\s+(?!\S)|\s+", r"\s+(?!\S)|(?:a|b){1,3}", r"(a)|\s+(?!\S)"]
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
            // Nothing, which is everywhere.
            "a*",
            "a|",
            r"a?|\s+(?!\S)",
            r"\s+(?!\S)|a*",
            // What follows is a class for each character.
            &format!("(?i)[{}]", r"\pL".repeat(300)),
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
            assert!(is_replaced(pattern), "{pattern}");
        }
        for pattern in [r"a(?!b)", r"(a)\1", "(?>a|b)c", "a++b", "(?<=a)b", "("] {
            assert!(!is_replaced(pattern), "{pattern}");
        }
        for pattern in [r"\ba", r"a\B", r"a\>", r"\<a", r"\Ga", "a{2}+", r"\\p{2}+", "p{2}+"] {
            assert!(!is_replaced(pattern), "{pattern}");
        }
    }

    #[test]
    fn an_anchor_stands_behind_a_character_at_the_end() {
        for pattern in [r"\s+$", r"[a-z]+\z", "\u{2581}+$"] {
            assert!(is_replaced(pattern) && splits_words(pattern), "{pattern}");
        }
        for pattern in [
            "a+$|a",
            "^ ",
            "^|[^x]+y|a",
            "(?m)^a",
            "(?:^a)+",
            "a^",
            "^a$",
            "[a-z]*$",
            "[^x]+y+$",
            "(?:ab)+$",
            r"^|\s+(?!\S)",
        ] {
            assert!(!is_replaced(pattern) && !splits_words(pattern), "{pattern}");
        }
    }
}
