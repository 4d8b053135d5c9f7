use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value, syntax::SyntaxConfig};

use super::{
    Date,
    engine_error::Refusal,
    iterators, json, lists, markup, python_methods, python_text,
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
    environment.add_filter(python_text::PERCENT, python_text::percent);
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

/// Levels of macros, loops and blocks.
const MAX_RECURSION: usize = 100;
