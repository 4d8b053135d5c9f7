//! Tables of functions of one variable.

use super::fixed::Fixed;

/// Makes the table of the exponential of a non-positive number: entry `u` is `exp(-u / 4096)` with
/// 15 fraction bits.
///
/// 65,536 entries; the first is 32,768, which stands for one. From entry 45,427 on they are 0.
///
/// # Examples
/// ```
/// let table = lazai_coprocessor::table::exp();
/// assert_eq!(table[0], 32_768);
/// assert_eq!(table[4_096], 12_055); // 32,768 / e
/// ```
#[must_use]
pub fn exp() -> Vec<u16> {
    (0..ENTRIES)
        .map(|u| narrow(Fixed::ratio(u, EXP_UNITS_PER_ONE).exp_of_negative().rounded(15)))
        .collect()
}

/// Makes the table of the logistic function: entry `x + 32768` is `1 / (1 + exp(-x / 2048))` with
/// 16 fraction bits.
///
/// 65,536 entries for the real numbers from -16 to 16; values that round to one become 65,535.
#[must_use]
pub fn sigmoid() -> Vec<u16> {
    let middle = ENTRIES / 2;
    (0..ENTRIES)
        .map(|index| {
            let magnitude = Fixed::ratio(index.abs_diff(middle), SIGMOID_UNITS_PER_ONE);
            let power = magnitude.exp_of_negative().raw();
            let numerator = if index < middle { power } else { Fixed::ONE.raw() };
            let value = Fixed::ratio(numerator, Fixed::ONE.raw() + power);
            narrow(value.rounded(16).min(u16::MAX.into()))
        })
        .collect()
}

/// Makes the table of the normal distribution: entry `x + 32768` is the probability that a normal
/// variable is below `x / 2048`, with 16 fraction bits.
///
/// 65,536 entries for the real numbers from -16 to 16; values that round to one become 65,535.
#[must_use]
pub fn gelu() -> Vec<u16> {
    symmetric(|magnitude| {
        let u = u128::from(magnitude);
        if magnitude >= GELU_SATURATION {
            return Fixed::ONE;
        }
        // 1/2 + density(x) * (x + x^3/3 + x^5/(3*5) + ...), all terms positive.
        let x = Fixed::ratio(u, SIGMOID_UNITS_PER_ONE);
        let square = Fixed::ratio(u * u, SIGMOID_UNITS_PER_ONE * SIGMOID_UNITS_PER_ONE);
        let exponential = square.divided_by(2).exp_of_negative();
        let mut term = exponential.times(Fixed::normal_density()).times(x);
        let (mut sum, mut index) = (Fixed::ONE.raw() / 2, 1);
        while term.raw() > 0 {
            sum += term.raw();
            index += 2;
            term = term.times(square).divided_by(index);
        }
        Fixed::from_raw(sum)
    })
}

/// Makes the table of the normal distribution by a hyperbolic tangent: entry `x + 32768` is
/// `(1 + tanh(sqrt(2/pi) (y + 0.044715 y^3))) / 2` of `y = x / 2048`, with 16 fraction bits.
///
/// 65,536 entries for the real numbers from -16 to 16; values that round to one become 65,535.
#[must_use]
pub fn gelu_tanh() -> Vec<u16> {
    symmetric(|magnitude| {
        let u = u128::from(magnitude);
        if magnitude >= GELU_SATURATION {
            return Fixed::ONE;
        }
        // (1 + tanh a) / 2 = 1 / (1 + exp(-2a)), and sqrt(2/pi) is twice the density at 0.
        let y = Fixed::ratio(u, SIGMOID_UNITS_PER_ONE).raw();
        let cube = Fixed::ratio(u * u * u, 1 << 33).times(Fixed::ratio(44_715, 1_000_000)).raw();
        let a = Fixed::from_raw(y + cube).times(Fixed::normal_density());
        let power = Fixed::from_raw(4 * a.raw()).exp_of_negative().raw();
        Fixed::ratio(Fixed::ONE.raw(), Fixed::ONE.raw() + power)
    })
}

/// Makes the table of the reciprocal square root of a mantissa: entry `m - 16384` is
/// `2^22 / sqrt(m)`, rounded.
///
/// 49,152 entries for `m` in `16384..65536`; the values fall from 32,768 to 16,384.
#[must_use]
pub fn reciprocal_sqrt() -> Vec<u16> {
    (MANTISSA_START..MANTISSA_END)
        .map(|mantissa| {
            // Twice the quotient, rounded down; then the nearest integer of its half. The quotient
            // lies on a half only if 2^46 / mantissa is an odd square, which it never is.
            let twice = ((1_u128 << 46) / mantissa).isqrt();
            narrow(twice.div_ceil(2))
        })
        .collect()
}

/// The table of a distribution that is symmetric about 0, by its values at `magnitude / 2048`.
fn symmetric(upper: impl Fn(u32) -> Fixed) -> Vec<u16> {
    let upper: Vec<u128> = (0..=MIDDLE).map(|magnitude| upper(magnitude).raw()).collect();
    let lower = upper.iter().rev().map(|value| Fixed::ONE.raw() - value);
    let values = lower.chain(upper.iter().copied().skip(1)).take(2 * MIDDLE as usize);
    values.map(|value| narrow(Fixed::from_raw(value).rounded(16).min(u16::MAX.into()))).collect()
}

/// A table entry as the 16-bit integer that it is.
fn narrow(value: u128) -> u16 {
    u16::try_from(value).expect("invariant: every table is scaled to values below 2^16")
}

const ENTRIES: u128 = 1 << 16;
const EXP_UNITS_PER_ONE: u128 = 4_096;
/// From 6 on, the normal distribution is 1 to 29 bits.
const GELU_SATURATION: u32 = 6 * 2_048;
const MIDDLE: u32 = 1 << 15;
const SIGMOID_UNITS_PER_ONE: u128 = 2_048;
const MANTISSA_START: u128 = 1 << 14;
const MANTISSA_END: u128 = 1 << 16;

#[cfg(test)]
pub(super) mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    pub(in super::super) fn hash(bytes: impl IntoIterator<Item = [u8; 2]>) -> String {
        let bytes: Vec<u8> = bytes.into_iter().flatten().collect();
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn table_hash(table: &[u16]) -> String {
        hash(table.iter().map(|entry| entry.to_le_bytes()))
    }

    #[test]
    fn exp_is_the_nearest_integer() {
        let table = exp();
        assert_eq!(table.len(), 65_536);
        for (u, &entry) in table.iter().enumerate() {
            let exact = (-(u as f64) / 4_096.0).exp() * 32_768.0;
            assert!((exact - f64::from(entry)).abs() < 0.5 + 1e-9, "{u}: {entry} for {exact}");
        }
        assert!(table[45_426] > 0 && table[45_427..].iter().all(|&entry| entry == 0));
    }

    #[test]
    fn sigmoid_is_the_nearest_integer_and_symmetric() {
        let table = sigmoid();
        assert_eq!(table.len(), 65_536);
        for (index, &entry) in table.iter().enumerate() {
            let x = (index as f64 - 32_768.0) / 2_048.0;
            let exact = 65_536.0 / (1.0 + (-x).exp());
            let error = (exact.min(65_535.0) - f64::from(entry)).abs();
            assert!(error < 0.5 + 1e-9, "{index}: {entry} for {exact}");
        }
        for x in 1..32_768 {
            let sum = u32::from(table[32_768 + x]) + u32::from(table[32_768 - x]);
            assert!(sum == 65_536 || table[32_768 + x] == u16::MAX, "{x}");
        }
    }

    #[test]
    fn gelu_is_the_nearest_integer_and_symmetric() {
        let table = gelu();
        assert_eq!(table.len(), 65_536);
        // The density summed up by Simpson's rule, from one entry to the next.
        let density = |x: f64| (-x * x / 2.0).exp() / core::f64::consts::TAU.sqrt();
        let step = 1.0 / 2_048.0;
        let mut exact = 0.5_f64;
        for u in 0..32_768_usize {
            let error = (65_536.0 * exact).min(65_535.0) - f64::from(table[32_768 + u]);
            assert!(error.abs() < 0.5 + 1e-6, "{u}: {error}");
            if u > 0 {
                let error = 65_536.0 * (1.0 - exact) - f64::from(table[32_768 - u]);
                assert!(error.abs() < 0.5 + 1e-6, "-{u}: {error}");
            }
            let x = u as f64 * step;
            exact += step / 6.0 * (density(x) + 4.0 * density(x + step / 2.0) + density(x + step));
        }
        assert_eq!((table[0], table[32_768], table[65_535]), (0, 32_768, 65_535));
    }

    #[test]
    fn gelu_tanh_is_the_nearest_integer() {
        for (index, entry) in gelu_tanh().into_iter().enumerate() {
            let y = (index as f64 - 32_768.0) / 2_048.0;
            let a = (2.0 / core::f64::consts::PI).sqrt() * (y + 0.044_715 * y * y * y);
            let exact = 32_768.0 * (1.0 + a.tanh());
            let error = exact.min(65_535.0) - f64::from(entry);
            assert!(error.abs() < 0.5 + 1e-6, "{index}: {error}");
        }
    }

    #[test]
    fn reciprocal_sqrt_is_the_nearest_integer() {
        let table = reciprocal_sqrt();
        assert_eq!(table.len(), 49_152);
        for (index, &entry) in table.iter().enumerate() {
            // Exact: (2 r - 1)^2 m <= 2^46 < (2 r + 1)^2 m.
            let (mantissa, entry) = (index as u128 + 16_384, u128::from(entry));
            assert!((2 * entry - 1).pow(2) * mantissa <= 1 << 46, "{mantissa}");
            assert!((2 * entry + 1).pow(2) * mantissa > 1 << 46, "{mantissa}");
        }
        assert_eq!((table[0], table[49_151]), (32_768, 16_384));
    }

    #[test]
    fn tables_have_their_committed_hashes() {
        assert_eq!(
            table_hash(&exp()),
            "78a93927bd288ce82e2ea58b3b75e62346a778f94226641733eae4ffed734561"
        );
        assert_eq!(
            table_hash(&sigmoid()),
            "3ae0f286f46582071dda39d1150c1a805e07769041c59f4f0ed0af8180d40325"
        );
        assert_eq!(
            table_hash(&reciprocal_sqrt()),
            "3aee9375c8f949a1c7c6214161fed251f483df7c90a3d1feb4b764bf79ba2d77"
        );
    }
}
