//! Attention of many queries to the same keys and values.

use super::{AttentionRow, HeadCache, attend};
use crate::kernel::Backend;

/// Memory that is used again from one call of [`attend_rows`] to the next.
#[derive(Debug, Default)]
pub struct AttentionScratch {
    scores: Vec<i32>,
    sums: Vec<i64>,
    #[cfg(target_arch = "x86_64")]
    pub(super) avx512: super::avx512::Scratch,
}

/// Computes [`attend`] for every query of every row.
///
/// Shapes: the queries and outputs of a row are `[heads, head_dim]`; `cache` has the positions of
/// all rows.
/// Arithmetic and bounds: those of [`attend`], byte by byte, for caches that
/// [`compress`](crate::kernel::compress) made; more queries share the cost of reading keys and
/// values.
///
/// # Panics
/// If a row is not as long as its output, is not a number of heads, or has more positions than the
/// cache.
pub fn attend_rows(
    backend: Backend,
    head_dim: usize,
    cache: &HeadCache<'_>,
    score_shift: i32,
    exp: &[u16],
    rows: &mut [AttentionRow<'_>],
    scratch: &mut AttentionScratch,
) {
    if head_dim == 0 {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if backend == Backend::Avx512
        && let Some(kernel) = super::avx512::Avx512::detect()
        && let Ok(exp) = exp.try_into()
        && kernel.attend(head_dim, cache, score_shift, exp, rows, &mut scratch.avx512)
    {
        return;
    }
    let AttentionScratch { scores, sums, .. } = scratch;
    sums.resize(head_dim, 0);
    for row in rows {
        let positions = row.positions;
        scores.resize(positions, 0);
        let cache = cache.first(positions, head_dim);
        let heads = row.queries.chunks_exact(head_dim).zip(row.output.chunks_exact_mut(head_dim));
        for (query, output) in heads {
            attend(backend, query, &cache, score_shift, exp, scores, sums, output);
        }
    }
}
