//! Processor time of this thread, which other work on the machine does not lengthen much.

use core::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns the shortest time of one run, in nanoseconds, of as many as `budget` allows, at least
/// three. Runs of microseconds are timed many at once.
pub(crate) fn fastest<E>(
    budget: Duration,
    mut run: impl FnMut() -> Result<(), E>,
) -> Result<u64, E> {
    let mut time = |runs: u64| {
        let start = thread_time();
        for _ in 0..runs {
            run()?;
        }
        Ok::<_, E>(nanoseconds(thread_time().saturating_sub(start)))
    };
    let first = time(1)?;
    let runs = (SHORT / first.max(1)).clamp(1, 10_000);
    let (mut best, mut spent, mut rounds) = (u64::MAX, 0, 0);
    while rounds < 3 || spent < nanoseconds(budget) {
        let round = time(runs)?;
        best = best.min(round.div_ceil(runs));
        spent += round.max(1);
        rounds += 1;
    }
    Ok(best.max(1))
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds beside which reading the clock does not count.
const SHORT: u64 = 200_000;
