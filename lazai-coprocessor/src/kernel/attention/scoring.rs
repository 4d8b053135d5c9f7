//! Scores by 512-bit vectors, 16 keys at a time.

use core::{
    arch::x86_64::{
        __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_loadu_si256, _mm512_add_epi32,
        _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_cmple_epi32_mask,
        _mm512_cmpneq_epi32_mask, _mm512_cvtepi8_epi16, _mm512_cvtepu8_epi32, _mm512_dpwssd_epi32,
        _mm512_loadu_si512, _mm512_mask_blend_epi32, _mm512_maskz_mov_epi32, _mm512_max_epi32,
        _mm512_min_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_sllv_epi32,
        _mm512_srai_epi32, _mm512_srav_epi32, _mm512_storeu_si512, _mm512_sub_epi32,
        _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
        _mm512_xor_si512,
    },
    iter,
};

use crate::kernel::transpose::transpose;

/// A group of columns of 16 keys: of the four vectors of a step, the first has keys 0, 4, 8 and 12
/// in its quarters.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Keys([[Line; LINES]; STEPS]);

type Line = [i16; GROUP];

/// How the scores of 16 positions are brought to their scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shifts {
    left: __m512i,
    right: __m512i,
    /// One bit less than to the right, which leaves the bit that rounds; 0 for no shift.
    rounding: __m512i,
    /// 1, and 0 for no shift to the right.
    one: __m512i,
    /// Positions whose scores are not all shifted out.
    kept: u16,
}

impl Shifts {
    /// Computes the shifts from the shift of exponent 0 and the exponents of up to 16 keys.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn new(shift: i32, exponents: &[u8]) -> Self {
        let mut bytes = [0; KEYS];
        bytes[..exponents.len()].copy_from_slice(exponents);
        // SAFETY: the 16 bytes that are read are those of the array.
        let exponents = _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) });
        let (zero, most) = (_mm512_setzero_si512(), _mm512_set1_epi32(31));
        let shifts = _mm512_sub_epi32(_mm512_set1_epi32(shift), exponents);
        let right = _mm512_max_epi32(zero, _mm512_min_epi32(shifts, most));
        let one = _mm512_min_epi32(right, _mm512_set1_epi32(1));
        Self {
            left: _mm512_max_epi32(zero, _mm512_sub_epi32(zero, shifts)),
            right,
            rounding: _mm512_sub_epi32(right, one),
            one,
            kept: _mm512_cmple_epi32_mask(shifts, most),
        }
    }

    /// Shifts scores, rounded half up, saturated.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn apply(&self, scores: __m512i) -> __m512i {
        // A score of 2^30 and half of 2^31 would not fit 32 bits together.
        let bit = _mm512_and_si512(_mm512_srav_epi32(scores, self.rounding), self.one);
        let scores = _mm512_add_epi32(_mm512_srav_epi32(scores, self.right), bit);
        let shifted = _mm512_sllv_epi32(scores, self.left);
        let lost = _mm512_cmpneq_epi32_mask(_mm512_srav_epi32(shifted, self.left), scores);
        let limit = _mm512_xor_si512(_mm512_srai_epi32::<31>(scores), _mm512_set1_epi32(i32::MAX));
        _mm512_maskz_mov_epi32(self.kept, _mm512_mask_blend_epi32(lost, shifted, limit))
    }
}

/// Returns 16 keys of a width that is a multiple of [`GROUP`]: those that are given, or a copy
/// filled up with zeros.
pub(super) fn padded_keys<'a>(
    keys: &'a [i8],
    width: usize,
    padded_width: usize,
    buffer: &'a mut [i8; KEYS * HEAD_WIDTH_MAX],
) -> &'a [i8] {
    if width == padded_width && keys.len() == KEYS * width {
        return keys;
    }
    let buffer = &mut buffer[..KEYS * padded_width];
    buffer.fill(0);
    for (key, padded) in iter::zip(keys.chunks_exact(width), buffer.chunks_exact_mut(padded_width))
    {
        padded[..width].copy_from_slice(key);
    }
    buffer
}

/// Brings 16 keys into the order of [`Keys`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn expand(keys: &[i8], expanded: &mut [Keys]) {
    let groups = expanded.len();
    let (keys, _) = keys.as_chunks::<GROUP>();
    for (group, expanded) in expanded.iter_mut().enumerate() {
        for line in 0..LINES {
            let key = |quarter: usize| &keys[(LINES * quarter + line) * groups + group];
            let quarters = [extend(key(0)), extend(key(1)), extend(key(2)), extend(key(3))];
            for (step, vector) in iter::zip(&mut expanded.0, transpose(quarters)) {
                // SAFETY: the 64 bytes that are written are those of the array.
                unsafe { _mm512_storeu_si512(step[line].as_mut_ptr().cast(), vector) };
            }
        }
    }
}

/// Writes the scores of `M` queries with 16 expanded keys, rows of scores `stride` apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn tile<const M: usize>(
    queries: &[i16],
    keys: &[Keys],
    shifts: &Shifts,
    scores: &mut [i32],
    stride: usize,
) {
    let x = rows::<M>(queries, keys.len());
    let mut lanes = [[_mm512_setzero_si512(); LINES]; M];
    for (group, keys) in keys.iter().enumerate() {
        for (step, lines) in keys.0.iter().enumerate() {
            for (x, lanes) in iter::zip(x, &mut lanes) {
                let x = broadcast(&x[group].as_chunks().0[step]);
                for (line, lanes) in iter::zip(lines, lanes) {
                    *lanes = _mm512_dpwssd_epi32(*lanes, x, load(line));
                }
            }
        }
    }
    for (row, lanes) in lanes.into_iter().enumerate() {
        if let Some(scores) = scores[row * stride..].first_chunk_mut() {
            store(scores, shifts.apply(sums_of_quarters(lanes)));
        }
    }
}

/// As [`tile`], with 16 keys as they are stored: for few queries, and for keys that come from
/// memory.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn stream<const M: usize>(
    queries: &[i16],
    keys: &[i8],
    shifts: &Shifts,
    scores: &mut [i32],
    stride: usize,
) {
    let groups = keys.len() / (KEYS * GROUP);
    let x = rows::<M>(queries, groups);
    let (keys, _) = keys.as_chunks::<GROUP>();
    let mut parts = [[_mm512_setzero_si512(); 4]; M];
    for (quad, keys) in keys.chunks_exact(4 * groups).enumerate() {
        fetch(keys);
        let mut lanes = [[_mm512_setzero_si512(); 4]; M];
        for group in 0..groups {
            for key in 0..4 {
                let values = extend(&keys[key * groups + group]);
                for (x, lanes) in iter::zip(x, &mut lanes) {
                    lanes[key] = _mm512_dpwssd_epi32(lanes[key], load(&x[group]), values);
                }
            }
        }
        for (parts, lanes) in iter::zip(&mut parts, lanes) {
            parts[quad] = sums_of_quarters(lanes);
        }
    }
    for (row, parts) in parts.into_iter().enumerate() {
        if let Some(scores) = scores[row * stride..].first_chunk_mut() {
            let [a, b, c, d] = transpose(parts);
            let sums = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
            store(scores, shifts.apply(sums));
        }
    }
}

/// The groups of each query.
#[inline]
fn rows<const M: usize>(queries: &[i16], groups: usize) -> [&[Line]; M] {
    let mut rows: [&[Line]; M] = [&[]; M];
    for (row, groups_of_row) in rows.iter_mut().enumerate() {
        *groups_of_row = &queries[row * groups * GROUP..].as_chunks().0[..groups];
    }
    rows
}

/// The sums of the lanes of each quarter of four vectors; quarter `i` of vector `v` goes to lane
/// `4 i + v`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums_of_quarters([a, b, c, d]: [__m512i; LINES]) -> __m512i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
}

/// A group of 8-bit integers as 16-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn extend(values: &[i8; GROUP]) -> __m512i {
    // SAFETY: the 32 bytes that are read are those of the array.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(values.as_ptr().cast()) })
}

/// Eight columns in every quarter.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn broadcast(values: &[i16; 8]) -> __m512i {
    // SAFETY: the 16 bytes that are read are those of the array.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Asks for the keys that come some way behind these; where there are none, it is no harm.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn fetch(keys: &[[i8; GROUP]]) {
    let ahead = keys.as_ptr().wrapping_add(FETCH_AHEAD / GROUP);
    for pair in 0..keys.len() / 2 {
        _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(2 * pair).cast());
    }
}

/// A vector from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load(values: &Line) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of the array.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// A vector to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store(values: &mut [i32; KEYS], vector: __m512i) {
    // SAFETY: the 64 bytes that are written are those of the array.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
}

/// Keys that are multiplied at a time, and 32-bit lanes of a vector.
pub(super) const KEYS: usize = 16;

/// Queries that are multiplied at a time.
pub(super) const QUERIES: usize = 4;

/// Columns of a vector of keys.
pub(super) const GROUP: usize = 32;

pub(super) const HEAD_WIDTH_MAX: usize = 256;

/// Vectors that are multiplied with the same part of a query.
const LINES: usize = 4;

/// Parts of a group, one for each quarter of a vector.
const STEPS: usize = 4;

/// How far ahead of their use keys are fetched, in bytes.
const FETCH_AHEAD: usize = 2048;
