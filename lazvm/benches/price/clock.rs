//! Processor time of this process, which other work on the machine does not lengthen much.

use core::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns the processor time that all threads of this process have used; work that is handed to
/// another thread counts, and no two do any at a time.
pub(crate) fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap())
}

/// Returns the shortest time of a run. Short runs are timed many at once, and as often as `budget`
/// allows, at least three times, and twice if they are long.
///
/// `prepare` is not timed.
pub(crate) fn fastest<T>(
    budget: Duration,
    mut prepare: impl FnMut() -> T,
    mut run: impl FnMut(&mut T),
) -> Duration {
    let mut time = |runs: u32| {
        let mut prepared: Vec<T> = (0..runs).map(|_| prepare()).collect();
        let start = processor_time();
        prepared.iter_mut().for_each(&mut run);
        processor_time().checked_sub(start).unwrap() / runs
    };
    let mut best = time(1);
    let runs = (SHORT.as_nanos() / best.as_nanos().max(1)).clamp(1, 100) as u32;
    let mut spent = best;
    let least = if best > LONG { 1 } else { 2 };
    for round in 0..MAX_ROUNDS {
        if round >= least && spent > budget {
            break;
        }
        let once = time(runs);
        best = best.min(once);
        spent += once * runs;
    }
    best
}

/// Runs that are shorter are timed together, so that reading the clock does not count.
const SHORT: Duration = Duration::from_micros(50);

const LONG: Duration = Duration::from_millis(20);

const MAX_ROUNDS: u32 = 30;
