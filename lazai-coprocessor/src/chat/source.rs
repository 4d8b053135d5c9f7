//! What is checked and changed in the source of a template before the engine parses it.

use core::ops::Range;

use minijinja::{
    machinery::{Span, Token, tokenize},
    syntax::SyntaxConfig,
};

use super::{
    ChatError,
    environment::syntax_error,
    value_guard::{GUARD_ITEM, GUARD_VARIABLE},
};

/// Checks a source and returns it with changes that a template does not see.
///
/// - Tags of more than [`MAX_TAG_TOKENS`] tokens are refused: the engine's parser recurses over
///   them and folds constants in quadratic time.
/// - What a template builds or keeps passes a filter that bounds its depth and counts its parts,
///   because the engine compares and writes nested values without counting.
/// - `generation` blocks, which mark what a model is trained on, become transparent.
pub(super) fn prepare(source: &str, syntax: SyntaxConfig) -> Result<String, ChatError> {
    let tokens = tokenize(source, false, syntax)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| syntax_error(&error))?;
    let mut edits = Vec::new();
    let mut start = 0;
    for (index, (token, _)) in tokens.iter().enumerate() {
        match token {
            Token::BlockStart | Token::VariableStart => start = index,
            Token::BlockEnd | Token::VariableEnd => {
                let tag = &tokens[start..index];
                if tag.len() > MAX_TAG_TOKENS {
                    let (part, got, max) = ("tokens of a tag", tag.len(), MAX_TAG_TOKENS);
                    return Err(ChatError::TooLarge { part, got, max });
                }
                hold_literals(tag, &mut edits);
                hold_variable(tag, &mut edits);
                open_generation(tag, &mut edits);
            }
            _ => {}
        }
    }
    // Stable, so that of two edits at one place the inner one, which was noted first, stays in
    // front.
    edits.sort_by_key(|edit| edit.place.start);
    let mut result = String::with_capacity(source.len() + 16 * edits.len());
    let mut copied = 0;
    for edit in edits {
        result.push_str(&source[copied..edit.place.start]);
        result.push_str(&edit.text);
        copied = edit.place.end;
    }
    result.push_str(&source[copied..]);
    Ok(result)
}

/// Puts a text in the place of another.
struct Edit {
    place: Range<usize>,
    text: String,
}

/// The tokens of a tag, without the one that ends it.
type Tag<'a> = [(Token<'a>, Span)];

/// Lets each list and dictionary of a tag pass the filter, if it holds anything but constants.
fn hold_literals(tag: &Tag<'_>, edits: &mut Vec<Edit>) {
    // Brackets that are open: where, and whether they start a literal.
    let mut open = Vec::new();
    // How many names came before.
    let mut names = 0_usize;
    for (index, (token, span)) in tag.iter().enumerate() {
        match token {
            Token::BraceOpen => open.push((span.start_offset, names, true)),
            Token::BracketOpen => {
                let literal = index == 0 || !ends_operand(&tag[index - 1].0);
                open.push((span.start_offset, names, literal));
            }
            Token::BraceClose | Token::BracketClose => {
                if let Some((start, before, true)) = open.pop()
                    && before < names
                {
                    edits.push(insert(start, "("));
                    edits.push(insert(span.end_offset, &format!("|{GUARD_ITEM})")));
                }
            }
            Token::Ident(name) if !CONSTANTS.contains(name) => names += 1,
            _ => {}
        }
    }
}

/// Lets the value of `set` pass the filter.
fn hold_variable(tag: &Tag<'_>, edits: &mut Vec<Edit>) {
    let [(Token::BlockStart, _), (Token::Ident("set"), _), _, (fourth, _), ..] = tag else {
        return;
    };
    let Some(assign) = tag.iter().position(|(token, _)| matches!(token, Token::Assign)) else {
        return;
    };
    let (Some((_, first)), Some((_, last))) = (tag.get(assign + 1), tag.last()) else { return };
    // An attribute of a namespace may not be a namespace, lest one holds itself.
    let filter = if matches!(fourth, Token::Dot) { GUARD_ITEM } else { GUARD_VARIABLE };
    edits.push(insert(first.start_offset, "("));
    edits.push(insert(last.end_offset, &format!(")|{filter}")));
}

/// Makes a `generation` block a block that is always there.
fn open_generation(tag: &Tag<'_>, edits: &mut Vec<Edit>) {
    let [(Token::BlockStart, _), (Token::Ident(name), span)] = tag else { return };
    let text = match *name {
        "endgeneration" => "endif",
        "generation" => "if true",
        _ => return,
    };
    let place = span.start_offset as usize..span.end_offset as usize;
    edits.push(Edit { place, text: text.to_owned() });
}

fn insert(offset: u32, text: &str) -> Edit {
    let offset = offset as usize;
    Edit { place: offset..offset, text: text.to_owned() }
}

/// Whether a bracket behind the token takes an item instead of starting a list.
fn ends_operand(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(name) => !KEYWORDS.contains(name),
        Token::BraceClose
        | Token::BracketClose
        | Token::Float(_)
        | Token::Int(_)
        | Token::Int128(_)
        | Token::ParenClose
        | Token::Str(_)
        | Token::String(_) => true,
        _ => false,
    }
}

/// Names that are no variables.
const CONSTANTS: [&str; 6] = ["False", "None", "True", "false", "none", "true"];

/// Names behind which an expression starts.
const KEYWORDS: [&str; 10] =
    ["and", "do", "elif", "else", "if", "in", "is", "not", "or", "recursive"];

/// Most tokens of a tag.
const MAX_TAG_TOKENS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(source: &str) -> String {
        prepare(source, SyntaxConfig::default()).unwrap()
    }

    #[test]
    fn what_a_template_keeps_or_builds_passes_the_filter() {
        let cases = [
            ("{% set a = b %}", "{% set a = (b)|_variable %}"),
            ("{%- set a.b = c + 1 -%}", "{%- set a.b = (c + 1)|_held -%}"),
            ("{% set a, b = c, d %}", "{% set a, b = (c, d)|_variable %}"),
            ("{{ [a] }}", "{{ ([a]|_held) }}"),
            ("{% set a = [b] %}", "{% set a = (([b]|_held))|_variable %}"),
            ("{{ f({'a': [b]}) }}", "{{ f(({'a': ([b]|_held)}|_held)) }}"),
            ("{% if a in [b] %}", "{% if a in ([b]|_held) %}"),
        ];
        for (source, expected) in cases {
            assert_eq!(prepared(source), expected);
        }
    }

    #[test]
    fn constants_items_and_texts_stay() {
        for source in [
            "{{ a['b'][0][1:] }}",
            "{{ f(a)[1] ~ 'x'[0] }}",
            "{% if a in ['b', true, none] %}",
            "{% set a %}b{% endset %}",
            "{% for a in b %}{{ loop.index }}{% endfor %}",
            "{% raw %}{% set a = [b] %}{% endraw %}",
            "{# {% set a = [b] %} #}",
        ] {
            assert_eq!(prepared(source), source);
        }
    }

    #[test]
    fn generation_blocks_become_transparent() {
        let source = "a{%- generation -%}b{% endgeneration %}c";
        assert_eq!(prepared(source), "a{%- if true -%}b{% endif %}c");
    }

    #[test]
    fn long_tags_are_refused() {
        let source = format!("{{{{ 1{} }}}}", "+1".repeat(1_000));
        let error = prepare(&source, SyntaxConfig::default()).unwrap_err();
        assert_eq!(error, ChatError::TooLarge { part: "tokens of a tag", got: 2_002, max: 2_000 });
    }
}
