//! The side that measures: a process for each engine.

use core::time::Duration;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use crate::{
    failure::Failure,
    worker::Reply,
    workload::{Kind, Workload},
};

/// An engine in a process of its own, with what was measured of it.
pub struct Peer {
    name: String,
    about: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    prefill: Vec<Sample>,
    decode: Vec<Sample>,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From request to reply, as the engine saw it.
    pub seconds: f64,
    /// Time on all cores together, idle spinning included; `None` if the system does not say.
    pub core_seconds: Option<f64>,
}

impl Peer {
    /// Loads a workload into an engine; `None` if the engine needs a Python and there is none.
    pub fn start(
        name: &str,
        workload: &Workload,
        threads: usize,
        folder: &Path,
        python: Option<&Path>,
    ) -> Result<Option<Self>, Failure> {
        let format = name.rsplit('-').next().unwrap_or_default();
        let gguf = folder.join(format!("{}-{format}.gguf", workload.name));
        let is_python = name.starts_with("llama.cpp");
        if is_python || name == "candle-q8_0" {
            let Some(python) = python else {
                eprintln!("{name} is left out: it needs --python");
                return Ok(None);
            };
            if !gguf.exists() {
                write_gguf(python, workload, format, &gguf)?;
            }
        }
        let threads_text = threads.to_string();
        let mut command = match python.filter(|_| is_python) {
            Some(python) => {
                let mut command = Command::new(python);
                command.arg(script("llama_cpp_worker.py")).arg(&gguf);
                command.args([&threads_text, &serde_json::to_string(workload)?]);
                command
            }
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["worker", name, workload.name, &threads_text]).arg(folder);
                command
            }
        };
        // candle reads the first, and nothing else does: ours has a pool of its own.
        command.env("RAYON_NUM_THREADS", &threads_text).env("OMP_NUM_THREADS", &threads_text);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the process has no pipes".into());
        };
        let mut peer = Self {
            name: name.to_owned(),
            about: String::new(),
            process,
            input,
            output: BufReader::new(output),
            prefill: Vec::new(),
            decode: Vec::new(),
        };
        match peer.reply()? {
            Reply::Ready(about) => peer.about = about,
            reply @ Reply::Seconds(_) => return Err(format!("{name}: unexpected {reply:?}").into()),
        }
        Ok(Some(peer))
    }

    /// Runs the workload once; a measurement that does not count warms up.
    pub fn measure(&mut self, workload: &Workload, counts: bool) -> Result<(), Failure> {
        let prefill = self.request("prefill")?;
        let decode = match workload.kind {
            Kind::Encoder => None,
            Kind::Llama => Some(self.request("decode")?),
        };
        if counts {
            self.prefill.push(prefill);
            self.decode.extend(decode);
        }
        Ok(())
    }

    /// Returns the name in options.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the engine says that it is.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Measurements of reading the prompt.
    pub fn prefill(&self) -> &[Sample] {
        &self.prefill
    }

    /// Measurements of reading one token after the other.
    pub fn decode(&self) -> &[Sample] {
        &self.decode
    }

    fn request(&mut self, what: &str) -> Result<Sample, Failure> {
        let before = self.core_seconds();
        writeln!(self.input, "{what}")?;
        self.input.flush()?;
        let reply = self.reply()?;
        let after = self.core_seconds();
        self.settle();
        match reply {
            Reply::Seconds(seconds) => {
                let core_seconds = before.zip(after).map(|(before, after)| after - before);
                Ok(Sample { seconds, core_seconds })
            }
            Reply::Ready(_) => Err(format!("{}: unexpected reply", self.name).into()),
        }
    }

    fn reply(&mut self) -> Result<Reply, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|error| {
            format!("{} ended or spoke otherwise: {error}: {line}", self.name).into()
        })
    }

    /// Waits until the process is idle: threads that spin for more work would disturb the next
    /// engine.
    #[allow(
        clippy::disallowed_methods,
        reason = "nothing tells when the threads of another process stop"
    )]
    fn settle(&self) {
        let mut before = self.core_seconds();
        for _ in 0..200 {
            thread::sleep(Duration::from_millis(5));
            let after = self.core_seconds();
            if before == after {
                return;
            }
            before = after;
        }
    }

    /// Nanoseconds that Linux counted for each thread of the process.
    fn core_seconds(&self) -> Option<f64> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).ok()?;
        let nanoseconds = tasks.map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Some(nanoseconds.sum::<Option<u64>>()? as f64 * 1e-9)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn write_gguf(
    python: &Path,
    workload: &Workload,
    format: &str,
    path: &Path,
) -> Result<(), Failure> {
    let status = Command::new(python)
        .arg(script("write_gguf.py"))
        .args([&serde_json::to_string(workload)?, format])
        .arg(path)
        .stdout(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} was not written: {status}", path.display()).into()),
    }
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}
