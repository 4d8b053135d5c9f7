//! What is checked and changed in the source of a template before the engine parses it.

use core::ops::Range;

use minijinja::{
    machinery::{Span, Token, tokenize},
    syntax::SyntaxConfig,
};

use super::{
    ChatError,
    engine_error::syntax_error,
    python_text::PERCENT,
    value_guard::{GUARD_ITEM, GUARD_VARIABLE},
};

/// Checks a source and returns it with changes that a template does not see.
///
/// - Tags of more than [`MAX_TAG_TOKENS`] tokens are refused: the engine's parser recurses over
///   them and folds constants in quadratic time.
/// - What a template builds or keeps passes a filter that bounds its depth and counts its parts,
///   because the engine compares and writes nested values without counting.
/// - The operator `%` behind a text becomes a filter, which the engine has for it.
/// - What the operator `~` joins passes the filter `string`, because the engine writes numbers in
///   another way than Python does.
/// - Escapes of texts that the engine reads in another way are written so that it reads Python's.
/// - What would mean something else than in Python, without an error, is refused.
/// - Every end of a line is `\n`.
/// - `generation` blocks, which mark what a model is trained on, become transparent.
pub(super) fn prepare(source: &str, syntax: SyntaxConfig) -> Result<String, ChatError> {
    let source = &source.replace("\r\n", "\n").replace('\r', "\n");
    let tokens = tokenize(source, false, syntax)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| syntax_error(&error))?;
    check_blocks(&tokens)?;
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
                check_meaning(tag)?;
                write_escapes(tag, source, &mut edits)?;
                hold_literals(tag, &mut edits);
                format_texts(tag, &mut edits);
                write_joined(tag, &mut edits);
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

/// Refuses names and numbers that mean something else in Python.
fn check_meaning(tag: &Tag<'_>) -> Result<(), ChatError> {
    let is = |token: &Token<'_>, name: &str| matches!(token, Token::Ident(known) if *known == name);
    for (index, (token, span)) in tag.iter().enumerate() {
        let refuse = |what: &str| {
            let message = format!("{what} is not what it is in Python");
            Err(ChatError::Syntax { line: span.start_line as usize, message })
        };
        let after = |offset: usize| tag.get(index + offset).map(|(token, _)| token);
        let attribute = index > 0 && matches!(tag[index - 1].0, Token::Dot);
        match token {
            Token::Ident(name)
                if GLOBALS.contains(name)
                    && !attribute
                    && !matches!(after(1), Some(Token::Assign)) =>
            {
                return refuse(name);
            }
            Token::Ident("autoescape") if index == 1 => return refuse("autoescape"),
            Token::Ident("macro") if index == 1 && reads_parameters(tag) => {
                return refuse("the default of a macro that reads another parameter");
            }
            Token::Ident(name)
                if MARKUP.contains(name)
                    && matches!(tag[index - 1].0, Token::Pipe)
                    && joins_markup(tag) =>
            {
                return refuse(&format!("{name} beside +, % or a method"));
            }
            Token::Ident(name) if METHODS.contains(name) && attribute => {
                let asked = after(1).is_some_and(|token| is(token, "is"));
                let negated = usize::from(after(2).is_some_and(|token| is(token, "not")));
                let test = after(2 + negated);
                if asked && test.is_some_and(|test| is(test, "defined") || is(test, "undefined")) {
                    return refuse(&format!("the question whether {name} is defined"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns whether a default of a macro's parameter reads another parameter, which it cannot here.
fn reads_parameters(tag: &Tag<'_>) -> bool {
    let (mut names, mut depth, mut default) = (Vec::new(), 0_usize, false);
    for (index, (token, _)) in tag.iter().enumerate().skip(3) {
        match token {
            Token::BraceOpen | Token::BracketOpen | Token::ParenOpen => depth += 1,
            Token::BraceClose | Token::BracketClose | Token::ParenClose => {
                depth = depth.saturating_sub(1);
            }
            Token::Assign if depth == 1 => default = true,
            Token::Comma if depth == 1 => default = false,
            Token::Ident(name) if !default => names.push(*name),
            Token::Ident(name) => {
                let attribute = matches!(tag[index - 1].0, Token::Dot);
                if !attribute && names.contains(name) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Returns whether a tag may join markup with a text, which Python then escapes.
fn joins_markup(tag: &Tag<'_>) -> bool {
    let method =
        |pair: &[(Token<'_>, Span)]| matches!(pair, [(Token::ParenClose, _), (Token::Dot, _)]);
    tag.iter().any(|(token, _)| matches!(token, Token::Mod | Token::Plus))
        || tag.windows(2).any(method)
}

/// Refuses variables that are set inside of a block of `set` or `filter` and read outside of it:
/// in Jinja they end with the block.
fn check_blocks(tokens: &Tag<'_>) -> Result<(), ChatError> {
    let mut open: Vec<usize> = Vec::new();
    // Names with their places and that of the outermost block, which ends later.
    let mut inner: Vec<(&str, &Span, usize)> = Vec::new();
    for (index, (token, _)) in tokens.iter().enumerate() {
        let (Token::BlockStart, Some((Token::Ident(word), _))) = (token, tokens.get(index + 1))
        else {
            continue;
        };
        match *word {
            "filter" => open.push(index),
            "set" => {
                let names = &tokens[index + 2..];
                let end = names.iter().position(|(token, _)| !is_target(token));
                let names = &names[..end.unwrap_or(names.len())];
                let outermost = open.first().copied();
                if !matches!(tokens.get(index + 2 + names.len()), Some((Token::Assign, _))) {
                    // An attribute of a namespace is a target too, but no variable.
                    if matches!(tokens.get(index + 3), Some((Token::Dot, _))) {
                        continue;
                    }
                    open.push(index);
                }
                let named = names.iter().filter_map(|(token, span)| match token {
                    Token::Ident(name) => Some((*name, span)),
                    _ => None,
                });
                inner.extend(
                    outermost.into_iter().flat_map(|start| {
                        named.clone().map(move |(name, span)| (name, span, start))
                    }),
                );
            }
            "endfilter" | "endset" => {
                let start = open.pop();
                if open.is_empty()
                    && let Some(start) = start
                {
                    for (name, span, from) in inner.drain(..) {
                        let inside = from.min(start)..index;
                        if is_read(tokens, name, &inside) {
                            let message =
                                format!("{name}, set in a block, is not what it is in Python");
                            return Err(ChatError::Syntax {
                                line: span.start_line as usize,
                                message,
                            });
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a token may belong to what `set` sets.
const fn is_target(token: &Token<'_>) -> bool {
    matches!(token, Token::Comma | Token::Ident(_) | Token::ParenClose | Token::ParenOpen)
}

/// Whether a variable stands outside of some tokens.
fn is_read(tokens: &Tag<'_>, variable: &str, inside: &Range<usize>) -> bool {
    tokens.iter().enumerate().any(|(index, (token, _))| {
        let attribute = index > 0 && matches!(tokens[index - 1].0, Token::Dot);
        !attribute
            && !inside.contains(&index)
            && matches!(token, Token::Ident(name) if *name == variable)
    })
}

/// Writes escapes that are Python's and not the engine's in another way.
fn write_escapes(tag: &Tag<'_>, source: &str, edits: &mut Vec<Edit>) -> Result<(), ChatError> {
    for (token, span) in tag {
        let Token::String(_) = token else { continue };
        let start = span.start_offset as usize;
        let mut characters = source[start..span.end_offset as usize].char_indices();
        while let Some((offset, character)) = characters.next() {
            if character != '\\' {
                continue;
            }
            let text = match characters.next() {
                Some((_, '/')) => "\\\\/",
                Some((_, '\n')) => "",
                Some((_, 'a')) => "\\x07",
                Some((_, 'v')) => "\\x0b",
                Some((_, escaped)) if matches!(escaped, 'N' | 'U') || !escaped.is_ascii() => {
                    let message = format!("the escape \\{escaped} is not what it is in Python");
                    return Err(ChatError::Syntax { line: span.start_line as usize, message });
                }
                _ => continue,
            };
            let place = start + offset..start + offset + 2;
            edits.push(Edit { place, text: text.to_owned() });
        }
    }
    Ok(())
}

/// Makes a filter of the operator `%` behind a text.
fn format_texts(tag: &Tag<'_>, edits: &mut Vec<Edit>) {
    for (index, (token, span)) in tag.iter().enumerate() {
        let text = index > 0 && matches!(tag[index - 1].0, Token::Str(_) | Token::String(_));
        if !matches!(token, Token::Mod) || !text {
            continue;
        }
        let Some((end, tuple)) = operand_end(tag, index + 1) else { continue };
        let place = |span: &Span| span.start_offset as usize..span.end_offset as usize;
        edits.push(Edit { place: place(span), text: format!("|{PERCENT}(") });
        if tuple {
            // The items of a tuple are the arguments.
            edits.push(Edit { place: place(&tag[index + 1].1), text: String::new() });
        } else {
            edits.push(insert(tag[end - 1].1.end_offset, ")"));
        }
    }
}

/// Lets what `~` joins be written as Python writes it.
fn write_joined(tag: &Tag<'_>, edits: &mut Vec<Edit>) {
    let mut write = |start: usize, end: usize| {
        let operand = tag.get(start..end).unwrap_or_default();
        let (Some((first, from)), Some((_, to))) = (operand.first(), operand.last()) else {
            return;
        };
        let text = end == start + 1 && matches!(first, Token::Str(_) | Token::String(_));
        if !text {
            edits.push(insert(from.start_offset, "("));
            edits.push(insert(to.end_offset, ")|string"));
        }
    };
    // Where an operand of the innermost bracket may start, and whether `~` stands before it.
    let mut open = Vec::new();
    let (mut start, mut joined) = (1, false);
    let mut index = 1;
    while let Some((token, _)) = tag.get(index) {
        match token {
            Token::BraceOpen | Token::BracketOpen | Token::ParenOpen => {
                open.push((start, joined));
                (start, joined) = (index + 1, false);
            }
            Token::BraceClose | Token::BracketClose | Token::ParenClose => {
                if joined {
                    write(start, index);
                }
                let Some(outer) = open.pop() else { return };
                (start, joined) = outer;
            }
            Token::Tilde => {
                write(start, index);
                (start, joined) = (index + 1, true);
            }
            // A test belongs to the operand before it.
            Token::Ident("is") => {
                let not = matches!(tag.get(index + 1), Some((Token::Ident("not"), _)));
                index += 1 + usize::from(not);
            }
            token if parts_operands(tag, index, token) => {
                if joined {
                    write(start, index);
                }
                (start, joined) = (index + 1, false);
            }
            _ => {}
        }
        index += 1;
    }
    if joined {
        write(start, tag.len());
    }
}

/// Whether a token binds less than `~`.
fn parts_operands(tag: &Tag<'_>, index: usize, token: &Token<'_>) -> bool {
    let before = &tag[index - 1].0;
    match token {
        // The first word of a block says what it is.
        Token::Ident(_) if index == 1 => matches!(before, Token::BlockStart),
        Token::Ident(name) => PARTING.contains(name) && !matches!(before, Token::Dot | Token::Pipe),
        Token::Minus | Token::Plus => ends_operand(before),
        Token::Assign
        | Token::Colon
        | Token::Comma
        | Token::Eq
        | Token::Gt
        | Token::Gte
        | Token::Lt
        | Token::Lte
        | Token::Ne => true,
        _ => false,
    }
}

/// Returns the token behind an operand that starts at `start`, and whether it is a tuple in
/// brackets.
fn operand_end(tag: &Tag<'_>, start: usize) -> Option<(usize, bool)> {
    let closing = |open: usize| {
        let (mut depth, mut comma) = (0_usize, false);
        for (index, (token, _)) in tag.iter().enumerate().skip(open) {
            match token {
                Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
                Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some((index + 1, comma));
                    }
                }
                Token::Comma if depth == 1 => comma = true,
                _ => {}
            }
        }
        None
    };
    let opens = |index: usize| {
        matches!(
            tag.get(index).map(|(token, _)| token),
            Some(Token::ParenOpen | Token::BracketOpen | Token::BraceOpen)
        )
    };
    let (mut end, tuple) = if opens(start) {
        let (end, comma) = closing(start)?;
        (end, comma && matches!(tag[start].0, Token::ParenOpen))
    } else {
        tag.get(start)?;
        (start + 1, false)
    };
    if tuple {
        return Some((end, true));
    }
    // What belongs to the operand: attributes, items, calls and filters.
    loop {
        match tag.get(end).map(|(token, _)| token) {
            Some(Token::Dot | Token::Pipe) => end += 2,
            Some(Token::ParenOpen | Token::BracketOpen) => (end, _) = closing(end)?,
            _ => return (end <= tag.len()).then_some((end, false)),
        }
    }
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

/// Filters that return markup.
const MARKUP: [&str; 4] = ["e", "escape", "forceescape", "safe"];

/// Variables that Jinja always has.
const GLOBALS: [&str; 4] = ["cycler", "joiner", "lipsum", "self"];

/// Methods of texts, which Python takes for attributes; other words may be keys of a dictionary.
const METHODS: [&str; 32] = [
    "casefold",
    "encode",
    "endswith",
    "expandtabs",
    "format_map",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "ljust",
    "lstrip",
    "maketrans",
    "removeprefix",
    "removesuffix",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "splitlines",
    "startswith",
    "swapcase",
    "zfill",
];

/// Names that are no variables.
const CONSTANTS: [&str; 6] = ["False", "None", "True", "false", "none", "true"];

/// Names behind which an expression starts.
const KEYWORDS: [&str; 10] =
    ["and", "do", "elif", "else", "if", "in", "is", "not", "or", "recursive"];

/// Words that part an expression more than `~` joins it.
const PARTING: [&str; 7] = ["and", "else", "if", "in", "not", "or", "recursive"];

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
            ("{{ f(a)[1] ~ 'x'[0] }}", "{{ (f(a)[1])|string ~ ('x'[0])|string }}"),
            ("{{ a + b * 2 ~ 'x' ~ -c - d }}", "{{ a + (b * 2)|string ~ 'x' ~ (-c)|string - d }}"),
            ("{{ 'x' ~ a is not in [b] }}", "{{ 'x' ~ (a is not in ([b]|_held))|string }}"),
            ("{% if a ~ b == c and d %}", "{% if (a)|string ~ (b)|string == c and d %}"),
            ("{% set a = b ~ c %}", "{% set a = ((b)|string ~ (c)|string)|_variable %}"),
            (
                "{{ f(a ~ 'x', b) ~ [c] }}",
                "{{ (f((a)|string ~ 'x', b))|string ~ (([c]|_held))|string }}",
            ),
            ("{{ 'a' if b ~ 'c' else d }}", "{{ 'a' if (b)|string ~ 'c' else d }}"),
            ("{{ a.if ~ b|default('x') }}", "{{ (a.if)|string ~ (b|default('x'))|string }}"),
        ];
        for (source, expected) in cases {
            assert_eq!(prepared(source), expected);
        }
    }

    #[test]
    fn constants_items_and_texts_stay() {
        for source in [
            "{{ a['b'][0][1:] }}",
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
    fn variables_of_blocks_stay_in_them() {
        let refused = |source: &str| prepare(source, SyntaxConfig::default()).is_err();
        for source in [
            "{% set x = 1 %}{% set y %}{% set x = 2 %}{% endset %}{{ x }}",
            "{% filter upper %}{% set x, z = 2, 3 %}{% endfilter %}{{ z }}",
            "{% set a %}{% set b %}{% set c = 1 %}{% endset %}{% endset %}{% if c %}{% endif %}",
            "{% macro f(a, b=a) %}{% endmacro %}",
            "{% macro f(a, b=[1, a]) %}{% endmacro %}",
            "{{ 'a' + (b|e) }}",
            "{{ (b|safe).strip() }}",
            "{% autoescape true %}{% endautoescape %}",
        ] {
            assert!(refused(source), "{source}");
        }
        for source in [
            "{% set y %}{% set x = 2 %}{{ x }}{% endset %}{{ y }}",
            "{% set y %}{% set n.x = 2 %}{% endset %}{{ n.x }}{{ a.x }}",
            "{% set x = 1 %}{% set y %}{{ x }}{% endset %}{% set x = 2 %}{{ x }}",
            "{% set y | replace('a', 'b') %}a{% endset %}{{ y }}",
            "{% macro f(a, b=c.a, d='a') %}{% endmacro %}{{ f(a, b=a) }}",
            "{{ a|tojson|safe }}{{ 1 + 2 }}",
        ] {
            assert!(!refused(source), "{source}");
        }
    }

    #[test]
    fn escapes_are_those_of_python() {
        let cases = [
            (r"{{ '\/' }}", r"{{ '\\/' }}"),
            (r"{{ 'x\a\v\\a' }}", r"{{ 'x\x07\x0b\\a' }}"),
            ("{{ 'a\\\nb' }}", "{{ 'ab' }}"),
            (r"a\/{{ '\n\t\x41\d' }}", r"a\/{{ '\n\t\x41\d' }}"),
            ("a\r\n{{ b }}\rc", "a\n{{ b }}\nc"),
        ];
        for (source, expected) in cases {
            assert_eq!(prepared(source), expected);
        }
        for source in [r"{{ '\N{BULLET}' }}", r"{{ '\U0001f600' }}", "{{ '\\é' }}"] {
            let error = prepare(source, SyntaxConfig::default()).unwrap_err();
            assert!(matches!(error, ChatError::Syntax { line: 1, .. }), "{error}");
        }
    }

    #[test]
    fn long_tags_are_refused() {
        let source = format!("{{{{ 1{} }}}}", "+1".repeat(1_000));
        let error = prepare(&source, SyntaxConfig::default()).unwrap_err();
        assert_eq!(error, ChatError::TooLarge { part: "tokens of a tag", got: 2_002, max: 2_000 });
    }
}
