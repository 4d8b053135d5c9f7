use proptest::{prelude::*, test_runner::RngSeed};

use super::*;

/// The pieces of a product that tests change one at a time.
#[derive(Clone, Debug)]
struct Case {
    m: usize,
    n: usize,
    k: usize,
    input: Vec<i16>,
    values: Vec<i8>,
    exponents: Vec<u8>,
    shifts: Vec<u8>,
}

impl Case {
    /// A valid product with values all over their ranges, from a seed.
    fn random(m: usize, n: usize, k: usize, seed: u64) -> Self {
        let mut state = seed;
        let mut next = move || {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let groups = k.div_ceil(WeightMatrix::GROUP);
        let mut case = Self::uniform(m, n, k, 0, 0, 0, 0);
        case.input.fill_with(|| i16::try_from((next() % 65_408) as i32 - 32_768).unwrap());
        case.values.fill_with(|| i8::try_from((next() % 255) as i32 - 127).unwrap());
        // Random rows of up to 2,048 columns have norms below 2^20.
        let least = if k < 64 { 1 } else { 8 };
        case.shifts.fill_with(|| u8::try_from(least + next() % (32 - least)).unwrap());
        for row in 0..n {
            for group in 0..groups {
                case.set_exponent(row, group, (next() % 4) as u8);
            }
        }
        case
    }

    /// A product whose operands each have one value everywhere.
    fn uniform(m: usize, n: usize, k: usize, x: i16, value: i8, exponent: u8, shift: u8) -> Self {
        let mut case = Self {
            m,
            n,
            k,
            input: vec![x; m * k],
            values: vec![value; n * k],
            exponents: vec![0; n * WeightMatrix::exponent_bytes(k)],
            shifts: vec![shift; n],
        };
        for row in 0..n {
            for group in 0..k.div_ceil(WeightMatrix::GROUP) {
                case.set_exponent(row, group, exponent);
            }
        }
        case
    }

    fn set_exponent(&mut self, row: usize, group: usize, exponent: u8) {
        let place = row * WeightMatrix::exponent_bytes(self.k) + group / 4;
        let byte = &mut self.exponents[place];
        *byte = *byte & !(3 << (2 * (group % 4))) | exponent << (2 * (group % 4));
    }

    fn weight(&self) -> Result<WeightMatrix<'_>, KernelError> {
        WeightMatrix::new(self.n, self.k, &self.values, &self.exponents, &self.shifts)
    }

    /// The results in all three forms; the residual starts at values that saturate either way.
    fn outputs(&self, backend: Backend, threads: usize) -> Outputs {
        let (weight, threads) = (self.weight().unwrap(), Threads::new(threads).unwrap());
        let mut outputs = Outputs {
            activations: vec![-1; self.m * self.n],
            integers: vec![-1; self.m * self.n],
            residual: self.residual(),
        };
        for destination in [
            Destination::I16(&mut outputs.activations),
            Destination::I32(&mut outputs.integers),
            Destination::Accumulate(&mut outputs.residual),
        ] {
            matmul(backend, &threads, &self.input, &weight, destination).unwrap();
        }
        outputs
    }

    fn residual(&self) -> Vec<i32> {
        let starts = [0, 5, i32::MAX, -5, i32::MIN, i32::MAX - 9, i32::MIN + 9];
        starts.into_iter().cycle().take(self.m * self.n).collect()
    }

    /// The formula in 128-bit integers, with nothing shared with the kernels.
    fn naive(&self) -> Outputs {
        let mut outputs =
            Outputs { activations: vec![], integers: vec![], residual: self.residual() };
        for (index, residual) in outputs.residual.iter_mut().enumerate() {
            let (row, column) = (index / self.n, index % self.n);
            let sum: i128 = (0..self.k)
                .map(|k| {
                    let place = column * self.k.div_ceil(32).div_ceil(4) + k / 128;
                    let exponent = self.exponents[place] >> (k / 32 % 4 * 2) & 3;
                    let weight = i128::from(self.values[column * self.k + k]) << exponent;
                    i128::from(self.input[row * self.k + k]) * weight
                })
                .sum();
            let divisor = 1_i128 << self.shifts[column];
            let y = (2 * sum + divisor).div_euclid(2 * divisor);
            outputs.activations.push(y.clamp(-32_768, 32_639).try_into().unwrap());
            outputs.integers.push(y.try_into().unwrap());
            let accumulated = i128::from(*residual) + y;
            *residual = accumulated.clamp(i32::MIN.into(), i32::MAX.into()).try_into().unwrap();
        }
        outputs
    }
}

#[derive(Debug, Eq, PartialEq)]
struct Outputs {
    activations: Vec<i16>,
    integers: Vec<i32>,
    residual: Vec<i32>,
}

/// Sizes at which loops and their tails begin and end.
const EDGES: [usize; 22] =
    [0, 1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 128, 129];

/// Lengths of sums at which lanes are flushed, besides the edges.
const LONG: [usize; 14] =
    [256, 383, 384, 511, 512, 513, 575, 1023, 1024, 1025, 1088, 2047, 2048, 4099];

/// Products whose sums come close to every bound: the largest rows that validate.
fn extremes() -> Vec<Case> {
    let mut cases = Vec::new();
    for x in [i16::MIN, 32_639, -1, 1] {
        for value in [-127, 127] {
            for (k, exponent) in [(8_256, 3), (8_192 + 31, 3), (16_384, 2), (66_048, 0)] {
                for shift in [8, 31] {
                    cases.push(Case::uniform(2, 3, k, x, value, exponent, shift));
                }
                for m in [1, 5, 9] {
                    cases.push(Case::uniform(m, 5, k, x, value, exponent, 19));
                }
            }
        }
    }
    cases
}

#[test]
fn scalar_equals_the_formula() {
    for (index, k) in EDGES.into_iter().chain(LONG).enumerate() {
        let case = Case::random(3, 5, k, index as u64);
        case.weight().unwrap().validate().unwrap();
        assert_eq!(case.outputs(Backend::Scalar, 1), case.naive(), "k = {k}");
    }
    for case in extremes().iter().filter(|case| case.m == 2) {
        case.weight().unwrap().validate().unwrap();
        assert!(case.outputs(Backend::Scalar, 1) == case.naive(), "k = {}", case.k);
    }
}

#[test]
fn rounds_half_up() {
    for (x, y) in [(127, 0), (128, 1), (-128, 0), (-129, -1), (383, 1), (384, 2), (-384, -1)] {
        for backend in Backend::available() {
            let case = Case::uniform(1, 1, 1, x, 1, 0, 8);
            assert_eq!(case.outputs(backend, 1).integers, [y], "{backend}: {x}");
        }
    }
}

/// Instantiates the tests that every back end must pass, where the processor runs it.
macro_rules! test_backend {
    ($name:ident, $backend:expr) => {
        mod $name {
            use super::*;

            fn is_missing() -> bool {
                let missing = !$backend.is_available();
                if missing {
                    eprintln!("skipped: this processor does not run {}", $backend);
                }
                missing
            }

            #[test]
            fn equals_scalar_at_edges_of_k() {
                if is_missing() {
                    return;
                }
                for (index, k) in EDGES.into_iter().chain(LONG).enumerate() {
                    for m in [1, 2, 3, 4, 8, 9, 11] {
                        let case = Case::random(m, 7, k, index as u64);
                        let expected = case.outputs(Backend::Scalar, 1);
                        assert_eq!(case.outputs($backend, 1), expected, "m = {m}, k = {k}");
                    }
                }
            }

            #[test]
            fn equals_scalar_at_edges_of_m_and_n() {
                if is_missing() {
                    return;
                }
                for m in EDGES {
                    for n in EDGES {
                        let case = Case::random(m, n, 37, (m * 1000 + n) as u64);
                        let expected = case.outputs(Backend::Scalar, 1);
                        assert_eq!(case.outputs($backend, 1), expected, "m = {m}, n = {n}");
                    }
                }
            }

            #[test]
            fn equals_scalar_with_any_threads() {
                if is_missing() {
                    return;
                }
                for (m, n, k) in
                    [(1, 3001, 513), (3, 700, 1025), (64, 128, 640), (300, 7, 1031), (521, 97, 64)]
                {
                    let case = Case::random(m, n, k, 7);
                    let expected = case.outputs(Backend::Scalar, 1);
                    for threads in 1..=3 {
                        assert!(case.outputs($backend, threads) == expected, "{m} {n} {k}");
                    }
                }
            }

            #[test]
            fn equals_scalar_at_the_bounds() {
                if is_missing() {
                    return;
                }
                for case in extremes() {
                    let expected = case.outputs(Backend::Scalar, 1);
                    assert_eq!(case.outputs($backend, 1), expected, "k = {}", case.k);
                }
            }

            proptest! {
                #![proptest_config(ProptestConfig {
                    rng_seed: RngSeed::Fixed(11),
                    failure_persistence: None,
                    ..ProptestConfig::with_cases(64)
                })]

                #[test]
                fn equals_scalar_at_random(
                    (m, n) in (0_usize..40, 0_usize..80),
                    k in 0_usize..2_500,
                    threads in 1_usize..=3,
                    seed: u64,
                ) {
                    if !is_missing() {
                        let case = Case::random(m, n, k, seed);
                        let expected = case.outputs(Backend::Scalar, 1);
                        prop_assert!(case.outputs($backend, threads) == expected);
                    }
                }
            }
        }
    };
}

test_backend!(avx2, Backend::Avx2);
test_backend!(avx512, Backend::Avx512);
test_backend!(portable, Backend::Portable);

#[test]
fn validate_refuses_what_could_overflow() {
    let largest = Case::uniform(0, 2, 8_256, 0, 127, 3, 8);
    assert_eq!(largest.weight().unwrap().validate(), Ok(()));

    let row_norm = |case: &Case| match case.weight().unwrap().validate() {
        Err(KernelError::RowNorm { row, got, max: WeightMatrix::NORM_MAX }) => (row, got),
        other => panic!("{other:?}"),
    };
    assert_eq!(row_norm(&Case::uniform(0, 1, 8_257, 0, -127, 3, 8)), (0, 8_257 * 127 * 8));

    // 8,256 columns of 1,016 leave 511 below the limit of 2^23 - 1.
    let mut exact = Case::uniform(0, 2, 8_288, 0, 0, 0, 8);
    for row in 0..2 {
        exact.values[row * 8_288..][..8_256].fill(127);
        (0..258).for_each(|group| exact.set_exponent(row, group, 3));
        exact.values[row * 8_288 + 8_256..][..4].fill(-127);
        exact.values[row * 8_288 + 8_260] = 3;
    }
    assert_eq!(exact.weight().unwrap().validate(), Ok(()));
    exact.values[8_288 + 8_261] = 1;
    assert_eq!(row_norm(&exact), (1, 1 << 23));

    let mut minimum = Case::uniform(0, 3, 40, 0, 1, 0, 8);
    minimum.values[2 * 40 + 39] = -128;
    let error = KernelError::WeightRange { row: 2, column: 39 };
    assert_eq!(minimum.weight().unwrap().validate(), Err(error));

    let mut padding = Case::uniform(0, 3, 33, 0, 1, 3, 8);
    assert_eq!(padding.weight().unwrap().validate(), Ok(()));
    padding.exponents[1] |= 1 << 4;
    let error = KernelError::ExponentPadding { row: 1 };
    assert_eq!(padding.weight().unwrap().validate(), Err(error));
}

#[test]
fn parts_of_a_matrix_must_have_its_shape() {
    let new = WeightMatrix::new;
    let length = |operand, expected, got| Some(KernelError::Length { operand, expected, got });
    assert_eq!(new(1, 2, &[0], &[0], &[8]).err(), length("weight values", 2, 1));
    assert_eq!(new(1, 2, &[0; 2], &[], &[8]).err(), length("weight exponents", 1, 0));
    assert_eq!(new(1, 129, &[0; 129], &[0], &[8]).err(), length("weight exponents", 2, 1));
    assert_eq!(new(1, 2, &[0; 2], &[0], &[8, 8]).err(), length("weight shifts", 1, 2));
    for shift in [0, 32, 255] {
        let error = KernelError::Shift { row: 1, got: shift, min: 1, max: 31 };
        let shifts = [8, shift];
        let result = WeightMatrix::new(2, 1, &[0; 2], &[0; 2], &shifts);
        assert_eq!(result.err(), Some(error));
    }
    let overflow = |rows, columns| {
        Some(KernelError::ShapeOverflow { operand: "weight values", rows, columns })
    };
    assert_eq!(new(2, usize::MAX, &[], &[], &[]).err(), overflow(2, usize::MAX));
}

#[test]
fn operands_must_match() {
    let case = Case::random(2, 3, 5, 1);
    let (weight, threads) = (case.weight().unwrap(), Threads::single());
    let mut output = [-1_i32; 6];
    let mut error = |input: &[i16], length: usize| {
        let output = Destination::I32(&mut output[..length]);
        matmul(Backend::Scalar, &threads, input, &weight, output).unwrap_err()
    };
    let row_length = KernelError::RowLength { operand: "input", row: 5, got: 9 };
    assert_eq!(error(&case.input[..9], 6), row_length);
    let length = KernelError::Length { operand: "output", expected: 6, got: 5 };
    assert_eq!(error(&case.input, 5), length);
    assert_eq!(output, [-1; 6]);

    let empty = WeightMatrix::new(3, 0, &[], &[], &[8; 3]).unwrap();
    let multiply = |input: &[i16], output: &mut [i32]| {
        matmul(Backend::Scalar, &threads, input, &empty, Destination::I32(output))
    };
    let length = KernelError::Length { operand: "input", expected: 0, got: 1 };
    assert_eq!(multiply(&[0], &mut [0; 6]), Err(length));
    let row_length = KernelError::RowLength { operand: "output", row: 3, got: 5 };
    assert_eq!(multiply(&[], &mut [0; 5]), Err(row_length));
    let mut zeros = [-1; 6];
    assert_eq!(multiply(&[], &mut zeros), Ok(()));
    assert_eq!(zeros, [0; 6]);
}

#[test]
fn missing_instructions_are_an_error() {
    let weight = WeightMatrix::new(1, 1, &[1], &[0], &[8]).unwrap();
    for backend in Backend::ALL {
        let mut output = [0];
        let destination = Destination::I32(&mut output);
        let result = matmul(backend, &Threads::single(), &[256], &weight, destination);
        let expected =
            if backend.is_available() { (Ok(()), 1) } else { (backend.require().map(|_| ()), 0) };
        assert_eq!((result, output[0]), expected);
    }
}
