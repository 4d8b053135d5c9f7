use core::fmt;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value, syntax::SyntaxConfig};

use super::{
    ChatError, Date, iterators, json, lists, markup, python_methods, python_text,
    source::PERCENT,
    value_guard::{self, GUARD_ITEM, GUARD_VARIABLE},
};

/// Returns the engine, set up as Hugging Face sets up Jinja.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_recursion_limit(MAX_RECURSION);
    environment.set_formatter(python_methods::write);
    environment.set_unknown_method_callback(python_methods::method);
    environment.add_filter(GUARD_ITEM, value_guard::item);
    environment.add_filter(GUARD_VARIABLE, value_guard::variable);
    environment.add_filter("join", python_methods::join);
    environment.add_filter("tojson", json::tojson);
    environment.add_filter("string", |state: &State<'_, '_>, value: Value| {
        python_methods::string(state, &value)
    });
    environment.add_filter("trim", python_methods::trim);
    iterators::add(&mut environment);
    // Jinja has these, but what they nest must pass the guard.
    environment.add_filter("batch", lists::batch);
    environment.add_filter("groupby", lists::group);
    environment.add_filter("slice", lists::slice);
    environment.add_filter("indent", python_text::indent);
    environment.add_filter("wordcount", python_text::count_words);
    environment.add_filter(PERCENT, python_text::percent);
    environment.add_filter("e", markup::escape);
    environment.add_filter("escape", markup::escape);
    environment.add_filter("forceescape", markup::force);
    // Jinja has none of these, or others: its `attr` sees no key of a dictionary.
    for name in ["attr", "bool", "chain", "lines", "pprint", "split", "zip"] {
        environment.remove_filter(name);
    }
    for name in ["endingwith", "int", "safe", "startingwith"] {
        environment.remove_test(name);
    }
    environment.add_test("iterable", python_methods::is_iterable);
    environment.add_test("sequence", python_methods::is_sequence);
    environment.add_function("raise_exception", |message: String| {
        Err::<(), _>(
            Error::new(ErrorKind::InvalidOperation, "refused").with_source(Refusal(message)),
        )
    });
    // It would print the variables.
    environment.remove_global("debug");
    environment
}

/// Lets the template write `date` where it asks for the clock.
pub(super) fn set_date(environment: &mut Environment<'static>, date: Date) {
    environment.add_function("strftime_now", move |format: &str| {
        let unknown = || Error::new(ErrorKind::InvalidOperation, "strftime_now: unknown directive");
        date.format(format).ok_or_else(unknown)
    });
}

/// Returns why a template did not parse.
pub(super) fn syntax_error(error: &Error) -> ChatError {
    ChatError::Syntax { line: error.line().unwrap_or_default(), message: message(error) }
}

/// Returns why a run ended.
pub(super) fn run_error(error: &Error, max_fuel: u64) -> ChatError {
    let mut cause: Option<&(dyn core::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(refusal) = current.downcast_ref::<Refusal>() {
            return ChatError::Refused { message: shortened(refusal.0.clone()) };
        }
        if let Some(error) = current.downcast_ref::<Error>() {
            if error.kind() == ErrorKind::OutOfFuel {
                return ChatError::Fuel { max: max_fuel };
            }
            let detail = error.detail().unwrap_or_default();
            if error.kind() == ErrorKind::UnknownFunction && detail.contains("strftime_now") {
                return ChatError::Clock;
            }
        }
        cause = current.source();
    }
    ChatError::Render { line: error.line().unwrap_or_default(), message: message(error) }
}

fn message(error: &Error) -> String {
    shortened(match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    })
}

/// At most `MAX_MESSAGE_BYTES` of a text that a template may have made long.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_MESSAGE_BYTES {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE_BYTES));
    }
    text
}

/// What `raise_exception` was given.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for Refusal {}

/// Levels of macros, loops and blocks.
const MAX_RECURSION: usize = 100;

/// Most bytes of a message from the template.
const MAX_MESSAGE_BYTES: usize = 1_024;
