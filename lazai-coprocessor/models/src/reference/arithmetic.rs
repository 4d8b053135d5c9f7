//! Floating-point functions that give the same bits on every machine.

/// Computes the inner product of two vectors of one length, in 16 sums added pairwise at the end.
#[inline]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0_f32; LANES];
    let (mut left, mut right) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    for (left, right) in left.by_ref().zip(right.by_ref()) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest = left.remainder().iter().zip(right.remainder());
    for (sum, (left, right)) in sums.iter_mut().zip(rest) {
        *sum += left * right;
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Computes the exponential within some units of the last place; 0 below -700, infinite above 700.
pub(super) fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < -700.0 {
        return 0.0;
    }
    if x > 700.0 {
        return f64::INFINITY;
    }
    // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that n times the first is exact.
    let n = (x * core::f64::consts::LOG2_E).round();
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let series = (1..=14).rev().fold(1.0, |sum, index| 1.0 + sum * r / f64::from(index));
    #[expect(clippy::cast_possible_truncation, reason = "|n| <= 1,010")]
    let exponent = (n as i64 + 1_023).unsigned_abs();
    series * f64::from_bits(exponent << 52)
}

/// Computes the natural logarithm of a positive normal number, within some units of the last place.
pub(crate) fn ln(x: f64) -> f64 {
    // x = 2^exponent * m with m in [0.75, 1.5).
    let bits = x.to_bits();
    let m = f64::from_bits(bits & ((1 << 52) - 1) | 1_023 << 52);
    let (m, above) = if m >= 1.5 { (m / 2.0, 1) } else { (m, 0) };
    let exponent = f64::from((bits >> 52) as u16) - f64::from(1_023 - above);
    let z = (m - 1.0) / (m + 1.0);
    let series =
        (0..=13).rev().fold(0.0, |sum, index| sum * (z * z) + 1.0 / f64::from(2 * index + 1));
    exponent * LN_2_HIGH + (exponent * LN_2_LOW + 2.0 * z * series)
}

/// Computes the logistic function, `1 / (1 + exp(-x))`.
pub(super) fn sigmoid(x: f32) -> f32 {
    narrow(1.0 / (1.0 + exp(-f64::from(x))))
}

/// Computes the probability that a normal variable is below `x`, within some units of 2^-52.
pub(super) fn normal_distribution(x: f64) -> f64 {
    let magnitude = x.abs();
    // The series needs no more than this: the rest of the distribution is below 2^-52.
    let upper = if magnitude > 8.5 {
        1.0
    } else {
        let square = magnitude * magnitude;
        let (mut term, mut index) = (exp(-square / 2.0) * NORMAL_DENSITY * magnitude, 1.0);
        let mut sum = 0.5;
        while term > 1e-18 {
            sum += term;
            index += 2.0;
            term = term * square / index;
        }
        sum
    };
    if x < 0.0 { 1.0 - upper } else { upper }
}

/// Rounds to the nearest 32-bit number.
pub(super) const fn narrow(x: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
    let x = x as f32;
    x
}

const LANES: usize = 16;

/// The density of the normal distribution at 0.
const NORMAL_DENSITY: f64 = 0.398_942_280_401_432_7;

/// The upper 32 bits of ln 2.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;

/// The natural logarithm of 2 minus `LN_2_HIGH`.
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_libm() {
        for step in -70_000..70_000_i32 {
            let x = f64::from(step) / 100.0;
            let (got, exact) = (exp(x), x.exp());
            assert!(((got - exact) / exact).abs() < 1e-15, "exp({x}) = {got}, not {exact}");
        }
        assert_eq!((exp(0.0), exp(-701.0), exp(701.0)), (1.0, 0.0, f64::INFINITY));
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn ln_agrees_with_libm() {
        assert_eq!(LN_2_HIGH.to_bits() & ((1 << 20) - 1), 0);
        assert_eq!(LN_2_HIGH + LN_2_LOW, core::f64::consts::LN_2);
        for step in 1..200_000_i32 {
            for x in [f64::from(step) / 1_000.0, f64::from(step) * 1e30, 1e-200 * f64::from(step)] {
                let (got, exact) = (ln(x), x.ln());
                assert!((got - exact).abs() <= 1e-15 * exact.abs().max(1.0), "ln({x}) = {got}");
            }
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn normal_distribution_has_its_known_values() {
        for (x, known) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_07),
            (2.0, 0.977_249_868_051_820_8),
            (-3.0, 0.001_349_898_031_630_094_6),
            (4.5, 0.999_996_602_326_875_3),
        ] {
            assert!((normal_distribution(x) - known).abs() < 1e-14, "{x}");
        }
        assert_eq!((normal_distribution(40.0), normal_distribution(-40.0)), (1.0, 0.0));
    }

    #[test]
    fn dot_adds_in_its_documented_order() {
        // 37 elements: two full rounds of the lanes and five more.
        let left: Vec<f32> = (0..37_u8).map(|i| 1.0 / f32::from(i + 1)).collect();
        let right: Vec<f32> = (0..37_u8).map(|i| f32::from(i) - 17.3).collect();
        let lane = |lane: usize| {
            (lane..37).step_by(16).fold(0.0, |sum, index| sum + left[index] * right[index])
        };
        let tree = |a: f32, b: f32| a + b;
        let pairs: Vec<f32> = (0..8).map(|index| tree(lane(index), lane(index + 8))).collect();
        let fours: Vec<f32> = (0..4).map(|index| tree(pairs[index], pairs[index + 4])).collect();
        let expected = tree(tree(fours[0], fours[2]), tree(fours[1], fours[3]));
        assert_eq!(dot(&left, &right).to_bits(), expected.to_bits());
        assert_eq!(dot(&[], &[]), 0.0);
    }
}
