use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

/// A lock on a file that keeps other processes out as long as it lives.
///
/// Journals, ledgers and stores take one for their folder, since two writers would corrupt each
/// other's files.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks the file at `path`, which is created if it is missing and never written.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody has locked it, and what the operating system says.
    pub fn take(path: &Path) -> Result<Self, TryLockError> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path);
        let file = file.map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // To close it is not enough: a process that another thread is starting has the file open,
        // too, until it runs its own program. If it cannot be unlocked, it is so when that happens.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_taken_even_while_a_copy_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = FileLock::take(&path).unwrap();
        assert!(matches!(FileLock::take(&path), Err(TryLockError::WouldBlock)));
        // As a process has it that was just forked.
        let copy = lock.0.try_clone().unwrap();
        drop(lock);
        FileLock::take(&path).unwrap();
        drop(copy);
        let missing = FileLock::take(&folder.path().join("no folder/lock"));
        assert!(matches!(missing, Err(TryLockError::Error(_))));
    }
}
