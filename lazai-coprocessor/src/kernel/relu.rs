use crate::numeric::{ACTIVATION_MAX, round_shift, saturate_i16};

use super::vectorized::vectorized;

vectorized! {
    /// Clamps what is negative to 0 and rounds the rest.
    ///
    /// Shapes: both are of one length, i16; `shift` is the input's fraction bits less the output's.
    /// Arithmetic: `y = sat16(round(max(x, 0), shift))` (see docs/numerics.md, "Relu").
    /// Bounds: `0 <= y <= 32,639`; any shift.
    ///
    /// # Source
    /// Nair and Hinton 2010, section 2 (see docs/numerics.md, "Relu").
    pub fn relu(input: &[i16], shift: i32, output: &mut [i16]) = relu_body;
}

#[inline(always)]
fn relu_body(input: &[i16], shift: i32, output: &mut [i16]) {
    let pairs = input.iter().map(|x| (*x).max(0)).zip(output);
    if shift == 0 {
        // Nothing is rounded, so that 16-bit lanes suffice.
        pairs.for_each(|(x, y)| *y = x.min(ACTIVATION_MAX));
    } else {
        pairs.for_each(|(x, y)| *y = saturate_i16(round_shift(i64::from(x), shift)));
    }
}
