use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use lazai_api_types::IoError;

/// A folder that one executor owns: a lock, the journal and a snapshot.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// Held as long as the store is open, so that two of them never write one journal.
    lock: File,
}

impl Store {
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::io("open", folder, error);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let lock = options.open(folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { folder: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sync_folder(folder).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), lock })
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// Makes a file that was just made in the folder survive a crash.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        sync_folder(&self.folder).map_err(|error| StoreError::io("sync", &self.folder, error))
    }

    /// The bytes of the last snapshot, if there is one.
    pub(crate) fn snapshot(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.folder.join(SNAPSHOT);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path, error)),
        }
    }

    /// Replaces the snapshot; a crash leaves the old one or the new one.
    pub(crate) fn replace_snapshot(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let (new, path) = (self.folder.join("snapshot.new"), self.folder.join(SNAPSHOT));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync_folder(&self.folder)
        };
        write().map_err(|error| StoreError::io("replace", &path, error))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // To close it is not enough: a process that another thread is starting has the file open,
        // too, until it runs its own program.
        let _ = self.lock.unlock();
    }
}

/// The names in a folder are data of the folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Why a folder cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the file system.
        source: IoError,
    },
    /// Another process has it.
    #[error("another process uses {}: stop it, or name another folder", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
}

impl StoreError {
    fn io(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source: error.into() }
    }
}

const SNAPSHOT: &str = "snapshot";
