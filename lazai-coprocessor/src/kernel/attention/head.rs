//! Attention of one query to the keys and values of one head.

use crate::{
    kernel::vectorized::vectorized,
    numeric::{round_div, round_shift, saturate_i16, saturate_i32},
};

/// The keys and values of one head, compressed, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct HeadCache<'a> {
    /// Elements of the keys, `[positions, head_dim]`.
    pub keys: &'a [i8],
    /// An exponent for each key.
    pub key_exponents: &'a [u8],
    /// Elements of the values, `[positions, head_dim]`.
    pub values: &'a [i8],
    /// An exponent for each value.
    pub value_exponents: &'a [u8],
}

impl<'a> HeadCache<'a> {
    /// Returns the first positions.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn first(&self, positions: usize, head_dim: usize) -> Self {
        Self {
            keys: &self.keys[..positions * head_dim],
            key_exponents: &self.key_exponents[..positions],
            values: &self.values[..positions * head_dim],
            value_exponents: &self.value_exponents[..positions],
        }
    }
}

vectorized! {
    /// Mixes the values of one head by how well their keys match the query.
    ///
    /// Shapes: `query` and `output` are `[head_dim]` i16; `scores` is scratch, one for each
    /// position; `exp` is `EXP[u] = round(2^15 * exp(-u / 4096))`, 65,536 entries.
    /// Arithmetic: `s_t = sat32((sum q*k_t + half) >> (score_shift - e_t))`, in units of `2^-12`;
    /// `E_t = EXP[min(max s - s_t, 65535)]`; `y = sat16(round(sum E_t * (v_t << e'_t) / sum E_t))`.
    /// The caller has folded `1 / sqrt(head_dim)` into the query.
    /// Bounds: `|sum q*k| <= 2^15 * 128 * head_dim <= 2^30` for `head_dim <= 256`;
    /// `sum E_t >= 2^15`, since the best score has `E = 2^15`; each term of the numerator stays
    /// within `2^31`, so 2^17 positions within `2^48`.
    ///
    /// # Source
    /// Vaswani et al. 2017, section 3.2.1 (see docs/numerics.md, "Attention").
    pub fn attend(
        query: &[i16],
        cache: &HeadCache<'_>,
        score_shift: i32,
        exp: &[u16],
        scores: &mut [i32],
        sums: &mut [i64],
        output: &mut [i16],
    ) = attend_body;
}

#[inline(always)]
fn attend_body(
    query: &[i16],
    cache: &HeadCache<'_>,
    score_shift: i32,
    exp: &[u16],
    scores: &mut [i32],
    sums: &mut [i64],
    output: &mut [i16],
) {
    let width = query.len();
    if width == 0 {
        return;
    }
    let mut best = i32::MIN;
    let keys = cache.keys.chunks_exact(width).zip(cache.key_exponents);
    for ((key, exponent), score) in keys.zip(scores.iter_mut()) {
        let dot = query
            .iter()
            .zip(key)
            .fold(0_i32, |sum, (q, k)| sum.wrapping_add(i32::from(*q).wrapping_mul(i32::from(*k))));
        *score = saturate_i32(round_shift(i64::from(dot), score_shift - i32::from(*exponent)));
        best = best.max(*score);
    }
    sums.fill(0);
    let mut total = 0_i64;
    let values = cache.values.chunks_exact(width).zip(cache.value_exponents);
    for ((value, exponent), score) in values.zip(scores.iter()) {
        let distance = best.wrapping_sub(*score) as u32;
        let weight = i32::from(exp[distance.min(u32::from(u16::MAX)) as usize]);
        if weight == 0 {
            continue;
        }
        total += i64::from(weight);
        for (v, sum) in value.iter().zip(sums.iter_mut()) {
            let term = weight.wrapping_mul(i32::from(*v) << (exponent & 15));
            *sum = sum.wrapping_add(i64::from(term));
        }
    }
    for (sum, y) in sums.iter().zip(output) {
        *y = saturate_i16(round_div(*sum, total.max(1)));
    }
}
