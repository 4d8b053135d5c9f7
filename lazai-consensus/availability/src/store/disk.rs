use alloc::{string::String, vec::Vec};
use core::fmt;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

/// The file operations of a store, one step each, so that a test can crash the machine between any
/// two of them.
///
/// Only synced changes are durable: the bytes of a file by [`sync_file`](Self::sync_file), the
/// names in a folder by [`sync_folder`](Self::sync_folder).
pub(super) trait Disk: fmt::Debug + Send {
    /// Creates a folder, unless it exists.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Writes `parts` to a file, which is created or replaced.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()>;

    fn sync_file(&self, path: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Reads a file, at most `most` bytes of it; `None` if it does not exist.
    fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>>;

    /// Lists the names in a folder in ascending order. Names that are not UTF-8 are left out.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Removes a file, or a folder with its contents.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Debug)]
pub(super) struct OsDisk;

impl Disk for OsDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = File::create(path)?;
        parts.iter().try_for_each(|part| file.write_all(part))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    }
}
