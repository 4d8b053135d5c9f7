//! Filters and methods that return iterators in Jinja and lists in the engine.

use core::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};
use std::sync::Arc;

use minijinja::{
    Environment, Error, ErrorKind, State, Value, filters,
    value::{Enumerator, Object, ObjectRepr, Rest, ValueKind, ValueOrKwargs},
};

/// What an iterator of Python gives, or a view of a dictionary: items without places.
#[derive(Debug)]
pub(super) struct Items {
    items: Vec<Value>,
    /// A view has a length, and is read as often as one likes; an iterator is true, even if nothing
    /// is in it, and is read once.
    view: bool,
    read: AtomicBool,
}

impl Items {
    pub(super) const fn new(items: Vec<Value>, view: bool) -> Self {
        Self { items, view, read: AtomicBool::new(false) }
    }

    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }

    pub(super) const fn is_view(&self) -> bool {
        self.view
    }
}

impl Object for Items {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::UNDEFINED)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        if !self.view && self.read.swap(true, Ordering::Relaxed) {
            // In Python it would be empty, but for what was left of it.
            let message = "an iterator is read twice: put the filter list behind it";
            let error = Error::new(ErrorKind::InvalidOperation, message);
            return Enumerator::Values(vec![error.into()]);
        }
        Enumerator::Values(self.items.clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        self.view.then_some(self.items.len())
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.view || !self.items.is_empty()
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<iterator>")
    }
}

/// Adds the filters; the engine's are kept under names that no template has.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("_items", filters::items);
    environment.add_filter("_map", filters::map);
    environment.add_filter("_reject", filters::reject);
    environment.add_filter("_rejectattr", filters::rejectattr);
    environment.add_filter("_reverse", filters::reverse);
    environment.add_filter("_select", filters::select);
    environment.add_filter("_selectattr", filters::selectattr);
    environment.add_filter("_unique", filters::unique);
    for (name, own) in [
        ("items", "_items"),
        ("map", "_map"),
        ("reject", "_reject"),
        ("rejectattr", "_rejectattr"),
        ("reverse", "_reverse"),
        ("select", "_select"),
        ("selectattr", "_selectattr"),
        ("unique", "_unique"),
    ] {
        environment.add_filter(name, move |state: &mut State<'_, '_>, arguments: Arguments| {
            run(state, own, arguments)
        });
    }
}

/// Runs a method of a dictionary that returns a view; `None` if it is not one of these.
pub(super) fn view(
    state: &State<'_, '_>,
    map: &Value,
    method: &str,
) -> Result<Option<Value>, Error> {
    if !["items", "keys", "values"].contains(&method) {
        return Ok(None);
    }
    let mut items = Vec::new();
    for key in map.try_iter()?.checked() {
        state.consume_fuel(1)?;
        let key = key?;
        items.push(match method {
            "items" => {
                let value = map.get_item(&key)?;
                Value::from((key, value))
            }
            "keys" => key,
            _ => map.get_item(&key)?,
        });
    }
    Ok(Some(Value::from_object(Items::new(items, true))))
}

/// Makes an iterator of a list.
pub(super) fn of(state: &State<'_, '_>, list: &Value) -> Result<Value, Error> {
    let mut items = Vec::new();
    for item in list.try_iter()?.checked() {
        state.consume_fuel(1)?;
        items.push(item?);
    }
    Ok(Value::from_object(Items::new(items, false)))
}

/// The arguments of a filter.
type Arguments = Rest<ValueOrKwargs>;

/// Runs a filter of the engine and makes an iterator of its list.
fn run(state: &mut State<'_, '_>, filter: &str, arguments: Arguments) -> Result<Value, Error> {
    let value = state.apply_filter(filter, &arguments.into_values())?;
    match value.kind() {
        ValueKind::Iterable | ValueKind::Seq => of(state, &value),
        _ => Ok(value),
    }
}
