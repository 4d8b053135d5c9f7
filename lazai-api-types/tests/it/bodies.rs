//! Helpers for bodies.

use core::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads `json`, writes it, and expects the same JSON again.
#[track_caller]
pub(crate) fn both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &Value) -> T {
    let value: T = serde_json::from_str(&json.to_string()).unwrap();
    let written = serde_json::to_string(&value).unwrap();
    assert_eq!(&serde_json::from_str::<Value>(&written).unwrap(), json);
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), value);
    value
}
