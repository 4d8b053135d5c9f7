//! Filters that put lists into lists; what they make passes the guard.

use minijinja::{Error, State, Value, filters, value::Kwargs};

use super::{iterators, value_guard};

/// Makes lists of `count` items each: the filter `batch`.
pub(super) fn batch(
    state: &State<'_, '_>,
    value: Value,
    count: usize,
    fill: Option<Value>,
) -> Result<Value, Error> {
    iterators::of(state, &value_guard::item(state, filters::batch(state, value, count, fill)?)?)
}

/// Makes `count` lists: the filter `slice`.
pub(super) fn slice(
    state: &State<'_, '_>,
    value: Value,
    count: usize,
    fill: Option<Value>,
) -> Result<Value, Error> {
    iterators::of(state, &value_guard::item(state, filters::slice(state, value, count, fill)?)?)
}

/// Makes a list for each value of an attribute: the filter `groupby`.
pub(super) fn group(
    state: &State<'_, '_>,
    value: Value,
    attribute: Option<&str>,
    options: Kwargs,
) -> Result<Value, Error> {
    let items = value.len().unwrap_or_default() as u64;
    // What it takes to sort them.
    state.consume_fuel(items.saturating_mul(1 + u64::from(items.checked_ilog2().unwrap_or(0))))?;
    let groups = filters::groupby(value, attribute, options)?;
    value_guard::item(state, groups.clone())?;
    Ok(groups)
}
