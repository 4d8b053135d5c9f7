/// Elements whose entries are looked up at a time.
pub(super) const BLOCK: usize = 64;

/// Looks up the entry of each element of a block:
/// `table[clamp(round(x, shift), -32768, 32767) + 32768]`.
///
/// Apart from what is done with the entries, so that that and the indices are vectorized.
///
/// # Panics
/// If the table has fewer than 65,536 entries.
#[inline(always)]
pub(super) fn look_up(input: &[i16], shift: i32, table: &[u16], entries: &mut [i32; BLOCK]) {
    // Of this length, so that no 16-bit index needs a check.
    let table = &table[..1 << 16];
    let mut indices = [0_u16; BLOCK];
    match shift {
        0 => each(input, &mut indices, |x| x),
        // Half is added after all bits but one are gone.
        1..=16 => each(input, &mut indices, |x| ((x >> (shift - 1)) + 1) >> 1),
        17.. => each(input, &mut indices, |_| 0),
        -15..0 => each(input, &mut indices, |x| (x << -shift).clamp(-32_768, 32_767)),
        // Whatever is not 0 is saturated.
        _ => each(input, &mut indices, |x| x.signum().saturating_mul(32_768).min(32_767)),
    }
    for (index, entry) in indices.iter().zip(entries) {
        *entry = i32::from(table[usize::from(*index)]);
    }
}

#[inline(always)]
fn each(input: &[i16], indices: &mut [u16; BLOCK], index: impl Fn(i32) -> i32) {
    for (x, y) in input.iter().zip(indices) {
        *y = (index(i32::from(*x)) as u16) ^ 0x8000;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::round_shift;

    #[test]
    fn indices_are_rounded_and_clamped() {
        let table: Vec<u16> = (0..=u16::MAX).collect();
        let inputs =
            [i16::MIN, -32_767, -16_385, -513, -3, -2, -1, 0, 1, 2, 3, 512, 16_384, i16::MAX];
        for shift in -70..70 {
            let mut entries = [0; BLOCK];
            look_up(&inputs, shift, &table, &mut entries);
            for (x, entry) in inputs.iter().zip(entries) {
                let index = round_shift(i64::from(*x), shift).clamp(-32_768, 32_767) + 32_768;
                assert_eq!(i64::from(entry), index, "{x} by {shift}");
            }
        }
    }
}
