use alloc::{string::String, vec::Vec};
use core::fmt;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

/// The steps of a store on disk, each by itself, so that a test can let the machine crash between
/// any two of them.
///
/// Only what is synced stays: the bytes of a file by [`sync_file`](Self::sync_file), the names in a
/// folder by [`sync_folder`](Self::sync_folder).
pub(super) trait Disk: fmt::Debug + Send {
    /// Makes a folder, if there is none.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file of these parts, in the place of any other.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()>;

    fn sync_file(&self, path: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// The bytes of a file, up to `most` of them; `None` if there is no such file.
    fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>>;

    /// The names in a folder, ascending. Names that are no text are left out.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Removes a file, or a folder with all that is in it.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
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
