use super::one_hot::OneHot;
use crate::builder::{AssignedInt, Builder};

/// The tokens of a run, each one of a vocabulary.
pub(crate) struct Tokens {
    /// The numbers of the tokens.
    pub(crate) numbers: Vec<AssignedInt>,
    /// `[tokens, vocabulary]` bits, a single 1 for each token.
    bits: Vec<AssignedInt>,
    vocabulary: usize,
}

impl Tokens {
    /// Assigns the tokens. One outside the vocabulary has no witness.
    pub(crate) fn new(builder: &mut Builder, tokens: &[u32], vocabulary: usize) -> Self {
        let mut numbers = Vec::with_capacity(tokens.len());
        let mut bits = Vec::with_capacity(tokens.len() * vocabulary);
        for token in tokens {
            let choice = OneHot::new(builder, *token as usize, vocabulary);
            numbers.push(choice.select(builder, |index| index as i128));
            bits.extend_from_slice(choice.bits());
        }
        Self { numbers, bits, vocabulary }
    }
}

/// Computes `Gather` with the `[vocabulary, width]` integers of the matrix as they enter the
/// residual stream: returns the row of each token.
pub(crate) fn gather(
    builder: &mut Builder,
    tokens: &Tokens,
    rows: &[Vec<i32>],
) -> Vec<AssignedInt> {
    let width = rows.first().map_or(0, Vec::len);
    let columns = (0..width).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
    let chosen = builder.product(&tokens.bits, columns, tokens.vocabulary);
    // One row times 1 and the others times 0 need no bound, but a place among the committed values.
    let zero = builder.constant(0);
    chosen.into_iter().map(|value| builder.add(value, zero)).collect()
}

/// Returns the index of the largest of 32-bit logits, ties to the lowest index.
pub(crate) fn best(builder: &mut Builder, scores: &[AssignedInt]) -> AssignedInt {
    let values = || scores.iter().map(|score| score.value());
    let largest = values().max().unwrap_or(0);
    let index = values().position(|value| value == largest).unwrap_or(0);
    let max = builder.witness(largest);
    let choice = OneHot::new(builder, index, scores.len());
    // 0 before the chosen token, 1 from it on.
    let mut passed = builder.constant(0);
    for (score, bit) in scores.iter().zip(choice.bits()) {
        let distance = builder.sub(max, *score);
        builder.assert_product_zero(*bit, distance);
        passed = builder.add(passed, *bit);
        // Logits before the chosen one are lower, those after it not higher.
        let behind = builder.add(distance, passed);
        let room = builder.shifted(behind, -1);
        builder.range_check_loose(room, 33);
    }
    choice.select(builder, |index| index as i128)
}
