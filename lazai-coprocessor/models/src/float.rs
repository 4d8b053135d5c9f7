//! The 16-bit floating-point numbers of checkpoints as the 32-bit ones of the same value.

/// Converts an IEEE half.
pub(crate) fn from_half(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(half >> 10) & 31, u32::from(half & 0x3ff));
    match exponent {
        0 => {
            // A multiple of 2^-24; both factors and the product are exact.
            let magnitude = f32::from(half & 0x3ff) * f32::from_bits((127 - 24) << 23);
            f32::from_bits(sign | magnitude.to_bits())
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// Converts a bfloat: the upper half of a 32-bit number.
pub(crate) fn from_bfloat(bfloat: u16) -> f32 {
    f32::from_bits(u32::from(bfloat) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_keeps_its_value() {
        for (half, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x0001, 2_f32.powi(-24)),
            (0x83ff, -1_023.0 * 2_f32.powi(-24)),
            (0x0400, 2_f32.powi(-14)),
            (0x3c00, 1.0),
            (0xc100, -2.5),
            (0x7bff, 65_504.0),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(from_half(half).to_bits(), value.to_bits(), "{half:#x}");
        }
        assert!(from_half(0x7e00).is_nan());
    }

    #[test]
    fn brain_floats_keep_their_value() {
        assert_eq!(from_bfloat(0xbfc0), -1.5);
        assert_eq!(from_bfloat(0x8000).to_bits(), (-0.0_f32).to_bits());
        assert!(from_bfloat(0x7f81).is_nan());
    }
}
