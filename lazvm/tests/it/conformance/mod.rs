//! Finding fixtures, and running the cases of official state tests.

mod case;

use std::{
    env,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

pub(crate) use case::{Tally, run_file};

/// Returns the folder `name` of the fixtures, or `None`, with a message, where there are no
/// fixtures. A folder that `LAZVM_FIXTURES` names must hold it.
pub(crate) fn fixtures(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let named = env::var_os("LAZVM_FIXTURES").map(PathBuf::from);
    let required = named.is_some();
    let folder = named.unwrap_or_else(|| workspace.join("../shared/fixtures")).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(!required, "LAZVM_FIXTURES: expected {}, which is absent", folder.display());
    println!(
        "skipped: no {}; LAZVM_FIXTURES may name a folder that holds {name}/",
        folder.display()
    );
    None
}

/// The test files below `folder`, in a fixed order, without those that revm leaves out too.
pub(crate) fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| !left_out(path))
}

fn left_out(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    LEFT_OUT.contains(&name) || path.components().any(|folder| folder.as_os_str() == COLLISIONS)
}

/// The folder in which execution-spec-tests has new accounts that already have storage. Its files
/// are named otherwise in each release.
const COLLISIONS: &str = "eip7610_create_collision";

/// What `revme statetest` leaves out.
const LEFT_OUT: [&str; 16] = [
    // A new account that already has storage, which cannot come about on Ethereum.
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
    // Values that no transaction can carry.
    "ValueOverflow.json",
    "ValueOverflowParis.json",
    // They pass, but take long.
    "CALLBlake2f_MaxRounds.json",
    "Call50000_sha256.json",
    "loopMul.json",
    "static_Call50000_sha256.json",
];

#[test]
fn every_file_of_new_accounts_with_storage_is_left_out() {
    for path in [
        "paris/eip7610_create_collision/test_init_collision_create_opcode.json",
        "paris/eip7610_create_collision/test_init_collision_create_tx.json",
        "paris/eip7610_create_collision/initcollision/init_collision_create_tx.json",
        "stCreate2/RevertInCreateInInitCreate2.json",
    ] {
        assert!(left_out(Path::new(path)), "{path}");
    }
    assert!(!left_out(Path::new("cancun/eip1153_tstore/tstorage/gas_usage.json")));
}
