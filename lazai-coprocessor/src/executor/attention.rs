use super::cache::KvCache;
use crate::kernel::{Backend, Threads, attend};

/// The attention of one sequence in one step.
pub(super) struct Attention<'a> {
    pub(super) backend: Backend,
    pub(super) store: &'a KvCache,
    pub(super) head_width: usize,
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
        let rows = query.len() / (self.heads * self.head_width).max(1);
        let cost = query.len() * (self.first + rows);
        let chunk =
            if cost < PARALLEL_PRODUCTS { output.len() } else { self.head_width * self.shared };
        threads.for_each_chunk(output, chunk, |index, output| {
            let mut scores = Vec::new();
            let mut sums = vec![0; self.head_width];
            let first = index * chunk / self.head_width;
            for (head, output) in output.chunks_exact_mut(self.head_width).enumerate() {
                let (row, head) = ((first + head) / self.heads, (first + head) % self.heads);
                let last = if self.bidirectional { rows } else { row + 1 };
                let positions = self.first + last;
                scores.resize(positions, 0);
                let query =
                    &query[(row * self.heads + head) * self.head_width..][..self.head_width];
                let cache = self.store.head(head / self.shared, positions);
                attend(
                    self.backend,
                    query,
                    &cache,
                    self.score_shift,
                    self.exp,
                    &mut scores,
                    &mut sums,
                    output,
                );
            }
        });
    }
}

/// Fraction bits of an attention score.
pub(super) const SCORE_BITS: i32 = 12;

/// Attention of less work than this stays on one thread.
const PARALLEL_PRODUCTS: usize = 1 << 16;
