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

/// The path of a test file that is too large to ship, or `None`, said aloud, where it is absent.
fn fixture(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures"));
    let folders = env::var_os("LAZVM_FIXTURES").map(PathBuf::from).into_iter().chain([beside]);
    let path = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    if path.is_none() {
        println!("skipped: LAZVM_FIXTURES names no folder with {name}");
    }
    path
}
