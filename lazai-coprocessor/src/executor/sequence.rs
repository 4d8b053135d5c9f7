use super::{ExecutionError, cache::KvCache};
use crate::program::{Plan, Program, State};

/// What is kept of a sequence from step to step.
#[derive(Debug)]
pub(super) struct Sequence {
    /// Compressed keys and values, by the program's caches.
    pub(super) caches: Vec<Option<KvCache>>,
    /// Sums of the rows so far, by operator.
    pub(super) pools: Vec<Option<Pool>>,
    /// Positions that were read so far.
    pub(super) position: usize,
    /// Positions that memory is reserved for.
    pub(super) capacity: usize,
    /// Where the last step left its results.
    pub(super) result: Span,
}

/// The running sum of a mean.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) sums: Vec<i64>,
    pub(super) count: u64,
}

/// Rows of a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) count: usize,
}

impl Sequence {
    pub(super) fn new(
        program: &Program,
        plan: &Plan,
        capacity: usize,
    ) -> Result<Self, ExecutionError> {
        let mut caches: Vec<_> = program.caches.iter().map(|_| None).collect();
        let mut pools: Vec<_> = program.operators.iter().map(|_| None).collect();
        for index in &plan.schedule {
            match program.operators[*index].state() {
                State::Fills(cache) => {
                    let shape = &program.caches[cache.index()];
                    caches[cache.index()] = Some(KvCache::new(shape, capacity)?);
                }
                State::Sums(mean) => {
                    let width = program.values[mean.index()].width as usize;
                    pools[*index] = Some(Pool { sums: vec![0; width], count: 0 });
                }
                State::Attends { .. } | State::None | State::Start => {}
            }
        }
        Ok(Self { caches, pools, position: 0, capacity, result: Span::default() })
    }
}
