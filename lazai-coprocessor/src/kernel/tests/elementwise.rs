use super::*;

fn clamp16(value: i128) -> i128 {
    value.clamp(ACTIVATION_MIN.into(), ACTIVATION_MAX.into())
}

fn clamp32(value: i128) -> i128 {
    value.clamp(i32::MIN.into(), i32::MAX.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn biases_are_added_everywhere(
        (values, wide, bias) in (size(), 0_usize..4).prop_flat_map(|(width, rows)| {
            (
                vec(activation(), width * rows),
                vec(residual(), width * rows),
                vec(residual(), width),
            )
        }),
    ) {
        let got = same_everywhere(|backend| {
            let (mut narrow, mut wide) = (values.clone(), wide.clone());
            add_bias_i16(backend, &mut narrow, &bias);
            add_bias_i32(backend, &mut wide, &bias);
            (narrow, wide)
        });
        for (index, bias) in (0..values.len()).zip(bias.iter().cycle()) {
            let bias = i128::from(*bias);
            prop_assert_eq!(i128::from(got.0[index]), clamp16(i128::from(values[index]) + bias));
            prop_assert_eq!(i128::from(got.1[index]), clamp32(i128::from(wide[index]) + bias));
        }
    }

    #[test]
    fn gelu_is_its_formula_everywhere(
        input in size().prop_flat_map(|n| vec(activation(), n)),
        input_bits in 4_i32..16,
        output_bits in 0_i32..16,
    ) {
        for (table, exact) in [
            (table::gelu(), None),
            (table::gelu_tanh(), Some(|x: f64| {
                let slope = (2.0 / core::f64::consts::PI).sqrt();
                0.5 * (1.0 + (slope * (x + 0.044_715 * x.powi(3))).tanh())
            })),
        ] {
            let scales = GeluScales { input_bits, output_bits, table: &table };
            let got = same_everywhere(|backend| {
                let mut output = vec![0_i16; input.len()];
                gelu(backend, &input, &scales, &mut output);
                output
            });
            for (x, y) in input.iter().zip(got) {
                // The integer formula again, in 128 bits.
                let floor = |value: i128, shift: i32| {
                    if shift > 0 { (value + (1 << (shift - 1))) >> shift } else { value << -shift }
                };
                let index = floor(i128::from(*x), input_bits - 11).clamp(-32_768, 32_767) + 32_768;
                let product = i128::from(*x) * i128::from(table[index as usize]);
                let expected = clamp16(floor(product, 16 + input_bits - output_bits));
                prop_assert_eq!(i128::from(y), expected);
                let Some(share) = exact else { continue };
                let real = f64::from(*x) * f64::from(-input_bits).exp2();
                let exact = real * share(real) * f64::from(output_bits).exp2();
                let exact = exact.clamp(f64::from(ACTIVATION_MIN), f64::from(ACTIVATION_MAX));
                // The index is rounded to 2^-12, and the slope of the share is below 0.42.
                let tolerance = 0.51 + (real * f64::from(output_bits).exp2()).abs() / 8_000.0;
                prop_assert!((f64::from(y) - exact).abs() <= tolerance, "{y} is not {exact}");
            }
        }
    }

    #[test]
    fn rows_are_narrowed_everywhere(
        input in size().prop_flat_map(|n| vec(residual(), n)),
        shift in -8_i32..40,
    ) {
        let got = same_everywhere(|backend| {
            let mut output = vec![0_i16; input.len()];
            narrow(backend, &input, shift, &mut output);
            output
        });
        for (x, y) in input.iter().zip(got) {
            let x = i128::from(*x);
            let exact = if shift > 0 { (x + (1 << (shift - 1))) >> shift } else { x << -shift };
            prop_assert_eq!(i128::from(y), clamp16(exact));
        }
    }

    #[test]
    fn what_is_negative_is_clamped_everywhere(
        input in size().prop_flat_map(|n| vec(any::<i16>(), n)),
        shift in prop_oneof![Just(0), -20_i32..20, Just(-72), Just(72)],
    ) {
        let got = same_everywhere(|backend| {
            let mut output = vec![7_i16; input.len()];
            relu(backend, &input, shift, &mut output);
            output
        });
        for (x, y) in input.iter().zip(got) {
            let x = i128::from(*x).max(0);
            let exact = if shift > 0 { (x + (1 << (shift - 1))) >> shift } else { x << -shift };
            prop_assert_eq!(i128::from(y), clamp16(exact));
        }
    }

    #[test]
    fn positions_are_added_to_their_rows(
        (width, rows, values, exponents, row_bits) in
            (size(), 1_usize..5).prop_flat_map(|(width, rows)| {
                let bytes = WeightMatrix::exponent_bytes(width);
                (
                    Just(width),
                    Just(rows),
                    vec(-127_i8..=127, width * rows),
                    vec(any::<u8>(), bytes * rows),
                    vec(0_i8..24, rows),
                )
            }),
        start in residual(),
        first in 0_usize..4,
        bits in 0_i32..12,
    ) {
        let (values, exponents, row_bits) = (&values[..], &exponents[..], &row_bits[..]);
        let table = Embedding { width, values, exponents, row_bits };
        let count = rows.saturating_sub(first);
        let mut residual = vec![start; count * width];
        add_positions(&table, first, bits, &mut residual).unwrap();
        let tokens: Vec<u32> = (first as u32..rows as u32).collect();
        let mut gathered = vec![0; count * width];
        gather(&table, &tokens, bits, &mut gathered).unwrap();
        // No row exceeds 1,016 * 2^12, so gathered rows are not saturated.
        for (y, row) in residual.iter().zip(&gathered) {
            prop_assert_eq!(i128::from(*y), clamp32(i128::from(start) + i128::from(*row)));
        }
        if width > 0 {
            let error = add_positions(&table, rows, bits, &mut vec![0; width]);
            prop_assert_eq!(error, Err(KernelError::Index { index: rows, limit: rows }));
        }
    }
}
