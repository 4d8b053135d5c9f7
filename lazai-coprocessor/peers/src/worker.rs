//! The side that computes: one engine with one workload in a process of its own, which answers
//! requests line by line.
//!
//! The Python engine speaks the same protocol.

use std::{
    io::{self, BufRead, Write},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{engine, failure::Failure, workload::Workload};

/// A line that a worker writes: one when it is ready, and one for each request.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The engine is loaded; its name, version and instructions.
    Ready(String),
    /// The request is done, after so many seconds.
    Seconds(f64),
}

/// Answers requests until there are no more.
pub fn serve(
    engine: &str,
    workload: &Workload,
    threads: usize,
    folder: &str,
) -> Result<(), Failure> {
    let mut engine = engine::open(engine, workload, threads, folder)?;
    reply(&Reply::Ready(engine.about()))?;
    for line in io::stdin().lock().lines() {
        let start = Instant::now();
        match line?.as_str() {
            "prefill" => engine.prefill()?,
            "decode" => engine.decode()?,
            other => return Err(format!("no request: {other}").into()),
        }
        reply(&Reply::Seconds(start.elapsed().as_secs_f64()))?;
    }
    Ok(())
}

fn reply(reply: &Reply) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, reply)?;
    writeln!(output)?;
    output.flush()?;
    Ok(())
}
