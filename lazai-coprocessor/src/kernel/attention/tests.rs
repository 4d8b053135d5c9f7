use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    kernel::{Backend, compress},
    numeric::{ACTIVATION_MAX, ACTIVATION_MIN},
    table,
};

/// Vectors of very different sizes, so that exponents differ.
fn vectors(count: usize, width: usize) -> impl Strategy<Value = Vec<i16>> {
    let vector = (0_u32..16, vec(ACTIVATION_MIN..=ACTIVATION_MAX, width))
        .prop_map(|(shift, vector)| vector.into_iter().map(|x| x >> shift).collect::<Vec<_>>());
    vec(vector, count).prop_map(|vectors| vectors.concat())
}

#[derive(Debug)]
struct Case {
    width: usize,
    /// Queries of a row.
    heads: usize,
    queries: Vec<i16>,
    keys: Vec<i16>,
    values: Vec<i16>,
    limits: Vec<usize>,
    score_shift: i32,
}

fn case() -> impl Strategy<Value = Case> {
    let width = prop::sample::select(vec![1_usize, 2, 7, 16, 18, 31, 32, 33, 48, 64, 80, 128, 256]);
    let positions =
        prop::sample::select(vec![1_usize, 2, 3, 4, 15, 16, 17, 33, 64, 255, 256, 257, 300]);
    let shape = (width, positions, 1_usize..4, 1_usize..8);
    shape.prop_flat_map(|(width, positions, heads, rows)| {
        (
            vectors(rows * heads, width),
            vectors(positions, width),
            vectors(positions, width),
            vec(1..=positions, rows),
            -10_i32..35,
        )
            .prop_map(move |(queries, keys, values, limits, score_shift)| Case {
                width,
                heads,
                queries,
                keys,
                values,
                limits,
                score_shift,
            })
    })
}

/// Keys or values as a cache holds them.
fn compressed(vectors: &[i16], width: usize) -> (Vec<i8>, Vec<u8>) {
    let (mut values, mut exponents) = (vec![0; vectors.len()], vec![0; vectors.len() / width]);
    compress(Backend::Scalar, vectors, width, &mut values, &mut exponents);
    (values, exponents)
}

fn rows_equal_single_queries(case: &Case) {
    let exp = table::exp();
    let (keys, key_exponents) = compressed(&case.keys, case.width);
    let (values, value_exponents) = compressed(&case.values, case.width);
    let cache = HeadCache {
        keys: &keys,
        key_exponents: &key_exponents,
        values: &values,
        value_exponents: &value_exponents,
    };
    let row = case.heads * case.width;
    let mut expected = vec![0; case.queries.len()];
    let limits = case.limits.iter().flat_map(|limit| core::iter::repeat_n(*limit, case.heads));
    let queries = case.queries.chunks(case.width).zip(expected.chunks_mut(case.width));
    for ((query, output), limit) in queries.zip(limits) {
        let (mut scores, mut sums) = (vec![0; limit], vec![0; case.width]);
        let cache = cache.first(limit, case.width);
        let (backend, shift) = (Backend::Scalar, case.score_shift);
        attend(backend, query, &cache, shift, &exp, &mut scores, &mut sums, output);
    }
    let mut scratch = AttentionScratch::default();
    for backend in Backend::available() {
        // Twice, so that what is left in the scratch would show.
        for _ in 0..2 {
            let mut got = vec![-1; expected.len()];
            let queries = case.queries.chunks(row).zip(got.chunks_mut(row)).zip(&case.limits);
            let mut rows: Vec<_> = queries
                .map(|((queries, output), positions)| AttentionRow {
                    queries,
                    output,
                    positions: *positions,
                })
                .collect();
            let shift = case.score_shift;
            attend_rows(backend, case.width, &cache, shift, &exp, &mut rows, &mut scratch);
            assert!(got == expected, "{backend} differs from single queries: {case:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_equal_single_queries_everywhere(case in case()) {
        rows_equal_single_queries(&case);
    }
}

#[test]
fn rows_equal_single_queries_at_the_bounds() {
    for width in [64, 256] {
        for positions in [1, 100, 700] {
            for (query, key, value) in [
                (ACTIVATION_MIN, ACTIVATION_MIN, ACTIVATION_MIN),
                (ACTIVATION_MIN, ACTIVATION_MAX, ACTIVATION_MAX),
                (ACTIVATION_MAX, ACTIVATION_MAX, 127),
                (ACTIVATION_MAX, 127, ACTIVATION_MIN),
            ] {
                for score_shift in [-40, 0, 9, 22, 31, 32, 40, 70] {
                    rows_equal_single_queries(&Case {
                        width,
                        heads: 2,
                        queries: vec![query; 6 * width],
                        keys: vec![key; positions * width],
                        values: vec![value; positions * width],
                        limits: vec![positions, 1, positions.div_ceil(2)],
                        score_shift,
                    });
                }
            }
        }
    }
}

/// The largest score with the largest half: together they need 33 bits.
#[test]
fn the_largest_score_is_rounded_up() {
    for (query, key, score_shift) in [
        (ACTIVATION_MIN, ACTIVATION_MIN + 1, 38..=41),
        (ACTIVATION_MIN, -128, 30..=33),
        (ACTIVATION_MIN, 127, 30..=33),
    ] {
        for score_shift in score_shift {
            for rows in [1, 5, 20] {
                rows_equal_single_queries(&Case {
                    width: 256,
                    heads: 1,
                    queries: vec![query; rows * 256],
                    keys: [vec![key; 256], vec![0; 256]].concat(),
                    values: [vec![32_512; 256], vec![ACTIVATION_MIN; 256]].concat(),
                    limits: vec![2; rows],
                    score_shift,
                });
            }
        }
    }
}

#[test]
fn rows_may_be_many() {
    // More queries than are computed at once, and every row with its own positions.
    let (width, heads, rows) = (32, 3, 90);
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16 >> (state % 9)
    };
    let mut vectors = |count: usize| (0..count * width).map(|_| next()).collect::<Vec<_>>();
    rows_equal_single_queries(&Case {
        width,
        heads,
        queries: vectors(rows * heads),
        keys: vectors(rows),
        values: vectors(rows),
        limits: (1..=rows).collect(),
        score_shift: 12,
    });
}
