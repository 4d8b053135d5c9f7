//! Every kernel on every back end against its scalar form, and the scalar form against its formula.

mod elementwise;
mod norms;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    architecture::Rotary,
    numeric::{ACTIVATION_MAX, ACTIVATION_MIN},
    table,
};

/// Sizes at and beside the widths of vectors, with 0, 1 and primes.
fn size() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![
        0_usize, 1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 127, 128, 129,
        257,
    ])
}

fn head_dim() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![2_usize, 6, 14, 16, 18, 30, 32, 34, 62, 64, 66, 128, 256])
}

fn activation() -> impl Strategy<Value = i16> {
    prop_oneof![
        8 => ACTIVATION_MIN..=ACTIVATION_MAX,
        4 => -300_i16..300,
        1 => Just(ACTIVATION_MIN),
        1 => Just(ACTIVATION_MAX),
        1 => Just(0),
    ]
}

fn residual() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -70_000..70_000, 2 => any::<i32>(), 1 => Just(i32::MIN), 1 => Just(0)]
}

/// Runs a kernel on every back end of this processor and asserts the bytes of the scalar one.
fn same_everywhere<T: PartialEq + core::fmt::Debug>(run: impl Fn(Backend) -> T) -> T {
    let expected = run(Backend::Scalar);
    for backend in Backend::available() {
        assert_eq!(run(backend), expected, "{backend} differs from scalar");
    }
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rms_norm_is_its_formula_everywhere(
        (input, gain) in (size(), 0_usize..4).prop_flat_map(|(width, rows)| {
            (vec(residual(), width * rows), vec(any::<i16>(), width))
        }),
        gain_bits in -4_i32..16,
        output_bits in -4_i32..16,
        epsilon in prop_oneof![Just(0_u64), 1_u64..1 << 20, Just(1 << 51)],
    ) {
        let rsqrt = table::reciprocal_sqrt();
        let norm = Norm { gain: &gain, gain_bits, epsilon, output_bits, rsqrt: &rsqrt };
        let got = same_everywhere(|backend| {
            let mut output = vec![0_i16; input.len()];
            rms_norm(backend, &input, &norm, &mut output);
            output
        });
        for (row, got) in input.chunks(gain.len().max(1)).zip(got.chunks(gain.len().max(1))) {
            let squares: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            let root = (squares + epsilon as f64).max(1e-9).sqrt();
            for ((x, gain), y) in row.iter().zip(&gain).zip(got) {
                let exact = f64::from(*x) / root * f64::from(*gain)
                    * f64::from(output_bits - gain_bits).exp2();
                let exact = exact.clamp(f64::from(ACTIVATION_MIN), f64::from(ACTIVATION_MAX));
                // Rounding of the output, 2^-13 of the root, and a half of the 15-bit input.
                let rounding = f64::from(i32::from(*gain).abs())
                    * f64::from(output_bits - gain_bits).exp2() / 16_384.0;
                let tolerance = 1.0 + exact.abs() / 4_096.0 + rounding;
                prop_assert!((f64::from(*y) - exact).abs() <= tolerance, "{y} is not {exact}");
            }
        }
    }

    #[test]
    fn rope_turns_everywhere(
        (width, values) in (head_dim(), 1_usize..4, 0_usize..5).prop_flat_map(
            |(width, heads, rows)| {
            (Just(width), vec(activation(), width * heads * rows))
                .prop_map(move |(width, values)| ((width, heads), values))
        }),
        first in 0_usize..20,
    ) {
        let (head_dim, heads) = width;
        let table = table::rotary(32, head_dim as u32, &Rotary::new(10_000)).unwrap();
        let got = same_everywhere(|backend| {
            let mut values = values.clone();
            rope(backend, &mut values, head_dim * heads, head_dim, first, &table);
            values
        });
        for (before, after) in values.chunks(head_dim).zip(got.chunks(head_dim)) {
            for pair in 0..head_dim / 2 {
                let norm = |values: &[i16]| {
                    f64::from(values[pair]).hypot(f64::from(values[pair + head_dim / 2]))
                };
                let (before, after) = (norm(before), norm(after));
                let saturated = before > f64::from(ACTIVATION_MAX);
                prop_assert!(saturated || (before - after).abs() < 3.0 + before / 8_000.0);
            }
        }
    }

    #[test]
    fn compression_is_its_formula_everywhere(
        (width, input) in (size(), 0_usize..4)
            .prop_flat_map(|(width, rows)| (Just(width), vec(activation(), width * rows))),
    ) {
        let (values, exponents) = same_everywhere(|backend| {
            let mut values = vec![0_i8; input.len()];
            let mut exponents = vec![0_u8; input.len().checked_div(width).unwrap_or(0)];
            compress(backend, &input, width, &mut values, &mut exponents);
            (values, exponents)
        });
        let rows = input.chunks(width.max(1)).zip(values.chunks(width.max(1))).zip(exponents);
        for ((input, values), exponent) in rows {
            let largest = input.iter().map(|x| i32::from(*x).abs()).max().unwrap_or(0);
            prop_assert!(largest < 128 << exponent);
            prop_assert!(exponent == 0 || largest >= 64 << exponent, "the exponent is not the smallest");
            for (x, q) in input.iter().zip(values) {
                let error = (i32::from(*x) - (i32::from(*q) << exponent)).abs();
                prop_assert!(error <= (1 << exponent), "{x} became {q} << {exponent}");
            }
        }
    }

    #[test]
    fn attention_is_its_formula_everywhere(
        (query, keys, values, key_exponents, value_exponents) in
            (head_dim(), size()).prop_flat_map(|(width, positions)| {
                let positions = positions.max(1);
                (
                    vec(activation(), width),
                    vec(-127_i8..=127, width * positions),
                    vec(-127_i8..=127, width * positions),
                    vec(0_u8..=9, positions),
                    vec(0_u8..=8, positions),
                )
            }),
        score_shift in 0_i32..30,
    ) {
        let exp = table::exp();
        let width = query.len();
        let cache = HeadCache {
            keys: &keys,
            key_exponents: &key_exponents,
            values: &values,
            value_exponents: &value_exponents,
        };
        let got = same_everywhere(|backend| {
            let mut scores = vec![0_i32; key_exponents.len()];
            let (mut sums, mut output) = (vec![0_i64; width], vec![0_i16; width]);
            attend(backend, &query, &cache, score_shift, &exp, &mut scores, &mut sums, &mut output);
            output
        });
        // The formula again, in 128 bits and in another shape.
        let scores: Vec<i128> = keys
            .chunks(width)
            .zip(&key_exponents)
            .map(|(key, exponent)| {
                let products = query.iter().zip(key).map(|(q, k)| i128::from(*q) * i128::from(*k));
                let dot: i128 = products.sum();
                let shift = score_shift - i32::from(*exponent);
                let half = |shift: i32| 1 << (shift - 1);
                let score = if shift > 0 { (dot + half(shift)) >> shift } else { dot << -shift };
                score.clamp(i32::MIN.into(), i32::MAX.into())
            })
            .collect();
        let best = scores.iter().max().copied().unwrap_or(0);
        let weights: Vec<i128> =
            scores.iter().map(|score| exp[(best - score).min(65_535) as usize].into()).collect();
        let total: i128 = weights.iter().sum();
        for (column, y) in got.iter().enumerate() {
            let sum: i128 = weights
                .iter()
                .enumerate()
                .map(|(row, weight)| {
                    weight * (i128::from(values[row * width + column]) << value_exponents[row])
                })
                .sum();
            let exact = (2 * sum + total).div_euclid(2 * total);
            let exact = exact.clamp(ACTIVATION_MIN.into(), ACTIVATION_MAX.into());
            prop_assert_eq!(i128::from(*y), exact);
        }
    }

    #[test]
    fn gated_silu_is_its_formula_everywhere(
        (gate, up) in size().prop_flat_map(|n| (vec(activation(), n), vec(activation(), n))),
        gate_bits in 4_i32..16,
        up_bits in 4_i32..16,
        output_bits in 0_i32..16,
    ) {
        let sigmoid = table::sigmoid();
        let scales = Gate { gate_bits, up_bits, output_bits, sigmoid: &sigmoid };
        let got = same_everywhere(|backend| {
            let mut output = vec![0_i16; gate.len()];
            gated_silu(backend, &gate, &up, &scales, &mut output);
            output
        });
        for ((g, u), y) in gate.iter().zip(&up).zip(got) {
            let x = f64::from(*g) * f64::from(-gate_bits).exp2();
            let factor = f64::from(*u) * f64::from(-up_bits).exp2();
            let exact = x / (1.0 + (-x).exp()) * factor * f64::from(output_bits).exp2();
            let exact = exact.clamp(f64::from(ACTIVATION_MIN), f64::from(ACTIVATION_MAX));
            // The index is rounded to 2^-12 and stops at 16; the slope of the sigmoid is at most
            // 1/4.
            let tolerance = 0.51 + (x * factor * f64::from(output_bits).exp2()).abs() / 12_000.0;
            prop_assert!((f64::from(y) - exact).abs() <= tolerance, "{y} is not {exact}");
        }
    }

    #[test]
    fn gather_is_its_formula(
        (width, rows, values, exponents, row_bits) in
            (size(), 1_usize..5).prop_flat_map(|(width, rows)| {
                let bytes = WeightMatrix::exponent_bytes(width);
                (
                    Just(width),
                    Just(rows),
                    vec(-127_i8..=127, width * rows),
                    vec(any::<u8>(), bytes * rows),
                    vec(-8_i8..24, rows),
                )
            }),
        output_bits in 0_i32..20,
    ) {
        let (values, exponents) = (&values[..], &exponents[..]);
        let table = Embedding { width, values, exponents, row_bits: &row_bits };
        let tokens: Vec<u32> = (0..rows as u32).rev().collect();
        let mut output = vec![0_i32; rows * width];
        gather(&table, &tokens, output_bits, &mut output).unwrap();
        let shifts = vec![WeightMatrix::SHIFT_MIN; rows];
        let matrix = WeightMatrix::new(rows, width, values, exponents, &shifts).unwrap();
        for (index, y) in output.iter().enumerate() {
            let (row, column) = (rows - 1 - index / width, index % width);
            let scale = f64::from(output_bits - i32::from(row_bits[row])).exp2();
            let exact = (f64::from(matrix.effective(row, column)) * scale + 0.5).floor();
            prop_assert_eq!(f64::from(*y), exact.clamp(i32::MIN.into(), i32::MAX.into()));
        }
        let error = gather(&table, &[rows as u32], output_bits, &mut vec![0; width]);
        let expected = KernelError::Index { index: rows, limit: rows };
        prop_assert_eq!(error, if width == 0 { Ok(()) } else { Err(expected) });
    }

    #[test]
    fn pooling_does_not_depend_on_steps(
        (width, input) in (size(), 1_usize..9)
            .prop_flat_map(|(width, rows)| (Just(width), vec(activation(), width * rows))),
        split in 0_usize..9,
    ) {
        let pool = |parts: &[&[i16]]| {
            let (mut sums, mut count, mut output) = (vec![0; width], 0, vec![0; width]);
            parts.iter().for_each(|part| mean_pool(part, &mut sums, &mut count, &mut output));
            output
        };
        let (head, tail) = input.split_at((split * width).min(input.len()));
        let whole = pool(&[&input]);
        prop_assert_eq!(&pool(&[head, tail]), &whole);
        let rows = input.len().checked_div(width).unwrap_or(0) as f64;
        for (column, y) in whole.iter().enumerate() {
            let sum: f64 = input.iter().skip(column).step_by(width).map(|x| f64::from(*x)).sum();
            prop_assert!((f64::from(*y) - 256.0 * sum / rows).abs() <= 0.5);
        }
    }
}
