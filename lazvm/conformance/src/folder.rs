use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use walkdir::WalkDir;

use crate::{
    Engines, Failure, Kind, Report, block,
    engine::{NoDevice, laz},
    file::left_out,
    state,
};

/// What is run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// By what.
    pub engines: Engines,
    /// Only files of this kind, if one is named.
    pub kind: Option<Kind>,
}

/// Runs every case of the files below some folders, files side by side. `progress` is told how many
/// of how many files are done.
///
/// A case that asks for a device fails the report: AI calls stand at addresses of which no official
/// test knows.
#[must_use]
pub fn run(folders: &[PathBuf], options: Options, progress: &(dyn Fn(u64, u64) + Sync)) -> Report {
    let (files, mut report) = files(folders);
    let (done, count) = (AtomicU64::new(0), files.len() as u64);
    let device = Arc::new(NoDevice::default());
    let reports: Vec<Report> = files
        .into_par_iter()
        .map(|path| {
            let report = file(&path, options, &device);
            progress(done.fetch_add(1, Relaxed) + 1, count);
            report
        })
        .collect();
    report = reports.into_iter().fold(report, Report::add);
    let asked = device.asked();
    if asked > 0 {
        let why = format!("{asked} calls asked for a device");
        report.failed.push(Failure { case: "all".to_owned(), why });
    }
    report
}

/// The test files below `folders`, in a fixed order.
fn files(folders: &[PathBuf]) -> (Vec<PathBuf>, Report) {
    let (mut files, mut report) = (Vec::new(), Report::default());
    for folder in folders {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let path = match entry {
                Ok(entry) => entry.into_path(),
                Err(error) => {
                    let case = folder.display().to_string();
                    report.failed.push(Failure { case, why: error.to_string() });
                    continue;
                }
            };
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match left_out(&path) {
                Some(reason) => report.skip(reason, 1),
                None => files.push(path),
            }
        }
    }
    (files, report)
}

fn file(path: &Path, options: Options, device: &Arc<NoDevice>) -> Report {
    let mut report = Report::default();
    let case = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            report.failed.push(Failure { case, why: error.to_string() });
            return report;
        }
    };
    if text.starts_with(LARGE_FILE) {
        report.skip("a file that Git LFS has not fetched", 1);
        return report;
    }
    let kind = Kind::of(&text);
    if options.kind.is_some() && options.kind != kind {
        return report;
    }
    let factory = laz(device);
    let result = match kind {
        Some(Kind::Blocks) => block::run(&case, &text, options.engines, &factory, &mut report),
        Some(Kind::States) => state::run(&case, &text, options.engines, &factory, &mut report),
        None => {
            report.skip("neither a state test nor a block test", 1);
            Ok(())
        }
    };
    if let Err(error) = result {
        report.failed.push(Failure { case, why: error.to_string() });
    }
    report
}

/// How a file begins whose contents are elsewhere.
const LARGE_FILE: &str = "version https://git-lfs";
