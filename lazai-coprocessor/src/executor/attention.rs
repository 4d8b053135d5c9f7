use std::sync::Mutex;

use super::cache::KvCache;
use crate::kernel::{AttentionRow, AttentionScratch, Backend, Threads, attend_rows};

/// The attention of one sequence in one step.
pub(super) struct Attention<'a> {
    pub(super) backend: Backend,
    pub(super) store: &'a KvCache,
    pub(super) head_dim: usize,
    pub(super) heads: usize,
    /// Query heads that share a key and value head.
    pub(super) shared: usize,
    /// Position of the first row.
    pub(super) first: usize,
    /// Whether rows attend to the rows after them too.
    pub(super) bidirectional: bool,
    /// Fraction bits of queries and keys together, less those of a score.
    pub(super) score_shift: i32,
    pub(super) exp: &'a [u16],
}

impl Attention<'_> {
    pub(super) fn run(&self, threads: &Threads, query: &[i16], output: &mut [i16]) {
        // What one token has for one head of keys and values.
        let part = self.shared * self.head_dim;
        let kv_heads = self.heads / self.shared.max(1);
        let rows = query.len() / (kv_heads * part).max(1);
        let cost = query.len() * (self.first + rows);
        let single = Threads::single();
        let threads = if cost < PARALLEL_PRODUCTS { &single } else { threads };
        let tasks = if threads.count() == 1 { 1 } else { threads.count() * TASKS_PER_THREAD };
        // Rows of a task share what is prepared of the keys and values.
        let rows_per_task = rows.div_ceil(tasks.div_ceil(kv_heads.max(1))).max(1);
        let mut work: Vec<Vec<AttentionRow<'_>>> =
            (0..rows.div_ceil(rows_per_task) * kv_heads).map(|_| Vec::new()).collect();
        let parts = query.chunks_exact(part.max(1)).zip(output.chunks_exact_mut(part.max(1)));
        for (index, (queries, output)) in parts.enumerate() {
            let (row, head) = (index / kv_heads, index % kv_heads);
            let last = if self.bidirectional { rows } else { row + 1 };
            let task = row / rows_per_task * kv_heads + head;
            work[task].push(AttentionRow { queries, output, positions: self.first + last });
        }
        // The last rows attend to the most positions.
        let work = work.into_iter().enumerate().rev().map(|(task, rows)| (task % kv_heads, rows));
        // What a task leaves, another takes up.
        let spare: Mutex<Vec<AttentionScratch>> = Mutex::default();
        threads.for_each(work.collect(), |(head, mut rows): (usize, Vec<AttentionRow<'_>>)| {
            let positions = rows.last().map_or(0, |row| row.positions);
            let cache = self.store.head(head, positions);
            let taken = spare.lock().ok().and_then(|mut spare| spare.pop());
            let mut scratch = taken.unwrap_or_default();
            let (width, shift) = (self.head_dim, self.score_shift);
            attend_rows(self.backend, width, &cache, shift, self.exp, &mut rows, &mut scratch);
            if let Ok(mut spare) = spare.lock() {
                spare.push(scratch);
            }
        });
    }
}

/// Several, so that a thread that is held up does not hold up the rest.
const TASKS_PER_THREAD: usize = 4;

/// Attention of less work than this stays on one thread.
const PARALLEL_PRODUCTS: usize = 1 << 17;
