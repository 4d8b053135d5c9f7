use std::collections::BTreeMap;

/// How many cases passed, and what became of the others.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases that passed.
    pub passed: u64,
    /// Cases that failed, in the order of files and of cases in them.
    pub failed: Vec<Failure>,
    /// Cases, or whole files, that were left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// A case that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file, its case and, where there are several, the number.
    pub case: String,
    /// What was expected and what came.
    pub why: String,
}

impl Report {
    pub(crate) fn skip(&mut self, reason: &'static str, cases: u64) {
        *self.skipped.entry(reason).or_default() += cases;
    }

    pub(crate) fn note(&mut self, case: impl FnOnce() -> String, checked: Result<(), String>) {
        match checked {
            Ok(()) => self.passed += 1,
            Err(why) => self.failed.push(Failure { case: case(), why }),
        }
    }

    pub(crate) fn add(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        for (reason, cases) in other.skipped {
            self.skip(reason, cases);
        }
        self
    }
}
