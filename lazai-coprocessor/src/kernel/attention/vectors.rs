//! The innermost loops of attention by 512-bit vectors.

use core::{
    arch::x86_64::{
        __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm_unpackhi_epi8, _mm_unpackhi_epi16,
        _mm_unpacklo_epi8, _mm_unpacklo_epi16, _mm256_loadu_si256, _mm512_add_epi32,
        _mm512_add_epi64, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_castsi512_si256,
        _mm512_cmpneq_epi32_mask, _mm512_cvtepi8_epi16, _mm512_cvtepi32_epi8,
        _mm512_cvtepi32_epi64, _mm512_cvtepu8_epi32, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32,
        _mm512_extracti64x4_epi64, _mm512_i32gather_epi32, _mm512_loadu_si512,
        _mm512_mask_blend_epi32, _mm512_mask_max_epi32, _mm512_maskz_mov_epi32, _mm512_min_epu32,
        _mm512_or_si512, _mm512_reduce_add_epi32, _mm512_reduce_max_epi32, _mm512_set1_epi32,
        _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_sllv_epi32,
        _mm512_srai_epi32, _mm512_srav_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
        _mm512_sub_epi32, _mm512_test_epi32_mask, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
        _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
    },
    iter,
};

/// A group of columns of 16 keys: of the four vectors of a step, the first has keys 0, 4, 8 and 12 in its quarters.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Keys([[Line; LINES]; STEPS]);

/// Four positions of 16 columns of values, the positions of a column together.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Values([i8; 64]);

impl Default for Values {
    fn default() -> Self {
        Self([0; 64])
    }
}

type Line = [i16; GROUP];

/// How the scores of 16 positions are brought to their scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shifts {
    left: __m512i,
    right: __m512i,
    /// Half of what is shifted out to the right.
    half: __m512i,
    /// Positions whose scores are not all shifted out.
    kept: u16,
}

impl Shifts {
    /// From the shift of exponent 0 and the exponents of up to 16 keys.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn new(shift: i32, exponents: &[u8]) -> Self {
        let (mut left, mut right, mut half) = ([0; KEYS], [0; KEYS], [0; KEYS]);
        let mut kept = 0;
        for (position, exponent) in exponents.iter().enumerate() {
            let shift = shift - i32::from(*exponent);
            left[position] = (-shift).max(0);
            right[position] = shift.clamp(0, 31);
            half[position] = if shift > 0 { 1 << (right[position] - 1) } else { 0 };
            kept |= u16::from(shift < 32) << position;
        }
        Self { left: load(&left), right: load(&right), half: load(&half), kept }
    }

    /// Shifts scores, rounded half up, saturated.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn apply(&self, scores: __m512i) -> __m512i {
        let scores = _mm512_srav_epi32(_mm512_add_epi32(scores, self.half), self.right);
        let shifted = _mm512_sllv_epi32(scores, self.left);
        let lost = _mm512_cmpneq_epi32_mask(_mm512_srav_epi32(shifted, self.left), scores);
        let limit = _mm512_xor_si512(_mm512_srai_epi32::<31>(scores), _mm512_set1_epi32(i32::MAX));
        _mm512_maskz_mov_epi32(self.kept, _mm512_mask_blend_epi32(lost, shifted, limit))
    }
}

/// Brings up to 16 keys into the order of [`Keys`], zeros where there are fewer.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn expand_keys(keys: &[i8], head_width: usize, expanded: &mut [Keys]) {
    for line in 0..LINES {
        let row = |quarter: usize| {
            let start = (LINES * quarter + line) * head_width;
            keys.get(start..start + head_width).unwrap_or(&[])
        };
        let rows = [row(0), row(1), row(2), row(3)];
        for (group, expanded) in expanded.iter_mut().enumerate() {
            let mut quarters = [_mm512_setzero_si512(); 4];
            for (row, quarter) in iter::zip(rows, &mut quarters) {
                *quarter = match row.get(group * GROUP..) {
                    None | Some([]) => _mm512_setzero_si512(),
                    Some(values) => match values.first_chunk() {
                        Some(values) => extend(values),
                        None => extend(&padded(values)),
                    },
                };
            }
            for (step, vector) in iter::zip(&mut expanded.0, transpose(quarters)) {
                // SAFETY: the 64 bytes that are written are those of the array.
                unsafe { _mm512_storeu_si512(step[line].as_mut_ptr().cast(), vector) };
            }
        }
    }
}

/// Writes the scores of `M` queries with 16 keys, rows of scores `stride` apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn scores<const M: usize>(
    queries: &[i16],
    keys: &[Keys],
    shifts: &Shifts,
    scores: &mut [i32],
    stride: usize,
) {
    let mut x: [&[Line]; M] = [&[]; M];
    for (row, x) in x.iter_mut().enumerate() {
        *x = &queries[row * keys.len() * GROUP..].as_chunks().0[..keys.len()];
    }
    let mut lanes = [[_mm512_setzero_si512(); LINES]; M];
    for (group, keys) in keys.iter().enumerate() {
        for (step, lines) in keys.0.iter().enumerate() {
            for (x, lanes) in iter::zip(x, &mut lanes) {
                let x = broadcast(&x[group].as_chunks().0[step]);
                for (line, lanes) in iter::zip(lines, lanes) {
                    // SAFETY: the 64 bytes that are read are those of the array.
                    let line = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
                    *lanes = _mm512_dpwssd_epi32(*lanes, x, line);
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

/// Writes the bytes of the weights of one query, zeros beyond its scores up to a whole vector; and returns the sum of
/// the weights without exponents, and whether any has a high byte.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn weights(
    scores: &[i32],
    exponents: &[u8],
    exp: &[u16; 1 << 16],
    weights: &mut [u8],
) -> (u64, bool) {
    let last = _mm512_set1_epi32(i32::from(exp[usize::from(u16::MAX)]));
    let best = _mm512_set1_epi32(best(scores));
    let (low, rest) = weights.split_at_mut(exponents.len());
    let (middle, high) = rest.split_at_mut(exponents.len());
    let mut bytes = iter::zip(
        low.as_chunks_mut::<KEYS>().0,
        iter::zip(middle.as_chunks_mut::<KEYS>().0, high.as_chunks_mut::<KEYS>().0),
    );
    let (mut sums, mut all) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    let mut total = 0_u64;
    let chunks = iter::zip(scores.chunks(KEYS), exponents.as_chunks::<KEYS>().0);
    for (index, (scores, exponents)) in chunks.enumerate() {
        let distance = _mm512_sub_epi32(best, load_some(scores));
        let distance = _mm512_min_epu32(distance, _mm512_set1_epi32(i32::from(u16::MAX)));
        let inner = _mm512_min_epu32(distance, _mm512_set1_epi32(i32::from(u16::MAX) - 1));
        // SAFETY: 4 bytes are read from each entry on, and the index is at most that of the last but one.
        let entries = unsafe { _mm512_i32gather_epi32::<2>(inner, exp.as_ptr().cast()) };
        let entries = _mm512_and_si512(entries, _mm512_set1_epi32(i32::from(u16::MAX)));
        let is_last = _mm512_cmpneq_epi32_mask(distance, inner);
        let entries = _mm512_mask_blend_epi32(is_last, entries, last);
        let entries = _mm512_maskz_mov_epi32(mask(scores.len()), entries);
        sums = _mm512_add_epi32(sums, entries);
        let weights = _mm512_sllv_epi32(entries, extend_to_i32(exponents));
        all = _mm512_or_si512(all, weights);
        if let Some((low, (middle, high))) = bytes.next() {
            store_bytes(low, weights);
            store_bytes(middle, _mm512_srli_epi32::<8>(weights));
            store_bytes(high, _mm512_srli_epi32::<16>(weights));
        }
        // Lanes of at most 2^16 are summed, and the sum of all lanes fits as well.
        if index % SUMS == SUMS - 1 {
            total += u64::from(_mm512_reduce_add_epi32(sums).cast_unsigned());
            sums = _mm512_setzero_si512();
        }
    }
    total += u64::from(_mm512_reduce_add_epi32(sums).cast_unsigned());
    (total, _mm512_test_epi32_mask(all, _mm512_set1_epi32(0xff_0000)) != 0)
}

/// Adds the products of the weights of one query with `J` times 16 columns of values.
///
/// Shapes: `weights` is one byte of each position, the third empty if it is 0; `values` is `[positions / QUAD, columns]`,
/// of which those from `first` on are used; `sums` has at least `16 J` elements.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn mix<const J: usize>(
    weights: [&[u8]; 3],
    values: &[Values],
    columns: usize,
    first: usize,
    sums: &mut [i64],
) {
    let zero = _mm512_setzero_si512();
    let [low, middle, high] = weights.map(|bytes| bytes.as_chunks::<QUAD>().0);
    let mut lanes = [[zero; J]; 3];
    let quads = values.chunks_exact(columns);
    for ((low, middle), values) in iter::zip(iter::zip(low, middle), quads.clone()) {
        let low = _mm512_set1_epi32(i32::from_le_bytes(*low));
        let middle = _mm512_set1_epi32(i32::from_le_bytes(*middle));
        for (j, values) in values[first..][..J].iter().enumerate() {
            let values = load_values(values);
            lanes[0][j] = _mm512_dpbusd_epi32(lanes[0][j], low, values);
            lanes[1][j] = _mm512_dpbusd_epi32(lanes[1][j], middle, values);
        }
    }
    for (high, values) in iter::zip(high, quads) {
        // Few weights are so large.
        if *high != [0; QUAD] {
            let high = _mm512_set1_epi32(i32::from_le_bytes(*high));
            for (j, values) in values[first..][..J].iter().enumerate() {
                lanes[2][j] = _mm512_dpbusd_epi32(lanes[2][j], high, load_values(values));
            }
        }
    }
    let (sums, _) = sums.as_chunks_mut::<COLUMNS>();
    for (j, sums) in sums[..J].iter_mut().enumerate() {
        let (halves, _) = sums.as_chunks_mut::<8>();
        let [low, middle, high] =
            [halves_of(lanes[0][j]), halves_of(lanes[1][j]), halves_of(lanes[2][j])];
        for (half, sums) in halves.iter_mut().enumerate() {
            let sum = _mm512_add_epi64(_mm512_slli_epi64::<8>(high[half]), middle[half]);
            let sum = _mm512_add_epi64(_mm512_slli_epi64::<8>(sum), low[half]);
            // SAFETY: the 64 bytes that are read are those of the array.
            let old = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
            // SAFETY: as above, written.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), _mm512_add_epi64(old, sum)) };
        }
    }
}

/// Brings values into the order of [`Values`], `[positions.div_ceil(QUAD), columns]`, zeros where there are none.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn interleave_values(
    values: &[i8],
    head_width: usize,
    columns: usize,
    interleaved: &mut [Values],
) {
    let quads = interleaved.chunks_exact_mut(columns);
    for (values, interleaved) in iter::zip(values.chunks(QUAD * head_width), quads) {
        let mut rows: [&[i8]; QUAD] = [&[]; QUAD];
        for (row, values) in iter::zip(&mut rows, values.chunks_exact(head_width)) {
            *row = values;
        }
        for (column, interleaved) in interleaved.iter_mut().enumerate() {
            let mut vectors = [[0; COLUMNS]; QUAD];
            for (row, vector) in iter::zip(rows, &mut vectors) {
                let values = row.get(column * COLUMNS..).unwrap_or(&[]);
                *vector = match values.first_chunk() {
                    Some(values) => *values,
                    None => padded(values),
                };
            }
            // SAFETY: the 16 bytes that are read are those of each array.
            let [a, b, c, d] =
                vectors.map(|vector| unsafe { _mm_loadu_si128(vector.as_ptr().cast()) });
            let (ab, cd) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
            let (ab_high, cd_high) = (_mm_unpackhi_epi8(a, b), _mm_unpackhi_epi8(c, d));
            let parts = [
                _mm_unpacklo_epi16(ab, cd),
                _mm_unpackhi_epi16(ab, cd),
                _mm_unpacklo_epi16(ab_high, cd_high),
                _mm_unpackhi_epi16(ab_high, cd_high),
            ];
            for (bytes, part) in iter::zip(interleaved.0.as_chunks_mut::<16>().0, parts) {
                // SAFETY: the 16 bytes that are written are those of the array.
                unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), part) };
            }
        }
    }
}

/// The largest score.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn best(scores: &[i32]) -> i32 {
    let mut best = _mm512_set1_epi32(i32::MIN);
    for scores in scores.chunks(KEYS) {
        best = _mm512_mask_max_epi32(best, mask(scores.len()), best, load_some(scores));
    }
    _mm512_reduce_max_epi32(best)
}

/// The sums of the lanes of each quarter of four vectors; quarter `i` of vector `v` goes to lane `4 i + v`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums_of_quarters([a, b, c, d]: [__m512i; LINES]) -> __m512i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
}

/// The quarters of four vectors, transposed.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn transpose([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let ab_low = _mm512_shuffle_i64x2::<0b01_00_01_00>(a, b);
    let ab_high = _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b);
    let cd_low = _mm512_shuffle_i64x2::<0b01_00_01_00>(c, d);
    let cd_high = _mm512_shuffle_i64x2::<0b11_10_11_10>(c, d);
    [
        _mm512_shuffle_i64x2::<0b10_00_10_00>(ab_low, cd_low),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(ab_low, cd_low),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(ab_high, cd_high),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(ab_high, cd_high),
    ]
}

/// The start of an array whose rest is zero.
fn padded<const N: usize>(values: &[i8]) -> [i8; N] {
    let mut array = [0; N];
    array[..values.len()].copy_from_slice(values);
    array
}

/// The lanes below a number.
const fn mask(lanes: usize) -> u16 {
    if lanes >= KEYS { u16::MAX } else { (1 << lanes) - 1 }
}

/// A group of 8-bit integers as 16-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn extend(values: &[i8; GROUP]) -> __m512i {
    // SAFETY: the 32 bytes that are read are those of the array.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(values.as_ptr().cast()) })
}

/// 16 unsigned bytes as 32-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn extend_to_i32(values: &[u8; KEYS]) -> __m512i {
    // SAFETY: the 16 bytes that are read are those of the array.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Eight columns in every quarter.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn broadcast(values: &[i16; 8]) -> __m512i {
    // SAFETY: the 16 bytes that are read are those of the array.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Both halves of the lanes as 64-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn halves_of(lanes: __m512i) -> [__m512i; 2] {
    [
        _mm512_cvtepi32_epi64(_mm512_castsi512_si256(lanes)),
        _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(lanes)),
    ]
}

/// A vector from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load(values: &[i32; KEYS]) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of the array.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// Up to 16 integers from memory, then zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_some(values: &[i32]) -> __m512i {
    if let Some(values) = values.first_chunk() {
        return load(values);
    }
    let mut array = [0; KEYS];
    array[..values.len()].copy_from_slice(values);
    load(&array)
}

/// Four positions of 16 columns from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_values(values: &Values) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of the array.
    unsafe { _mm512_loadu_si512(values.0.as_ptr().cast()) }
}

/// A vector to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store(values: &mut [i32; KEYS], vector: __m512i) {
    // SAFETY: the 64 bytes that are written are those of the array.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
}

/// The low bytes of the lanes to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store_bytes(bytes: &mut [u8; KEYS], vector: __m512i) {
    // SAFETY: the 16 bytes that are written are those of the array.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(vector)) }
}

/// Keys that are multiplied at a time, and 32-bit lanes of a vector.
pub(super) const KEYS: usize = 16;

/// Queries that are multiplied at a time.
pub(super) const QUERIES: usize = 4;

/// Columns of a vector of keys.
pub(super) const GROUP: usize = 32;

/// Columns of a vector of values.
pub(super) const COLUMNS: usize = 16;

/// Vectors of values that are mixed at a time.
pub(super) const COLUMN_LINES: usize = 4;

/// Positions of a vector of values.
pub(super) const QUAD: usize = 4;

/// Vectors that are multiplied with the same part of a query.
const LINES: usize = 4;

/// Parts of a group, one for each quarter of a vector.
const STEPS: usize = 4;

/// Vectors of table entries whose sum fits into 32 bits.
const SUMS: usize = 4_096;
