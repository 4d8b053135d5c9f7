use super::*;

/// `(x - mean) / root * gain` of a row, where `root` holds the sum of squares and the epsilon.
fn exact_norm(row: &[f64], gain: &[i16], epsilon: u64, scale: f64) -> Vec<f64> {
    let squares: f64 = row.iter().map(|x| x * x).sum();
    let root = (squares + epsilon as f64).max(1e-9).sqrt();
    row.iter().zip(gain).map(|(x, gain)| x / root * f64::from(*gain) * scale).collect()
}

/// Rounding of the output, 2^-13 of the root, and a half of the 15-bit input.
fn tolerance(exact: f64, gain: i16, scale: f64) -> f64 {
    1.0 + exact.abs() / 4_096.0 + f64::from(i32::from(gain).abs()) * scale / 16_384.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn layer_norm_is_its_formula_everywhere(
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
            let (mut narrow, mut wide) = (vec![0_i16; input.len()], vec![0_i32; input.len()]);
            layer_norm_i16(backend, &input, &norm, &mut narrow);
            layer_norm_i32(backend, &input, &norm, &mut wide);
            (narrow, wide)
        });
        let width = gain.len().max(1);
        let scale = f64::from(output_bits - gain_bits).exp2();
        let rows = input.chunks(width).zip(got.0.chunks(width).zip(got.1.chunks(width)));
        for (row, (narrow, wide)) in rows {
            let sum: i128 = row.iter().map(|x| i128::from(*x)).sum();
            let d = row.len() as i128;
            let mean = (2 * sum + d).div_euclid(2 * d) as f64;
            let row: Vec<f64> = row.iter().map(|x| f64::from(*x) - mean).collect();
            let exact = exact_norm(&row, &gain, epsilon, scale);
            for (((y, z), exact), gain) in narrow.iter().zip(wide).zip(exact).zip(&gain) {
                let exact = exact.clamp(i32::MIN.into(), i32::MAX.into());
                let tolerance = tolerance(exact, *gain, scale);
                prop_assert!((f64::from(*z) - exact).abs() <= tolerance, "{z} is not {exact}");
                prop_assert_eq!(*y, crate::numeric::saturate_i16(i64::from(*z)));
            }
        }
    }

    #[test]
    fn head_norm_is_its_formula_everywhere(
        (input, gain) in (head_dim(), 0_usize..5).prop_flat_map(|(width, heads)| {
            (vec(activation(), width * heads), vec(any::<i16>(), width))
        }),
        gain_bits in -4_i32..16,
        output_bits in -4_i32..16,
        epsilon in prop_oneof![Just(0_u64), 1_u64..1 << 20],
    ) {
        let rsqrt = table::reciprocal_sqrt();
        let norm = Norm { gain: &gain, gain_bits, epsilon, output_bits, rsqrt: &rsqrt };
        let got = same_everywhere(|backend| {
            let mut output = vec![0_i16; input.len()];
            head_norm(backend, &input, &norm, &mut output);
            output
        });
        // The same integers, as rows of the residual stream.
        let wide: Vec<i32> = input.iter().map(|x| i32::from(*x)).collect();
        let mut expected = vec![0_i16; input.len()];
        rms_norm(Backend::Scalar, &wide, &norm, &mut expected);
        prop_assert_eq!(got, expected);
    }
}
