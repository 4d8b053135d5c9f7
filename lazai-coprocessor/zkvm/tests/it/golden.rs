use std::{env, fs, path::Path};

use alloy_primitives::{B256, keccak256};

/// Checks that the committed file `name` holds `bytes`, and that nothing moved both: `hash` is
/// theirs. `LAZVM_WRITE_TESTDATA=1` writes the file again.
pub(crate) fn check_golden(name: &str, bytes: &[u8], hash: B256) {
    assert_eq!(keccak256(bytes), hash, "{name}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    if env::var_os("LAZVM_WRITE_TESTDATA").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
}
