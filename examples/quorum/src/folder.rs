use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
};

/// A folder that was given and stays, or a temporary one that goes.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    pub(crate) fn new(given: Option<PathBuf>) -> io::Result<Self> {
        let temporary = given.is_none();
        let name = format!("lazvm-quorum-{}", process::id());
        let path = given.unwrap_or_else(|| env::temp_dir().join(name));
        fs::create_dir_all(&path)?;
        Ok(Self { path, temporary })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What is left of a temporary folder harms nobody.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
