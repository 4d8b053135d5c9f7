//! What a run costs beside its tensors: choosing tokens and handing over the result, in operations
//! that its time is worth and in bytes that it holds.

use lazai_api_types::{Sampling, WorkOverflow};

/// Returns the operations of choosing `chosen` tokens of a vocabulary.
pub(super) fn choosing_flops(
    sampling: &Sampling,
    vocabulary: u64,
    chosen: u64,
) -> Result<u64, WorkOverflow> {
    let flops = if sampling.temperature_milli == 0 {
        FLOPS_PER_SCORE
    } else if cuts(sampling, vocabulary) {
        FLOPS_PER_RANK
    } else {
        FLOPS_PER_CANDIDATE
    };
    multiply(&[flops, vocabulary, chosen])
}

/// Returns the bytes of choosing a token.
pub(super) fn choosing_bytes(sampling: &Sampling, vocabulary: u64) -> u64 {
    if sampling.temperature_milli > 0 && cuts(sampling, vocabulary) {
        BYTES_PER_RANK * vocabulary
    } else {
        0
    }
}

/// Returns the operations of handing over a vector of `values`.
pub(super) const fn result_flops(values: u32) -> u64 {
    values as u64 * FLOPS_PER_VALUE
}

/// Returns the bytes of a vector of `values` as it leaves, beside the arena.
pub(super) const fn result_bytes(values: u32) -> u64 {
    values as u64 * BYTES_PER_VALUE
}

/// Whether top-k or top-p leave tokens out.
fn cuts(sampling: &Sampling, vocabulary: u64) -> bool {
    let some_k = (1..vocabulary).contains(&u64::from(sampling.top_k));
    some_k || (1..1_000).contains(&sampling.top_p_milli)
}

fn multiply(factors: &[u64]) -> Result<u64, WorkOverflow> {
    factors
        .iter()
        .try_fold(1_u64, |product, factor| product.checked_mul(*factor))
        .ok_or(WorkOverflow)
}

// What time is worth at 100,000 operations a microsecond of one core (docs/gas.md), as `cargo bench
// -p lazvm --bench price` measures it.

/// Comparing a score with the best so far.
const FLOPS_PER_SCORE: u64 = 200;

/// Weighing a token twice, for the sum and for the draw.
const FLOPS_PER_CANDIDATE: u64 = 600;

/// The same, after the cut was found by parting the ranks.
const FLOPS_PER_RANK: u64 = 2_000;

/// A rank.
const BYTES_PER_RANK: u64 = 8;

/// Copying a value out of the arena and writing it as a word of 32 bytes.
const FLOPS_PER_VALUE: u64 = 3_000;

/// The copy, and the word of 32 bytes twice, while words become calldata.
const BYTES_PER_VALUE: u64 = 8 + 2 * 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choosing_costs_more_the_more_it_does() {
        let cost = |temperature_milli, top_k, top_p_milli| {
            let sampling = Sampling { temperature_milli, top_k, top_p_milli, seed: 0 };
            (choosing_flops(&sampling, 1_000, 3).unwrap(), choosing_bytes(&sampling, 1_000))
        };
        let (greedy, warm, cut) = (cost(0, 5, 5), cost(1, 0, 1_000), cost(1, 5, 0));
        assert!(greedy.0 < warm.0 && warm.0 < cut.0);
        assert_eq!((greedy.1, warm.1, cut.1), (0, 0, 8_000));
        assert_eq!(cost(1, 0, 5), cut);
        assert_eq!(cost(1, 1_000, 0), warm);
        let most = Sampling { temperature_milli: 1, ..Sampling::default() };
        assert_eq!(choosing_flops(&most, u64::MAX, 2), Err(WorkOverflow));
    }
}
