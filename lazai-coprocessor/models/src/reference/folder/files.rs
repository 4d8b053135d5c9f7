//! Small files of a folder, and what is said of files that are not what their name says.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use crate::reference::ReferenceError;

/// Reads at most `max` bytes of a file.
pub(super) fn read_bounded(folder: &Path, name: &str, max: u64) -> Result<Vec<u8>, ReferenceError> {
    let failed = failed(name);
    let file = File::open(folder.join(name)).map_err(&failed)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(&failed)?;
    check_download(name, &bytes)?;
    let got = bytes.len() as u64;
    if got > max {
        return Err(ReferenceError::FileSize { part: name.to_owned(), got, max });
    }
    Ok(bytes)
}

/// The same of a file that may be absent.
pub(super) fn read_optional(
    folder: &Path,
    name: &str,
    max: u64,
) -> Result<Option<Vec<u8>>, ReferenceError> {
    match read_bounded(folder, name, max) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReferenceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Refuses what a download leaves in the place of a file, by the first bytes of it.
pub(in crate::reference) fn check_download(name: &str, start: &[u8]) -> Result<(), ReferenceError> {
    match crate::gguf::download_problem(start) {
        Some(problem) => Err(ReferenceError::Download { file: name.to_owned(), problem }),
        None => Ok(()),
    }
}

/// Returns the files of a folder whose weights are in a format that is not read, sorted.
pub(super) fn pickles(folder: &Path) -> Vec<String> {
    let start = ["pytorch_model", "model", "consolidated", "tf_model", "flax_model"];
    let end = [".bin", ".pt", ".pth", ".h5", ".msgpack", ".ckpt", ".onnx"];
    names_with(folder, &start, &end)
}

/// Returns the files of a folder whose names start and end so, sorted and cut.
pub(super) fn names_with(folder: &Path, starts: &[&str], ends: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_ENTRIES);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let fits = |name: &String| {
        starts.iter().any(|start| name.starts_with(start))
            && ends.iter().any(|end| name.ends_with(end))
    };
    let mut names: Vec<String> = names.filter(fits).map(|name| cut(&name)).collect();
    names.sort();
    names
}

/// Returns what makes an error of the file system one of `file`.
pub(super) fn failed(file: &str) -> impl Fn(io::Error) -> ReferenceError {
    move |error| ReferenceError::Io { file: file.to_owned(), source: error.into() }
}

/// Cuts a text from the folder, so that a message stays readable.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

const MAX_ENTRIES: usize = 10_000;
