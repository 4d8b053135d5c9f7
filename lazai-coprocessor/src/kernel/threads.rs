//! How many cores the kernels use.

use core::ops::Range;
#[cfg(feature = "parallel")]
use core::{
    hint,
    sync::atomic::{AtomicBool, Ordering},
};
#[cfg(feature = "parallel")]
use std::{sync::Arc, thread};

use super::KernelError;
#[cfg(feature = "parallel")]
use super::turns::{Turn, Turns};

/// The cores that kernels share work among; every number gives the same bytes.
///
/// Clones share one pool, and a pool does one step of one job at a time, in the order in which they
/// came: nobody's step waits for parts of another. Those who must not wait for others at all start
/// a pool of their own, by another [`new`](Self::new). A caller that is a worker of another rayon
/// pool does its work alone: while it waited for this one, rayon would let it begin other tasks of
/// its own pool, and one of those might wait for the very turn that its thread has. Without the
/// feature `parallel` there is one thread, whatever was asked.
#[derive(Clone, Debug)]
pub struct Threads {
    /// `None` runs everything on the caller's thread.
    #[cfg(feature = "parallel")]
    pool: Option<Arc<Pool>>,
}

#[cfg(feature = "parallel")]
#[derive(Debug)]
struct Pool {
    workers: rayon::ThreadPool,
    turns: Turns,
}

impl Threads {
    /// Most threads of a pool.
    pub const MAX: usize = 256;

    /// Starts `count` threads; 0 means one per core, 1 means the caller's own thread.
    ///
    /// # Errors
    /// [`KernelError::TooManyThreads`] above [`Threads::MAX`], and
    /// [`KernelError::ThreadsNotStarted`] if the operating system refuses.
    #[cfg_attr(
        not(feature = "parallel"),
        allow(clippy::missing_const_for_fn, reason = "not const with the feature `parallel`")
    )]
    pub fn new(count: usize) -> Result<Self, KernelError> {
        if count > Self::MAX {
            return Err(KernelError::TooManyThreads { got: count, max: Self::MAX });
        }
        Self::start(count)
    }

    /// Creates a pool of the caller's own thread alone.
    #[must_use]
    pub const fn single() -> Self {
        Self {
            #[cfg(feature = "parallel")]
            pool: None,
        }
    }

    /// How many threads share the work.
    #[must_use]
    #[cfg_attr(
        not(feature = "parallel"),
        allow(clippy::missing_const_for_fn, reason = "not const with the feature `parallel`")
    )]
    pub fn count(&self) -> usize {
        #[cfg(feature = "parallel")]
        return self.pool.as_ref().map_or(1, |pool| pool.workers.current_num_threads());
        #[cfg(not(feature = "parallel"))]
        return 1;
    }

    /// Runs `work` on a thread of the pool, after those who asked before, and keeps the others
    /// awake for the kernels that it calls: to wake a thread takes longer than many a kernel.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "parallel")]
        if let Some(pool) = self.shared() {
            let _turn = pool.turn();
            return pool.workers.scope(|scope| {
                let done = Arc::new(AtomicBool::new(false));
                let _ended = SetOnDrop(Arc::clone(&done));
                let caller = rayon::current_thread_index();
                scope.spawn_broadcast(move |_, worker| {
                    // The caller meets its own copy of this while it waits for others.
                    let mut idle = 0_u32;
                    while Some(worker.index()) != caller && !done.load(Ordering::Acquire) {
                        if rayon::yield_now() == Some(rayon::Yield::Executed) {
                            idle = 0;
                        } else if idle < SPINS {
                            idle += 1;
                            hint::spin_loop();
                        } else {
                            // On a busy machine the caller may wait for this very core.
                            thread::yield_now();
                        }
                    }
                });
                work()
            });
        }
        work()
    }

    /// Calls `work` once with each item, in any order and on any thread.
    pub fn for_each<T: Send>(&self, items: Vec<T>, work: impl Fn(T) + Send + Sync) {
        #[cfg(feature = "parallel")]
        if let Some(pool) = self.shared()
            && items.len() > 1
        {
            use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

            let _turn = pool.turn();
            return pool.workers.install(|| items.into_par_iter().with_max_len(1).for_each(work));
        }
        items.into_iter().for_each(work);
    }

    /// Cuts `data` into pieces of `length` (the last may be shorter) and calls `work` with each
    /// piece and its position in units of `length`.
    ///
    /// A `length` of 0 is taken as 1.
    pub fn for_each_chunk<T: Send>(
        &self,
        data: &mut [T],
        length: usize,
        work: impl Fn(usize, &mut [T]) + Send + Sync,
    ) {
        let chunks = data.chunks_mut(length.max(1)).enumerate().collect();
        self.for_each(chunks, |(index, chunk)| work(index, chunk));
    }

    /// The pool, unless the caller is a worker of another one.
    #[cfg(feature = "parallel")]
    fn shared(&self) -> Option<&Pool> {
        let pool = self.pool.as_deref()?;
        let is_own = pool.workers.current_thread_index().is_some();
        (is_own || rayon::current_thread_index().is_none()).then_some(pool)
    }

    #[cfg(feature = "parallel")]
    fn start(count: usize) -> Result<Self, KernelError> {
        let cores = || thread::available_parallelism().map_or(1, |cores| cores.get());
        let count = if count == 0 { cores().min(Self::MAX) } else { count };
        if count == 1 {
            return Ok(Self::single());
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("kernel-{index}"))
            .build()
            .map(|workers| Self { pool: Some(Arc::new(Pool { workers, turns: Turns::default() })) })
            .map_err(|_| KernelError::ThreadsNotStarted { count })
    }

    #[cfg(not(feature = "parallel"))]
    const fn start(_: usize) -> Result<Self, KernelError> {
        Ok(Self::single())
    }
}

#[cfg(feature = "parallel")]
impl Pool {
    /// Waits for the turn of the caller; `None` for a worker, whose step has it already.
    fn turn(&self) -> Option<Turn<'_>> {
        self.workers.current_thread_index().is_none().then(|| self.turns.wait())
    }
}

impl Default for Threads {
    /// The caller's own thread.
    fn default() -> Self {
        Self::single()
    }
}

/// How often a thread looks for work before it lets others have its core: some tens of
/// microseconds.
#[cfg(feature = "parallel")]
const SPINS: u32 = 1_000;

/// Says that work has ended, however it ended.
#[cfg(feature = "parallel")]
struct SetOnDrop(Arc<AtomicBool>);

#[cfg(feature = "parallel")]
impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Cuts `0..length` into at most `parts` ranges of nearly equal size whose starts are multiples of
/// `unit`.
pub(super) fn ranges(length: usize, parts: usize, unit: usize) -> Vec<Range<usize>> {
    let units = length.div_ceil(unit);
    let parts = parts.clamp(1, units.max(1));
    let start = |part: usize| (units / parts * part + (units % parts).min(part)) * unit;
    (0..parts).map(|part| start(part)..start(part + 1).min(length)).collect()
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};
    #[cfg(feature = "parallel")]
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn ranges_cover_once() {
        for length in [0, 1, 15, 16, 17, 100, 1024] {
            for parts in [0, 1, 2, 3, 7, 2000] {
                for unit in [1, 16, 33] {
                    let ranges = ranges(length, parts, unit);
                    assert!(ranges.len() <= parts.max(1));
                    assert_eq!(ranges.first().map(|range| range.start), Some(0));
                    assert_eq!(ranges.last().map(|range| range.end), Some(length));
                    assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
                    assert!(ranges.iter().all(|range| range.start.is_multiple_of(unit)));
                }
            }
        }
    }

    #[test]
    fn every_item_is_worked_once() {
        for count in 1..=3 {
            let threads = Threads::new(count).unwrap();
            let sum = AtomicUsize::new(0);
            threads.for_each((1..=100).collect(), |item| {
                sum.fetch_add(item, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 5050);

            let mut data = vec![0; 10];
            threads.for_each_chunk(&mut data, 4, |index, chunk| chunk.fill(index + 1));
            assert_eq!(data, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
            assert_eq!(threads.install(|| 7), 7);
        }
    }

    #[test]
    fn counts_are_bounded() {
        assert_eq!(Threads::default().count(), 1);
        assert!(Threads::new(0).unwrap().count() >= 1);
        let error = KernelError::TooManyThreads { got: usize::MAX, max: Threads::MAX };
        assert_eq!(Threads::new(usize::MAX).unwrap_err(), error);
    }

    /// While someone has the pool, nobody else's work is done by it: not even by threads that wait.
    #[cfg(feature = "parallel")]
    #[test]
    fn a_pool_does_one_step_at_a_time() {
        let threads = Threads::new(3).unwrap();
        let (inside, rounds) = (AtomicUsize::new(0), 50);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        threads.install(|| {
                            let others = inside.fetch_add(1, Ordering::SeqCst);
                            assert_eq!(others, 0, "two callers are in the pool");
                            threads.for_each((0..8).collect(), |_: usize| hint::spin_loop());
                            inside.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                });
            }
        });
    }

    /// A step that is held up holds up its own pool alone.
    #[cfg(feature = "parallel")]
    #[test]
    fn another_pool_does_not_wait() {
        let (held, own) = (Threads::new(2).unwrap(), Threads::new(2).unwrap());
        let (entered, release) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                held.install(|| {
                    entered.wait();
                    release.wait();
                });
            });
            entered.wait();
            assert_eq!(own.install(|| 7), 7);
            release.wait();
        });
    }

    /// A host may ask from its own pool, whose tasks would begin within each other if one waited.
    #[cfg(feature = "parallel")]
    #[test]
    fn a_worker_of_another_pool_begins_no_other_task() {
        use core::cell::Cell;

        std::thread_local!(static IS_INSIDE: Cell<bool> = const { Cell::new(false) });
        let threads = Threads::new(2).unwrap();
        for count in [1, 2] {
            let host = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            let sum = AtomicUsize::new(0);
            host.in_place_scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|_| {
                        assert!(!IS_INSIDE.replace(true), "a task began within another");
                        for _ in 0..20 {
                            threads.install(|| {
                                threads.for_each((0..4).collect(), |item: usize| {
                                    (0..10_000).for_each(|_| hint::spin_loop());
                                    sum.fetch_add(item, Ordering::Relaxed);
                                });
                            });
                        }
                        IS_INSIDE.set(false);
                    });
                }
            });
            assert_eq!(sum.into_inner(), 8 * 20 * 6);
        }
    }
}
