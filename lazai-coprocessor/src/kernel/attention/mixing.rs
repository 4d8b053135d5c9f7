//! Weights and weighted sums by 512-bit vectors.

use core::{
    arch::x86_64::{
        __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256, _mm256_storeu_si256,
        _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
        _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_castsi512_si256,
        _mm512_cmpneq_epi32_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi32_epi64,
        _mm512_cvtepu8_epi32, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64,
        _mm512_i32gather_epi32, _mm512_loadu_si512, _mm512_mask_blend_epi32, _mm512_mask_max_epi32,
        _mm512_maskz_mov_epi32, _mm512_min_epu32, _mm512_or_si512, _mm512_reduce_add_epi32,
        _mm512_reduce_max_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_i64x2,
        _mm512_slli_epi64, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
        _mm512_sub_epi32, _mm512_test_epi32_mask, _mm512_unpackhi_epi8, _mm512_unpackhi_epi16,
        _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
    },
    iter,
};

use super::scoring::KEYS;
use crate::kernel::transpose::transpose;

/// Four positions of 16 columns of values, the positions of a column together.
///
/// Of 64 columns, the first line has columns 0 to 3, 16 to 19, 32 to 35 and 48 to 51, and so on; of
/// the last 32 columns if they are no 64, the first line has columns 0 to 3, 16 to 19, 4 to 7, 20
/// to 23.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Values([i8; 64]);

impl Default for Values {
    fn default() -> Self {
        Self([0; 64])
    }
}

/// Writes the bytes of the weights of one query, zeros beyond its scores up to a whole vector; and
/// returns the sum of the weights without exponents, and whether any has a high byte.
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
        // SAFETY: 4 bytes are read from each entry on, and the index is at most that of the last
        // but one.
        let entries = unsafe { _mm512_i32gather_epi32::<2>(inner, exp.as_ptr().cast()) };
        let entries = _mm512_and_si512(entries, _mm512_set1_epi32(i32::from(u16::MAX)));
        let is_last = _mm512_cmpneq_epi32_mask(distance, inner);
        let entries = _mm512_mask_blend_epi32(is_last, entries, last);
        let entries = _mm512_maskz_mov_epi32(mask(scores.len()), entries);
        sums = _mm512_add_epi32(sums, entries);
        let weights = _mm512_sllv_epi32(entries, extend(exponents));
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

/// Brings values into the order of [`Values`],
/// `[positions.div_ceil(QUAD), padded_width / COLUMNS]`, zeros where there are none; `padded_width`
/// is a multiple of 32.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn interleave(
    values: &[i8],
    width: usize,
    padded_width: usize,
    interleaved: &mut [Values],
) {
    let mut buffer = [0; QUAD * super::scoring::HEAD_WIDTH_MAX];
    let quads = interleaved.chunks_exact_mut(padded_width / COLUMNS);
    for (values, interleaved) in iter::zip(values.chunks(QUAD * width), quads) {
        let mut rows = values;
        if width != padded_width || values.len() != QUAD * width {
            let buffer = &mut buffer[..QUAD * padded_width];
            buffer.fill(0);
            let padded = buffer.chunks_exact_mut(padded_width);
            iter::zip(values.chunks_exact(width), padded)
                .for_each(|(row, padded)| padded[..width].copy_from_slice(row));
            rows = buffer;
        }
        let (units, last) = interleaved.as_chunks_mut::<4>();
        for (unit, lines) in units.iter_mut().enumerate() {
            interleave_64(|row| part(&rows[row * padded_width..], 64 * unit), lines);
        }
        if let [first, second] = last {
            let start = padded_width - 32;
            interleave_32(|row| part(&rows[row * padded_width..], start), [first, second]);
        }
    }
}

/// Adds the products of the weights of one query with values.
///
/// Shapes: `weights` is one byte of each position, the third empty if it is 0; `values` is
/// `[positions / QUAD, lines]`; `sums` is `[COLUMNS * lines]`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn mix(weights: [&[u8]; 3], values: &[Values], lines: usize, sums: &mut [i64]) {
    let (sums, _) = sums.as_chunks_mut::<COLUMNS>();
    for (unit, sums) in sums.chunks_mut(4).enumerate() {
        let first = 4 * unit;
        if sums.len() == 4 {
            let [low, middle, high] = products(weights, values, lines, first);
            add(sums, [transpose(low), transpose(middle), transpose(high)]);
        } else {
            let [low, middle, high] = products(weights, values, lines, first);
            add(sums, [natural(low), natural(middle), natural(high)]);
        }
    }
}

/// The sums of the products of each byte of the weights with `J` lines of values from `first` on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn products<const J: usize>(
    weights: [&[u8]; 3],
    values: &[Values],
    lines: usize,
    first: usize,
) -> [[__m512i; J]; 3] {
    let [low, middle, high] = weights.map(|bytes| bytes.as_chunks::<QUAD>().0);
    let mut lanes = [[_mm512_setzero_si512(); J]; 3];
    let quads = values.chunks_exact(lines);
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
    lanes
}

/// The columns of two lines of values in their order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn natural([a, b]: [__m512i; 2]) -> [__m512i; 2] {
    // The first line has columns 0, 16, 4 and 20 in front of its quarters, the second 8, 24, 12 and
    // 28.
    [_mm512_shuffle_i64x2::<0b10_00_10_00>(a, b), _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b)]
}

/// Adds the sums of the three bytes of the weights.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add<const J: usize>(sums: &mut [[i64; COLUMNS]], parts: [[__m512i; J]; 3]) {
    for (j, sums) in sums.iter_mut().enumerate() {
        let [low, middle, high] = [halves(parts[0][j]), halves(parts[1][j]), halves(parts[2][j])];
        for (half, sums) in sums.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let sum = _mm512_add_epi64(_mm512_slli_epi64::<8>(high[half]), middle[half]);
            let sum = _mm512_add_epi64(_mm512_slli_epi64::<8>(sum), low[half]);
            // SAFETY: the 64 bytes that are read are those of the array.
            let old = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
            // SAFETY: as above, written.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), _mm512_add_epi64(old, sum)) };
        }
    }
}

/// Interleaves 64 columns of four rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn interleave_64<'a>(row: impl Fn(usize) -> &'a [i8; 64], lines: &mut [Values; 4]) {
    // SAFETY: the 64 bytes that are read are those of the array.
    let load = |index| unsafe { _mm512_loadu_si512(row(index).as_ptr().cast()) };
    let [a, b, c, d] = [load(0), load(1), load(2), load(3)];
    let (ab, cd) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
    let (ab_high, cd_high) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
    let parts = [
        _mm512_unpacklo_epi16(ab, cd),
        _mm512_unpackhi_epi16(ab, cd),
        _mm512_unpacklo_epi16(ab_high, cd_high),
        _mm512_unpackhi_epi16(ab_high, cd_high),
    ];
    for (line, part) in iter::zip(lines, parts) {
        // SAFETY: the 64 bytes that are written are those of the array.
        unsafe { _mm512_storeu_si512(line.0.as_mut_ptr().cast(), part) };
    }
}

/// Interleaves 32 columns of four rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn interleave_32<'a>(row: impl Fn(usize) -> &'a [i8; 32], lines: [&mut Values; 2]) {
    // SAFETY: the 32 bytes that are read are those of the array.
    let load = |index| unsafe { _mm256_loadu_si256(row(index).as_ptr().cast()) };
    let [a, b, c, d] = [load(0), load(1), load(2), load(3)];
    let (ab, cd) = (_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d));
    let (ab_high, cd_high) = (_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d));
    let parts = [
        [_mm256_unpacklo_epi16(ab, cd), _mm256_unpackhi_epi16(ab, cd)],
        [_mm256_unpacklo_epi16(ab_high, cd_high), _mm256_unpackhi_epi16(ab_high, cd_high)],
    ];
    for (line, parts) in iter::zip(lines, parts) {
        for (half, part) in iter::zip(line.0.as_chunks_mut::<32>().0, parts) {
            // SAFETY: the 32 bytes that are written are those of the array.
            unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), part) };
        }
    }
}

/// Some columns of a row.
#[inline]
fn part<const N: usize>(row: &[i8], start: usize) -> &[i8; N] {
    row[start..].first_chunk().unwrap_or(&[0; N])
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

/// The lanes below a number.
const fn mask(lanes: usize) -> u16 {
    if lanes >= KEYS { u16::MAX } else { (1 << lanes) - 1 }
}

/// 16 unsigned bytes as 32-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn extend(values: &[u8; KEYS]) -> __m512i {
    // SAFETY: the 16 bytes that are read are those of the array.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Both halves of the lanes as 64-bit integers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn halves(lanes: __m512i) -> [__m512i; 2] {
    [
        _mm512_cvtepi32_epi64(_mm512_castsi512_si256(lanes)),
        _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(lanes)),
    ]
}

/// Up to 16 integers from memory, then zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_some(values: &[i32]) -> __m512i {
    let mut array = [0; KEYS];
    let values = values.first_chunk().unwrap_or_else(|| {
        array[..values.len()].copy_from_slice(values);
        &array
    });
    // SAFETY: the 64 bytes that are read are those of the array.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// Four positions of 16 columns from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_values(values: &Values) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of the array.
    unsafe { _mm512_loadu_si512(values.0.as_ptr().cast()) }
}

/// The low bytes of the lanes to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store_bytes(bytes: &mut [u8; KEYS], vector: __m512i) {
    // SAFETY: the 16 bytes that are written are those of the array.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(vector)) }
}

/// Columns of a line of values.
pub(super) const COLUMNS: usize = 16;

/// Positions of a line of values.
pub(super) const QUAD: usize = 4;

/// Vectors of table entries whose sum fits into 32 bits.
const SUMS: usize = 4_096;
