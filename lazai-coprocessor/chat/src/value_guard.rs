//! The filters that every value passes which a template builds or keeps. They bound its depth, pay
//! for its parts and make lists of what is lazy, so that what the engine does with a value later,
//! without counting, is bounded too.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

use super::iterators::Items;

/// The name of [`item`].
pub(super) const GUARD_ITEM: &str = "_held";

/// The name of [`variable`].
pub(super) const GUARD_VARIABLE: &str = "_variable";

/// Checks what a list, a dictionary or a namespace is to hold.
pub(super) fn item(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    Ok(plain(state, &value, 0)?.unwrap_or(value))
}

/// Checks what a variable is to hold: the same, or a namespace, whose attributes were checked when
/// they were set.
pub(super) fn variable(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if is_namespace(&value) {
        map(state, &value, 1)?;
        return Ok(value);
    }
    item(state, value)
}

/// Checks a value, and returns another for it if some of its parts were lazy.
fn plain(state: &State<'_, '_>, value: &Value, depth: usize) -> Result<Option<Value>, Error> {
    state.consume_fuel(1)?;
    if is_namespace(value) {
        return Err(invalid("a namespace can only be the value of a variable"));
    }
    let kind = value.kind();
    if !matches!(kind, ValueKind::Iterable | ValueKind::Map | ValueKind::Seq) {
        return Ok(None);
    }
    if depth == MAX_DEPTH {
        return Err(invalid("values nest at most 64 levels"));
    }
    match kind {
        ValueKind::Map => map(state, value, depth + 1),
        _ => list(state, value, depth + 1),
    }
}

fn list(state: &State<'_, '_>, value: &Value, depth: usize) -> Result<Option<Value>, Error> {
    // It holds its items already, and it stays what it is.
    let iterator = value.downcast_object_ref::<Items>();
    let mut changed = value.kind() == ValueKind::Iterable && iterator.is_none();
    let mut items = Vec::new();
    let all: Box<dyn Iterator<Item = Result<Value, Error>>> = match iterator {
        Some(iterator) => Box::new(iterator.items().iter().cloned().map(Ok)),
        None => Box::new(value.try_iter()?.checked()),
    };
    for item in all {
        let item = item?;
        let item = match plain(state, &item, depth)? {
            Some(plain) => {
                changed = true;
                plain
            }
            None => item,
        };
        items.push(item);
    }
    let make = || match iterator {
        Some(iterator) => Value::from_object(Items::new(items, iterator.is_view())),
        None => Value::from(items),
    };
    Ok(changed.then(make))
}

fn map(state: &State<'_, '_>, value: &Value, depth: usize) -> Result<Option<Value>, Error> {
    let mut changed = false;
    let mut pairs = Vec::new();
    for key in value.try_iter()?.checked() {
        let key = key?;
        plain(state, &key, depth)?;
        let item = value.get_item(&key)?;
        let item = match plain(state, &item, depth)? {
            Some(plain) => {
                changed = true;
                plain
            }
            None => item,
        };
        pairs.push((key, item));
    }
    Ok(changed.then(|| Value::from_pairs(pairs)))
}

/// Returns whether a value is a namespace.
pub(super) fn is_namespace(value: &Value) -> bool {
    let name = value.as_object().map_or("", |object| object.type_name());
    name.rsplit("::").next() == Some("Namespace")
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Levels of lists and dictionaries.
const MAX_DEPTH: usize = 64;
