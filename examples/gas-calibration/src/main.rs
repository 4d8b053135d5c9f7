//! Measures this machine, proposes the gas schedule that it calls for, and simulates a week of
//! base fees.

mod calibrate;
mod clock;
mod error;
mod measure;
mod models;
mod options;
mod output;
mod picture;
mod proposal;
mod report;
mod week;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    error::Error,
    options::{Command, Options, WeekOptions},
    output::show,
};

fn main() -> ExitCode {
    let result = match Options::parse().command {
        Command::Calibrate(options) => calibrate::calibrate(&options),
        Command::Week(options) => draw_week(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw_week(options: &WeekOptions) -> Result<(), Error> {
    let samples = week::simulate()?;
    let picture = picture::draw(&samples);
    std::fs::write(&options.out, picture)
        .map_err(|source| Error::Write { path: options.out.clone(), source })?;
    show(&week::summary(&samples));
    show(&format!("drawn into {}\n", options.out.display()));
    Ok(())
}
