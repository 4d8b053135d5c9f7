use crate::numeric::{round_shift, saturate_i16};

use super::vectorized::vectorized;

vectorized! {
    /// Rounds the residual stream to activations.
    ///
    /// Shapes: `input` is i32, `output` is i16 of the same length.
    /// Arithmetic: `y = sat16(round(x, shift))` (see docs/numerics.md, "Narrow").
    pub fn narrow(input: &[i32], shift: i32, output: &mut [i16]) = narrow_body;
}

#[inline(always)]
fn narrow_body(input: &[i32], shift: i32, output: &mut [i16]) {
    for (x, y) in input.iter().zip(output) {
        *y = saturate_i16(round_shift(i64::from(*x), shift));
    }
}
