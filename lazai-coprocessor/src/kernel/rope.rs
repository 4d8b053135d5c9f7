use crate::numeric::{ROTATION_BITS, saturate_i16};

use super::vectorized::vectorized;

vectorized! {
    /// Rotates pairs of each head by an angle that grows with the position.
    ///
    /// Shapes: `values` is `[rows, heads * head_dim]` i16, in place; row `r` stands at position
    /// `first + r`; `table` is `[positions, head_dim / 2, 2]`, cosine and sine in Q14; pairs are
    /// `(i, i + head_dim / 2)`.
    /// Arithmetic: `a' = sat16((a * cos - b * sin + 2^13) >> 14)`,
    /// `b' = sat16((b * cos + a * sin + 2^13) >> 14)`.
    /// Bounds: `|a|, |b| <= 2^15` and `|cos|, |sin| <= 2^14`, so each sum stays within `2^30`.
    ///
    /// # Source
    /// Su et al. 2021, in the pairing of Hugging Face's Llama (see docs/numerics.md, "Rope").
    pub fn rope(values: &mut [i16], width: usize, head_dim: usize, first: usize, table: &[i16])
        = rope_body;
}

#[inline(always)]
fn rope_body(values: &mut [i16], width: usize, head_dim: usize, first: usize, table: &[i16]) {
    if width == 0 || head_dim == 0 {
        return;
    }
    let half = head_dim / 2;
    for (row, values) in values.chunks_exact_mut(width).enumerate() {
        let angles = &table[(first + row) * head_dim..][..head_dim];
        for head in values.chunks_exact_mut(head_dim) {
            let (low, high) = head.split_at_mut(half);
            for ((a, b), angle) in low.iter_mut().zip(high).zip(angles.chunks_exact(2)) {
                let (cos, sin) = (i32::from(angle[0]), i32::from(angle[1]));
                let (x, y) = (i32::from(*a), i32::from(*b));
                let rotated = (
                    x.wrapping_mul(cos).wrapping_sub(y.wrapping_mul(sin)),
                    y.wrapping_mul(cos).wrapping_add(x.wrapping_mul(sin)),
                );
                *a = saturate_i16(i64::from(
                    rotated.0.wrapping_add(1 << (ROTATION_BITS - 1)) >> ROTATION_BITS,
                ));
                *b = saturate_i16(i64::from(
                    rotated.1.wrapping_add(1 << (ROTATION_BITS - 1)) >> ROTATION_BITS,
                ));
            }
        }
    }
}
