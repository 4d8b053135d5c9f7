use lazai_coprocessor::numeric::ROTATION_BITS;

use crate::builder::{AssignedInt, Builder};

/// Computes `Rope`. Each sum stays within `2^30`.
///
/// `head` is rotated in place by the `[head_dim / 2, 2]` cosines and sines of its position.
pub(crate) fn rope(builder: &mut Builder, head: &mut [AssignedInt], rotations: &[i16]) {
    let half = head.len() / 2;
    let half_unit = 1 << (ROTATION_BITS - 1);
    let (low, high) = head.split_at_mut(half);
    for ((a, b), angle) in low.iter_mut().zip(high).zip(rotations.chunks_exact(2)) {
        let (cos, sin) = (i128::from(angle[0]), i128::from(angle[1]));
        let first = builder.linear(half_unit, [(*a, cos), (*b, -sin)]);
        let second = builder.linear(half_unit, [(*b, cos), (*a, sin)]);
        let first = builder.floored(first, ROTATION_BITS);
        let second = builder.floored(second, ROTATION_BITS);
        *a = builder.sat16(first, 17);
        *b = builder.sat16(second, 17);
    }
}
