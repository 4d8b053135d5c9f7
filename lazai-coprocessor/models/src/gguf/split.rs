//! Files in several parts, of which the first has the metadata.

use std::path::{Path, PathBuf};

use super::GgufError;

/// The place of a file among the parts of a split.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Split {
    /// Number of the part, from 0.
    pub(super) number: u32,
    /// How many parts there are.
    pub(super) count: u32,
}

impl Split {
    /// Refuses counts that are none, and every part but the first, by the name of which the others
    /// are found.
    pub(super) fn check_first(self, path: &Path) -> Result<(), GgufError> {
        let Self { number, count } = self;
        if count > MAX_PARTS || number >= count {
            let got = format!("part {number} of {count}");
            return Err(GgufError::value("split.count", "a number of parts up to 1,000", got));
        }
        if number == 0 {
            return Ok(());
        }
        let first = self.part(path, 0);
        let first = first.as_deref().map_or("part 1".into(), file_name);
        Err(GgufError::SplitPart { part: number + 1, count, first })
    }

    /// Returns the path of part `index`, from 0, of the file that this is a part of.
    pub(super) fn part(self, path: &Path, index: u32) -> Option<PathBuf> {
        let own = suffix(self.number, self.count);
        let stem = path.file_name()?.to_str()?.strip_suffix(own.as_str())?;
        Some(path.with_file_name(format!("{stem}{}", suffix(index, self.count))))
    }

    /// Returns the error of a file whose name does not tell those of the others.
    pub(super) fn unnamed(self) -> GgufError {
        GgufError::SplitName { count: self.count, suffix: suffix(self.number, self.count) }
    }
}

/// Returns the name of a file, for messages.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().chars().take(128).collect()
}

/// How the names of parts end.
fn suffix(index: u32, count: u32) -> String {
    format!("-{:05}-of-{count:05}.gguf", index + 1)
}

pub(super) const NUMBER: &str = "split.no";
pub(super) const COUNT: &str = "split.count";

const MAX_PARTS: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_after_the_first() {
        let split = Split { number: 0, count: 12 };
        let path = Path::new("folder/model-00001-of-00012.gguf");
        let part = split.part(path, 11).unwrap();
        assert_eq!(part, Path::new("folder/model-00012-of-00012.gguf"));
        assert_eq!(split.part(Path::new("model.gguf"), 1), None);
        assert_eq!(split.check_first(path), Ok(()));
        let second = Split { number: 1, count: 12 };
        let error = second.check_first(Path::new("model-00002-of-00012.gguf")).unwrap_err();
        assert!(error.to_string().contains("model-00001-of-00012.gguf"), "{error}");
        assert!(Split { number: 3, count: 3 }.check_first(path).is_err());
        assert!(Split { number: 0, count: 1_001 }.check_first(path).is_err());
    }
}
