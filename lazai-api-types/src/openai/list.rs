use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::ListObject;

/// A list, or a page of one.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct List<T> {
    /// Always `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The items of this page, in order.
    pub data: Vec<T>,
    /// The id of the first item, where the list is a page that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_id: Option<String>,
    /// The id of the last item, which the next page starts after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_id: Option<String>,
    /// Whether there is a next page, where the list is a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_more: Option<bool>,
}

impl<T> List<T> {
    /// Makes a list that has no pages.
    #[must_use]
    pub const fn new(data: Vec<T>) -> Self {
        Self { object: ListObject::List, data, first_id: None, last_id: None, has_more: None }
    }

    /// Makes a page of a longer list.
    #[must_use]
    pub const fn page(data: Vec<T>, has_more: bool) -> Self {
        Self {
            object: ListObject::List,
            data,
            first_id: None,
            last_id: None,
            has_more: Some(has_more),
        }
    }
}
