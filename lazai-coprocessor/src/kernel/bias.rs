use crate::numeric::{ACTIVATION_MAX, ACTIVATION_MIN};

use super::vectorized::vectorized;

vectorized! {
    /// Adds a row to each row of activations.
    ///
    /// Shapes: `values` is `[rows, width]` i16, in place, `bias` is `[width]` i32 at the same
    /// scale.
    /// Arithmetic: `y = sat16(y + b)` (see docs/numerics.md, "`AddBias`").
    pub fn add_bias_i16(values: &mut [i16], bias: &[i32]) = add_bias_i16_body;
}

vectorized! {
    /// Adds a row to each row of the residual stream.
    ///
    /// Shapes: `values` is `[rows, width]` i32, in place, `bias` is `[width]` i32 at the same
    /// scale.
    /// Arithmetic: `y = sat32(y + b)` (see docs/numerics.md, "`AddBias`").
    pub fn add_bias_i32(values: &mut [i32], bias: &[i32]) = add_bias_i32_body;
}

#[inline(always)]
fn add_bias_i16_body(values: &mut [i16], bias: &[i32]) {
    if bias.is_empty() {
        return;
    }
    for row in values.chunks_exact_mut(bias.len()) {
        for (y, b) in row.iter_mut().zip(bias) {
            // A sum beyond 32 bits is beyond 16 bits too, on the same side.
            let sum = i32::from(*y).saturating_add(*b);
            *y = sum.clamp(i32::from(ACTIVATION_MIN), i32::from(ACTIVATION_MAX)) as i16;
        }
    }
}

#[inline(always)]
fn add_bias_i32_body(values: &mut [i32], bias: &[i32]) {
    if bias.is_empty() {
        return;
    }
    for row in values.chunks_exact_mut(bias.len()) {
        for (y, b) in row.iter_mut().zip(bias) {
            *y = y.saturating_add(*b);
        }
    }
}
