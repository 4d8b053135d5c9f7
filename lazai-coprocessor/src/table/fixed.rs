//! Non-negative fixed-point numbers with 120 fraction bits, and the series that the tables need.

/// A number in `[0, 256)` as an integer multiple of 2^-120.
///
/// Every operation truncates, which costs a unit of 2^-120 or a few; with at most some hundred
/// steps the absolute error of every function here stays below 2^-110.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fixed(u128);

impl Fixed {
    /// One.
    pub(super) const ONE: Self = Self(1 << FRACTION_BITS);

    /// Returns `numerator / denominator`, for a denominator in `1..2^127` and a quotient below 256.
    pub(super) const fn ratio(numerator: u128, denominator: u128) -> Self {
        let mut quotient = numerator / denominator;
        let mut rest = numerator % denominator;
        let mut bit = 0;
        while bit < FRACTION_BITS {
            rest <<= 1;
            quotient <<= 1;
            if rest >= denominator {
                rest -= denominator;
                quotient |= 1;
            }
            bit += 1;
        }
        Self(quotient)
    }

    /// Returns the natural logarithm of `value`, which is not 0.
    pub(super) const fn ln(value: u64) -> Self {
        let exponent = value.ilog2();
        let power = 1_u128 << exponent;
        let value = value as u128;
        // value = 2^exponent * (1 + z) / (1 - z) with z in [0, 1/3).
        let z = Self::ratio(value - power, value + power);
        Self(LN_2.0 * exponent as u128 + 2 * z.atanh().0)
    }

    /// Returns the ratio of a circle's circumference to its radius, by Machin's formula.
    pub(super) const fn tau() -> Self {
        Self(32 * Self::arctangent_of_inverse(5).0 - 8 * Self::arctangent_of_inverse(239).0)
    }

    /// Returns the density of the normal distribution at 0, `1 / sqrt(tau)`, with an error below
    /// 2^-58.
    pub(super) const fn normal_density() -> Self {
        let square = Self::ratio(Self::ONE.0, Self::tau().0);
        Self(square.0.isqrt() << (FRACTION_BITS / 2))
    }

    /// Returns the number for which an integer multiple of 2^-120 stands.
    pub(super) const fn from_raw(raw: u128) -> Self {
        Self(raw)
    }

    /// Returns the integer multiple of 2^-120 that stands for this number.
    pub(super) const fn raw(self) -> u128 {
        self.0
    }

    /// Returns `self * other`, for a product below 256.
    pub(super) const fn times(self, other: Self) -> Self {
        const LOW: u128 = u64::MAX as u128;
        let (a1, a0) = (self.0 >> 64, self.0 & LOW);
        let (b1, b0) = (other.0 >> 64, other.0 & LOW);
        // Each middle product is below 2^126, as the product of the numbers is below 2^8.
        let middle = a1 * b0 + a0 * b1 + ((a0 * b0) >> 64);
        Self(((a1 * b1) << (128 - FRACTION_BITS)) + (middle >> (FRACTION_BITS - 64)))
    }

    /// Returns `self / divisor`.
    pub(super) const fn divided_by(self, divisor: u128) -> Self {
        Self(self.0 / divisor)
    }

    /// Returns `exp(-self)`.
    pub(super) const fn exp_of_negative(self) -> Self {
        // self = halvings * ln 2 - y with y in (0, ln 2], so that every term of exp(y) is positive.
        let halvings = self.0 / LN_2.0 + 1;
        let y = Self(LN_2.0 - self.0 % LN_2.0);
        let (mut sum, mut term, mut index) = (Self::ONE.0, Self::ONE, 0);
        while term.0 > 0 {
            index += 1;
            term = term.times(y).divided_by(index);
            sum += term.0;
        }
        if halvings < 128 { Self(sum >> halvings) } else { Self(0) }
    }

    /// Returns `self * 2^bits`, rounded to the nearest integer, half up.
    pub(super) const fn rounded(self, bits: u32) -> u128 {
        let dropped = FRACTION_BITS - bits;
        (self.0 + (1 << (dropped - 1))) >> dropped
    }

    /// The inverse hyperbolic tangent, for numbers up to 1/3.
    const fn atanh(self) -> Self {
        let square = self.times(self);
        let (mut sum, mut power, mut index) = (0, self, 1);
        while power.0 > 0 {
            sum += power.0 / index;
            power = power.times(square);
            index += 2;
        }
        Self(sum)
    }

    /// `arctan(1 / n)`.
    const fn arctangent_of_inverse(n: u128) -> Self {
        let (mut positive, mut negative, mut power, mut index) = (0, 0, Self::ONE.0 / n, 1);
        while power > 0 {
            if index % 4 == 1 {
                positive += power / index;
            } else {
                negative += power / index;
            }
            power /= n * n;
            index += 2;
        }
        Self(positive - negative)
    }
}

/// Computes cosine and sine, with 62 fraction bits, of an angle given in turns with 128 fraction
/// bits.
///
/// The absolute error stays below 2^-56.
#[must_use]
pub const fn cosine_sine(turns: u128) -> (i64, i64) {
    let quadrant = turns >> 126;
    let within = turns << 2;
    // Beyond an eighth of a turn, the complement: series only see angles up to 45 degrees.
    let mirrored = within > 1 << 127;
    let within = if mirrored { within.wrapping_neg() } else { within };
    let angle = ((within >> 66) * (HALF_PI.0 >> (FRACTION_BITS - 62))) >> 62;
    let square = (angle * angle) >> 62;
    let (cosine, sine) = (alternating(1 << 62, square, 1), alternating(angle, square, 2));
    let (cosine, sine) = if mirrored { (sine, cosine) } else { (cosine, sine) };
    match quadrant {
        0 => (cosine, sine),
        1 => (-sine, cosine),
        2 => (-cosine, -sine),
        _ => (sine, -cosine),
    }
}

/// `first * (1 - square/(i(i+1)) * (1 - square/((i+2)(i+3)) * ...))`, with 62 fraction bits.
const fn alternating(first: u128, square: u128, mut index: u128) -> i64 {
    let (mut positive, mut negative, mut term, mut adds) = (0, 0, first, true);
    while term > 0 {
        if adds {
            positive += term;
        } else {
            negative += term;
        }
        adds = !adds;
        term = ((term * square) >> 62) / (index * (index + 1));
        index += 2;
    }
    // At most 2^62: both series start with the largest term, which is at most one.
    #[expect(clippy::cast_possible_truncation)]
    let sum = (positive - negative) as i64;
    sum
}

const FRACTION_BITS: u32 = 120;
const LN_2: Fixed = Fixed(2 * Fixed::ratio(1, 3).atanh().0);
const HALF_PI: Fixed = Fixed(Fixed::tau().0 / 4);

#[cfg(test)]
mod tests {
    use super::*;

    fn real(value: Fixed) -> f64 {
        value.0 as f64 / 2_f64.powi(120)
    }

    #[test]
    fn constants_have_their_published_digits() {
        // The decimals of OEIS A019692 and A002162, 17 at a time.
        for (value, whole, decimals) in [
            (Fixed::tau(), 6, [28_318_530_717_958_647, 69_252_867_665_590_057]),
            (LN_2, 0, [69_314_718_055_994_530, 94_172_321_214_581_765]),
        ] {
            let mask = Fixed::ONE.0 - 1;
            assert_eq!(value.0 >> 120, whole);
            let mut fraction = value.0 & mask;
            for expected in decimals {
                let mut digits = 0_u128;
                for _ in 0..17 {
                    fraction *= 10;
                    digits = digits * 10 + (fraction >> 120);
                    fraction &= mask;
                }
                assert!(digits.abs_diff(expected) <= 1, "{digits}");
            }
        }
    }

    #[test]
    fn functions_agree_with_libm() {
        for value in [1_u64, 2, 3, 7, 10_000, 500_000, 1_000_000, u64::MAX] {
            assert!((real(Fixed::ln(value)) - (value as f64).ln()).abs() < 1e-13, "{value}");
        }
        for sixteenth in 0..320_u128 {
            let x = Fixed::ratio(sixteenth, 16);
            assert!((real(x.exp_of_negative()) - (-real(x)).exp()).abs() < 1e-15, "{sixteenth}/16");
        }
        for step in 0..1_000_u32 {
            let turns = u128::from(step) * (u128::MAX / 1_000);
            let angle = f64::from(step) / 1_000.0 * core::f64::consts::TAU;
            let (cosine, sine) = cosine_sine(turns);
            let unit = 2_f64.powi(62);
            assert!((cosine as f64 / unit - angle.cos()).abs() < 1e-14, "cos {step}");
            assert!((sine as f64 / unit - angle.sin()).abs() < 1e-14, "sin {step}");
        }
    }

    #[test]
    fn exp_and_ln_are_inverse_to_110_bits() {
        for value in [2_u64, 3, 5, 10, 77] {
            let product = Fixed::ln(value).exp_of_negative().0 * u128::from(value);
            assert!(product.abs_diff(Fixed::ONE.0) < 1 << 10, "{value}");
        }
    }

    #[test]
    fn cosine_and_sine_lie_on_the_circle() {
        let mut turns = 0_u128;
        for _ in 0..10_000 {
            turns = turns.wrapping_add(0x1234_5678_9abc_def0_1357_9bdf_0246_8ace);
            let (cosine, sine) = cosine_sine(turns);
            let square = |x: i64| (i128::from(x) * i128::from(x)) >> 62;
            let sum = square(cosine) + square(sine);
            assert!(sum.abs_diff(1 << 62) < 1 << 6, "{turns:#x}");
        }
    }
}
