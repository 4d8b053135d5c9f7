use super::{
    super::builder::{Builder, Int},
    OneHot,
};

/// `Gather`: the row of each token, `[vocabulary, width]` integers of the matrix as they enter the residual stream.
///
/// Returns the tokens and their rows. A token beyond the vocabulary is not possible.
pub(crate) fn gather(
    builder: &mut Builder,
    tokens: &[u32],
    rows: &[Vec<i32>],
) -> (Vec<Int>, Vec<Int>) {
    let vocabulary = rows.len();
    let width = rows.first().map_or(0, Vec::len);
    let mut names = Vec::with_capacity(tokens.len());
    let mut choices = Vec::with_capacity(tokens.len() * vocabulary);
    for token in tokens {
        let choice = OneHot::new(builder, *token as usize, vocabulary);
        names.push(choice.select(builder, |index| index as i128));
        choices.extend_from_slice(choice.bits());
    }
    let columns = (0..width).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
    let chosen = builder.product(&choices, columns, vocabulary);
    // The sum of one 1 and many 0 needs no bound, but a place among the committed values.
    let zero = builder.constant(0);
    let placed = chosen.into_iter().map(|value| builder.add(value, zero)).collect();
    (names, placed)
}

/// The token of the best of 32-bit scores, ties to the lowest.
pub(crate) fn best(builder: &mut Builder, scores: &[Int]) -> Int {
    let values = || scores.iter().map(|score| score.value());
    let largest = values().max().unwrap_or(0);
    let index = values().position(|value| value == largest).unwrap_or(0);
    let max = builder.witness(largest);
    let choice = OneHot::new(builder, index, scores.len());
    // 0 before the chosen one, 1 from it on.
    let mut passed = builder.constant(0);
    for (score, bit) in scores.iter().zip(choice.bits()) {
        let distance = builder.sub(max, *score);
        builder.one_is_zero(*bit, distance);
        passed = builder.add(passed, *bit);
        // Those before it are lower, those behind it not higher.
        let behind = builder.add(distance, passed);
        let room = builder.shifted(behind, -1);
        builder.small(room, 33);
    }
    choice.select(builder, |index| index as i128)
}
