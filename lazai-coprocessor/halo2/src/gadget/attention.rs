use super::{Compressed, activation::bits_after};
use crate::{
    builder::{AssignedInt, Builder},
    table::Table,
};

/// The keys and values that a query of one head attends to.
#[derive(Debug)]
pub(crate) struct Attended<'a> {
    /// The keys of the positions, each an i8 vector and a power of two.
    pub(crate) keys: &'a [Compressed],
    /// The values of the positions, multiplied by their powers of two.
    pub(crate) values: &'a [Vec<AssignedInt>],
    /// `f_q + f_k - SCORE_BITS`.
    pub(crate) score_shift: i32,
    /// The table `EXP`.
    pub(crate) exp: &'a [u16],
}

/// Computes `Attention` of one head and one query.
pub(crate) fn attend(
    builder: &mut Builder,
    query: &[AssignedInt],
    attended: &Attended<'_>,
) -> Vec<AssignedInt> {
    let scores: Vec<_> = attended
        .keys
        .iter()
        .map(|key| {
            let dot = builder.dot(0, query.iter().copied().zip(key.values.iter().copied()));
            // round(dot, s - E) = round(dot * 2^E, s), which is within 2^39.
            let scaled = builder.mul(dot, key.power);
            let rounded = builder.rounded(scaled, attended.score_shift);
            builder.sat32(rounded, bits_after(39, attended.score_shift))
        })
        .collect();
    let best = builder.max(&scores, 32);
    let weights: Vec<_> = scores
        .iter()
        .map(|score| {
            let distance = builder.sub(best, *score);
            let index = builder.clamped(distance, 0, 65_535, 32);
            builder.entry(Table::Exp, index, attended.exp)
        })
        .collect();
    let total = builder.linear(0, weights.iter().map(|weight| (*weight, 1)));
    let double = builder.add(total, total);
    // EXP is at most 2^15, so the total has at most 16 bits more than the number of positions.
    let bits = 17 + u64::BITS - (weights.len() as u64).leading_zeros();
    (0..query.len())
        .map(|column| {
            let values = attended.values.iter().map(|value| value[column]);
            let sum = builder.dot(0, weights.iter().copied().zip(values));
            // rdiv(sum, total) = floor((2 sum + total) / 2 total)
            let shifted = builder.add_scaled(total, sum, 2);
            let mean = builder.witness(shifted.value().div_euclid(double.value().max(1)));
            let product = builder.mul(mean, double);
            // 0 <= rest and 0 <= double - 1 - rest, both small integers: so rest < double, whatever
            // larger bound the limbs have.
            let rest = builder.sub(shifted, product);
            builder.range_check_loose(rest, bits);
            let room = builder.sub(double, rest);
            let room = builder.shifted(room, -1);
            builder.range_check_loose(room, bits);
            builder.sat16(mean, 17)
        })
        .collect()
}
