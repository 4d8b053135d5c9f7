//! Runs validators of LazVM as processes of this machine.

mod folder;
mod options;
mod report;

use core::error::Error;
use std::{
    env,
    io::{self, BufReader, Write},
    process::ExitCode,
};

use clap::Parser;
use quorum::{
    fleet::FleetOptions,
    kill::{KillOptions, kill_loop},
    node::{Voice, run_validator},
    story::tell_story,
};

use crate::{
    folder::Folder,
    options::{Command, Demo, KillLoop, Options},
};

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Demo(options) => demo(options),
        Command::KillLoop(options) => kill(options),
        Command::Validator(options) => {
            let voice = Voice::new(io::stdout());
            run_validator(&options.into(), BufReader::new(io::stdin()), &voice).map_err(Into::into)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show(&mut io::stderr(), &format!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn demo(options: Demo) -> Result<(), Box<dyn Error>> {
    let Demo { folder, json } = options;
    let folder = Folder::new(folder)?;
    let (timeline, summary) = tell_story(&env::current_exe()?, folder.path(), |entry| {
        if !json {
            show(&mut io::stdout(), &report::entry(entry));
        }
    })?;
    let text = if json {
        report::story_json(timeline.entries(), &summary)
    } else {
        report::story_text(&summary)
    };
    show(&mut io::stdout(), &text);
    Ok(())
}

fn kill(options: KillLoop) -> Result<(), Box<dyn Error>> {
    let KillLoop { rounds, seed, folder, json } = options;
    let folder = Folder::new(folder)?;
    let fleet = FleetOptions::default();
    let options = KillOptions { rounds, seed, fleet };
    let report = kill_loop(&env::current_exe()?, folder.path(), options, |round, restart| {
        if !json {
            show(&mut io::stdout(), &report::restart(round, restart));
        }
    })?;
    let text = if json { report::kill_json(&report) } else { report::kill_text(&report) };
    show(&mut io::stdout(), &text);
    Ok(())
}

/// Writes at once, so that it is read while the validators run; a reader who left is no error.
fn show(out: &mut impl Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
