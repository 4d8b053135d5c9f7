//! Runs validators of LazVM as processes of this machine.

mod options;
mod report;

use core::error::Error;
use std::{
    env, fs,
    io::{self, BufReader, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use quorum::{
    crash_test::{CrashTestOptions, run_crash_test},
    demo::run_demo,
    node::{EventWriter, run_validator},
};
use tempfile::TempDir;

use crate::options::{Command, Demo, KillLoop, Options};

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Demo(options) => demo(options),
        Command::KillLoop(options) => kill_loop(options),
        Command::Validator(options) => {
            let events = EventWriter::new(io::stdout());
            run_validator(&options, BufReader::new(io::stdin()), &events)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            write(&mut io::stderr(), &format!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn demo(options: Demo) -> Result<(), Box<dyn Error>> {
    let Demo { folder, json } = options;
    let (folder, _temporary) = prepare(folder)?;
    let report = run_demo(&env::current_exe()?, &folder, |entry| {
        if !json {
            write(&mut io::stdout(), &report::entry(entry));
        }
    })?;
    let text = if json { report::demo_json(&report) } else { report::demo_text(&report) };
    write(&mut io::stdout(), &text);
    Ok(())
}

fn kill_loop(options: KillLoop) -> Result<(), Box<dyn Error>> {
    let KillLoop { rounds, seed, folder, json } = options;
    let (folder, _temporary) = prepare(folder)?;
    let options = CrashTestOptions { rounds, seed };
    let report = run_crash_test(&env::current_exe()?, &folder, options, |round, restart| {
        if !json {
            write(&mut io::stdout(), &report::restart(round, restart));
        }
    })?;
    let text =
        if json { report::crash_test_json(&report) } else { report::crash_test_text(&report) };
    write(&mut io::stdout(), &text);
    Ok(())
}

/// Creates the given folder, or a temporary one that is removed when the second value is dropped.
fn prepare(given: Option<PathBuf>) -> io::Result<(PathBuf, Option<TempDir>)> {
    match given {
        Some(folder) => fs::create_dir_all(&folder).map(|()| (folder, None)),
        None => TempDir::with_prefix("lazvm-quorum-")
            .map(|folder| (folder.path().to_owned(), Some(folder))),
    }
}

/// Writes at once, so that it can be read while the validators run. A reader that has gone is no
/// error.
fn write(out: &mut impl Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
