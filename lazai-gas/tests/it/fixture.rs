//! Test files that are too large to ship.

use std::{env, fs, path::PathBuf};

/// Gas used, gas limit and base fee of parents, and the base fee of their children, in Ethereum's
/// official block tests; `None`, said aloud, where they are absent.
pub(crate) fn official_base_fees() -> Option<Vec<[u64; 4]>> {
    let path = fixture("eip1559_base_fee.json")?;
    let rows: Vec<_> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(rows.len(), 395);
    Some(rows)
}

/// Returns the path of a test file that is too large to ship, or `None`, with a message, where
/// there is none. A folder that `LAZVM_FIXTURES` names must hold it.
fn fixture(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures"));
    let named = env::var_os("LAZVM_FIXTURES").map(PathBuf::from);
    let required = named.is_some();
    let path = named.unwrap_or(beside).join(name);
    if path.is_file() {
        return Some(path);
    }
    assert!(!required, "LAZVM_FIXTURES: expected {}, which is absent", path.display());
    println!("skipped: LAZVM_FIXTURES may name the folder that holds {name}");
    None
}
