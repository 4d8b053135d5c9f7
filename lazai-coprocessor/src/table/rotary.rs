//! The rotary position table.

use super::fixed::{Fixed, cosine_sine};
use crate::architecture::{Rotary, RotaryScaling};

/// Cosines and sines of rotary position embedding, with 14 fraction bits.
///
/// Layout: `[positions, head_dim / 2, 2]`, cosine first. Entry `[p, i]` belongs to the angle
/// `p * theta^(-2 i / head_dim)`, scaled as `rotary` says, and rotates elements `i` and
/// `i + head_dim / 2` of a head, as Hugging Face's Llama does.
///
/// # Errors
/// [`RotaryError`] if a parameter is out of range; nothing is then allocated.
pub fn rotary(positions: u32, head_dim: u32, rotary: &Rotary) -> Result<Vec<i16>, RotaryError> {
    if positions > MAX_POSITIONS {
        return Err(RotaryError::Positions { got: positions, max: MAX_POSITIONS });
    }
    let steps = turns_per_position(head_dim, rotary)?;
    let mut table = Vec::with_capacity(positions as usize * head_dim as usize);
    for position in 0..positions {
        for &step in &steps {
            // Whole turns overflow away.
            let (cosine, sine) = cosine_sine(step.wrapping_mul(position.into()));
            table.extend([narrow(cosine), narrow(sine)]);
        }
    }
    Ok(table)
}

/// Computes the turns, as a fraction of 2^128, by which each pair of elements rotates from one
/// position to the next; the error is below 2^-100, or below 2^-60 of the turns if they are scaled.
///
/// # Errors
/// [`RotaryError`] if a parameter is out of range.
pub fn turns_per_position(head_dim: u32, rotary: &Rotary) -> Result<Vec<u128>, RotaryError> {
    if head_dim == 0 || !head_dim.is_multiple_of(2) || head_dim > MAX_HEAD_DIM {
        return Err(RotaryError::HeadDim { got: head_dim, max: MAX_HEAD_DIM });
    }
    let theta = rotary.theta;
    if theta < 2 {
        return Err(RotaryError::Theta { got: theta });
    }
    let (ln_theta, tau) = (Fixed::ln(theta), Fixed::tau().raw());
    let step = |pair: u32| {
        let exponent = ln_theta.times(Fixed::ratio((2 * pair).into(), head_dim.into()));
        Fixed::ratio(exponent.exp_of_negative().raw(), tau).raw() << 8
    };
    let steps: Vec<u128> = (0..head_dim / 2).map(step).collect();
    match &rotary.scaling {
        RotaryScaling::None => Ok(steps),
        RotaryScaling::Divisors { divisors_q32 } => {
            if divisors_q32.len() != steps.len() {
                let (expected, got) = (steps.len(), divisors_q32.len());
                return Err(RotaryError::Divisors { expected, got });
            }
            steps.iter().zip(divisors_q32).map(|(step, divisor)| divided(*step, *divisor)).collect()
        }
        RotaryScaling::Linear { factor_q32 } => {
            steps.iter().map(|step| divided(*step, *factor_q32)).collect()
        }
        RotaryScaling::Llama3 { factor_q32, low_q32, high_q32, original_context } => {
            if low_q32 >= high_q32 {
                return Err(RotaryError::Factor { got_q32: *low_q32 });
            }
            let scaled = |step: &u128| {
                let divided = divided(*step, *factor_q32)?;
                // Turns over the original context, with 32 fraction bits.
                let turns = ((step >> 64) * u128::from(*original_context)) >> 32;
                let above = turns.saturating_sub((*low_q32).into());
                let range = u128::from(high_q32 - low_q32);
                let share = ((above.min(range)) << 32) / range;
                Ok(divided + ((step - divided) >> 32) * share)
            };
            steps.iter().map(scaled).collect()
        }
    }
}

/// A step over a number with 32 fraction bits.
fn divided(step: u128, divisor_q32: u64) -> Result<u128, RotaryError> {
    if divisor_q32 < 1 << 32 {
        return Err(RotaryError::Factor { got_q32: divisor_q32 });
    }
    let divisor = u128::from(divisor_q32);
    Ok(((step / divisor) << 32) + ((step % divisor) << 32) / divisor)
}

/// Why no rotary table can be made.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RotaryError {
    /// The frequencies have another number of divisors.
    #[error("{expected} pairs of a head have {got} divisors")]
    Divisors {
        /// Pairs of a head.
        expected: usize,
        /// Divisors given.
        got: usize,
    },
    /// A factor is below 1, or the factors of the mixture do not rise.
    #[error("the scaling factor {got_q32} / 2^32 is below 1, or not below the next one")]
    Factor {
        /// The factor, with 32 fraction bits.
        got_q32: u64,
    },
    /// The elements of a head cannot be paired, or are too many.
    #[error("head dimension {got} is not an even number from 2 to {max}")]
    HeadDim {
        /// The head dimension asked for.
        got: u32,
        /// The largest one.
        max: u32,
    },
    /// There are too many positions.
    #[error("{got} positions are above the limit {max}")]
    Positions {
        /// The positions asked for.
        got: u32,
        /// The most there may be.
        max: u32,
    },
    /// The base of the frequencies is below 2.
    #[error("rotary base {got} is below 2")]
    Theta {
        /// The base asked for.
        got: u64,
    },
}

/// The most positions a table may have.
pub const MAX_POSITIONS: u32 = 131_072;

/// The largest head dimension.
pub const MAX_HEAD_DIM: u32 = 1_024;

/// A number with 62 fraction bits and a magnitude of at most one as the nearest with 14.
fn narrow(value: i64) -> i16 {
    let magnitude = (value.unsigned_abs() + (1 << 47)) >> 48;
    let magnitude = i16::try_from(magnitude).expect("invariant: at most 2^14");
    if value < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::function::tests::hash;

    fn table_hash(positions: u32, head_dim: u32, theta: u64) -> String {
        let table = rotary(positions, head_dim, &Rotary::new(theta)).unwrap();
        hash(table.iter().map(|entry| entry.to_le_bytes()))
    }

    #[test]
    fn entries_agree_with_libm() {
        for (positions, head_dim, theta) in [(4_096, 64, 10_000_u64), (512, 6, 500_000)] {
            let table = rotary(positions, head_dim, &Rotary::new(theta)).unwrap();
            let mut entries = table.chunks_exact(2);
            for position in 0..positions {
                for pair in 0..head_dim / 2 {
                    let entry = entries.next().unwrap();
                    let power = -2.0 * f64::from(pair) / f64::from(head_dim);
                    let angle = f64::from(position) * (theta as f64).powf(power);
                    for (got, exact) in entry.iter().zip([angle.cos(), angle.sin()]) {
                        let error = (f64::from(*got) - exact * 16_384.0).abs();
                        assert!(error < 0.5 + 1e-6, "{position} {pair}: {entry:?} for {angle}");
                    }
                }
            }
            assert!(entries.next().is_none());
        }
    }

    /// No entry lies so near to the middle of two integers that the error of the series matters:
    /// so every entry is the nearest integer.
    #[test]
    fn every_entry_of_the_longest_table_is_decided() {
        let unit = 1_u64 << 48;
        let steps = turns_per_position(64, &Rotary::new(10_000)).unwrap();
        let mut closest = unit;
        for position in 1..MAX_POSITIONS {
            for &step in &steps {
                let (cosine, sine) = cosine_sine(step.wrapping_mul(position.into()));
                for value in [cosine, sine] {
                    closest = closest.min((value.unsigned_abs() % unit).abs_diff(unit / 2));
                }
            }
        }
        // The error is below 2^-56, which is 2^6 here.
        assert!(closest > 1 << 8, "{closest}");
    }

    #[test]
    fn position_zero_does_not_rotate() {
        assert_eq!(rotary(1, 4, &Rotary::new(10_000)).unwrap(), [16_384, 0, 16_384, 0]);
        assert!(rotary(0, 4, &Rotary::new(10_000)).unwrap().is_empty());
    }

    #[test]
    fn tables_have_their_committed_hashes() {
        assert_eq!(
            table_hash(2_048, 64, 10_000),
            "db12d20be1a5b66d2938d9ee300b8df65325d9dc3965520aec173f88b1b0661b"
        );
        assert_eq!(
            table_hash(1_024, 128, 500_000),
            "33ce1220c54f412c88cae2e3c90a4d4eb27e2bab4f80830c0c4fe0e94e78d878"
        );
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        for head_dim in [0, 7, 1_026, u32::MAX] {
            let refused = rotary(1, head_dim, &Rotary::new(10_000));
            assert_eq!(refused, Err(RotaryError::HeadDim { got: head_dim, max: 1_024 }));
        }
        let refused = rotary(u32::MAX, 64, &Rotary::new(10_000));
        assert_eq!(refused, Err(RotaryError::Positions { got: u32::MAX, max: 131_072 }));
        assert_eq!(rotary(1, 64, &Rotary::new(1)), Err(RotaryError::Theta { got: 1 }));
    }

    /// The inverse frequencies of Hugging Face's `_compute_llama3_parameters`, in radians.
    #[test]
    fn scaled_frequencies_agree_with_their_formula() {
        let q32 = |x: u64, tenths: u64| (10 * x + tenths) * (1_u64 << 32) / 10;
        let (head_dim, theta, factor, low, high, context) = (64, 500_000, 8.0, 1.0, 4.0, 8_192);
        let scaling = RotaryScaling::Llama3 {
            factor_q32: q32(8, 0),
            low_q32: q32(1, 0),
            high_q32: q32(4, 0),
            original_context: context,
        };
        let steps = turns_per_position(head_dim, &Rotary { theta, scaling }).unwrap();
        for (pair, step) in steps.iter().enumerate() {
            let plain = (theta as f64).powf(-2.0 * pair as f64 / f64::from(head_dim));
            let wavelength = core::f64::consts::TAU / plain;
            let smooth = (f64::from(context) / wavelength - low) / (high - low);
            let smooth = smooth.clamp(0.0, 1.0);
            let expected = (1.0 - smooth) * plain / factor + smooth * plain;
            let got = *step as f64 / 2_f64.powi(128) * core::f64::consts::TAU;
            assert!((got / expected - 1.0).abs() < 1e-8, "pair {pair}: {got}, not {expected}");
        }
        let plain = turns_per_position(head_dim, &Rotary::new(theta)).unwrap();
        let scaling = RotaryScaling::Linear { factor_q32: q32(2, 5) };
        let linear = turns_per_position(head_dim, &Rotary { theta, scaling }).unwrap();
        let divisors_q32 = vec![q32(2, 5); 32];
        let scaling = RotaryScaling::Divisors { divisors_q32 };
        assert_eq!(turns_per_position(head_dim, &Rotary { theta, scaling }).unwrap(), linear);
        for (plain, linear) in plain.iter().zip(linear) {
            assert!(plain.abs_diff(linear * 5 / 2) < 1 << 40);
        }
    }

    #[test]
    fn scaling_out_of_range_is_refused() {
        let turns = |scaling| turns_per_position(4, &Rotary { theta: 10_000, scaling });
        let refused = turns(RotaryScaling::Linear { factor_q32: 7 });
        assert_eq!(refused, Err(RotaryError::Factor { got_q32: 7 }));
        let refused = turns(RotaryScaling::Divisors { divisors_q32: vec![1 << 32; 3] });
        assert_eq!(refused, Err(RotaryError::Divisors { expected: 2, got: 3 }));
        let (factor_q32, low_q32, high_q32) = (1 << 33, 1 << 32, 1 << 32);
        let original_context = u32::MAX;
        let scaling = RotaryScaling::Llama3 { factor_q32, low_q32, high_q32, original_context };
        assert_eq!(turns(scaling), Err(RotaryError::Factor { got_q32: low_q32 }));
    }
}
