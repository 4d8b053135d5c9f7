//! What a run really cost this machine. For operators; nothing of it reaches consensus.

use core::time::Duration;
use std::time::Instant;

use lazai_api_types::Work;

/// Measures what one run costs this machine: time, operations, memory.
#[derive(Clone, Copy, Debug)]
pub struct Monitor {
    start: Instant,
}

/// What one run really cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ResourceUsage {
    /// Time by the clock on the wall.
    pub wall: Duration,
    /// Operations counted as they ran, sampling and reading the input included.
    pub flops_done: u64,
    /// What the quote allowed.
    pub quoted: Work,
    /// Memory of this process that lies in RAM after the run, in bytes; `None` where the system
    /// does not tell.
    pub resident_bytes: Option<u64>,
    /// The most memory that this process had in RAM so far, in bytes; `None` where the system does
    /// not tell.
    pub peak_resident_bytes: Option<u64>,
}

impl Monitor {
    /// Starts the clock.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Stops the clock and reads the memory.
    #[must_use]
    pub fn finish(self, flops_done: u64, quoted: Work) -> ResourceUsage {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        ResourceUsage {
            wall: self.start.elapsed(),
            flops_done,
            quoted,
            resident_bytes: kibibytes(&status, "VmRSS:"),
            peak_resident_bytes: kibibytes(&status, "VmHWM:"),
        }
    }
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}
