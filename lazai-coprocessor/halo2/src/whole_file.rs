use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

/// Writes a file so that it appears at `path` only when it is complete: `write` is given the path
/// of a temporary file beside it.
pub(crate) fn write_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", process::id()));
    let part = PathBuf::from(name);
    let written = write(&part).and_then(|()| Ok(fs::rename(&part, path)?));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(part);
    }
    written
}
