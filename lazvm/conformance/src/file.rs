use std::{ffi::OsStr, path::Path};

/// What a file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Blockchain tests.
    Blocks,
    /// General state tests.
    States,
}

impl Kind {
    /// Tells what a file holds by the fields that only one kind has.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if text.contains("\"genesisBlockHeader\"") {
            Some(Self::Blocks)
        } else if text.contains("\"post\"") && text.contains("\"transaction\"") {
            Some(Self::States)
        } else {
            None
        }
    }
}

/// Why a file is left out, if it is: `revme` leaves the same out.
pub(crate) fn left_out(path: &Path) -> Option<&'static str> {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_collision = path.components().any(|folder| folder.as_os_str() == COLLISIONS);
    if is_collision || STORAGE.contains(&name) {
        Some("a new account that has storage, which cannot come about on Ethereum")
    } else if VALUES.contains(&name) {
        Some("values that no transaction can carry")
    } else if LONG.contains(&name) {
        Some("takes long, and passes")
    } else {
        None
    }
}

/// The folder in which execution-spec-tests has new accounts that already have storage. Its files
/// are named otherwise in each release.
const COLLISIONS: &str = "eip7610_create_collision";

const STORAGE: [&str; 10] = [
    "InitCollision.json",
    "InitCollisionParis.json",
    "RevertInCreateInInit.json",
    "RevertInCreateInInitCreate2.json",
    "RevertInCreateInInitCreate2Paris.json",
    "RevertInCreateInInit_Paris.json",
    "create2collisionStorage.json",
    "create2collisionStorageParis.json",
    "dynamicAccountOverwriteEmpty.json",
    "dynamicAccountOverwriteEmpty_Paris.json",
];

const VALUES: [&str; 2] = ["ValueOverflow.json", "ValueOverflowParis.json"];

const LONG: [&str; 4] = [
    "CALLBlake2f_MaxRounds.json",
    "Call50000_sha256.json",
    "loopMul.json",
    "static_Call50000_sha256.json",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_new_accounts_with_storage_is_left_out() {
        for path in [
            "paris/eip7610_create_collision/test_init_collision_create_opcode.json",
            "paris/eip7610_create_collision/initcollision/init_collision_create_tx.json",
            "stCreate2/RevertInCreateInInitCreate2.json",
        ] {
            assert!(left_out(Path::new(path)).is_some(), "{path}");
        }
        assert!(left_out(Path::new("cancun/eip1153_tstore/tstorage/gas_usage.json")).is_none());
    }
}
