//! 512-bit vectors: `vpdpwssd` multiplies 32 pairs of i16 and adds them to 16 lanes of i32.

use core::{
    arch::x86_64::{
        __m512i, _mm_cvtsi32_si128, _mm256_loadu_si256, _mm512_add_epi64, _mm512_cvtepi8_epi16,
        _mm512_dpwssd_epi32, _mm512_loadu_si512, _mm512_mul_epi32, _mm512_set1_epi64,
        _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_sll_epi16, _mm512_srai_epi64,
        _mm512_storeu_si512, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    },
    iter,
    ops::Range,
};

use super::{
    Backend, WeightMatrix,
    blocked::{Kernel, Line, N_BLOCK, Panel, TILE, padded},
    destination::Tile,
    weight::group_exponent,
};

/// Proof that this processor has AVX-512 F, BW and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The proof, if it is true.
    pub(super) fn detect() -> Option<Self> {
        Backend::Avx512.is_available().then_some(Self(()))
    }
}

impl Kernel for Avx512 {
    const K_BLOCK: usize = 1024;

    fn expand(self, values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { expand(values, exponents, expanded) }
    }

    fn panel(self, input: Panel<'_>, expanded: &[Line], sums: &mut [i64]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe {
            match input.rows {
                1 => panel::<1>(input, expanded, sums),
                2 => panel::<2>(input, expanded, sums),
                3 => panel::<3>(input, expanded, sums),
                _ => panel::<TILE>(input, expanded, sums),
            }
        }
    }

    fn dots(self, input: &[i16], weight: &WeightMatrix<'_>, rows: Range<usize>, sums: &mut [i64]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe {
            match input.len() / weight.columns() {
                1 => dots::<1>(input, weight, rows, sums),
                2 => dots::<2>(input, weight, rows, sums),
                _ => dots::<3>(input, weight, rows, sums),
            }
        }
    }

    fn finish(self, tile: &mut Tile<'_>, row: usize, column: usize, sums: &[i64], shifts: &[u8]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { finish(tile, row, column, sums, shifts) }
    }
}

/// See [`Kernel::expand`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn expand(values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
    let (groups, rest) = values.as_chunks();
    let last = padded(rest);
    let groups = groups.iter().chain((!rest.is_empty()).then_some(&last));
    for (group, (values, line)) in iter::zip(groups, expanded).enumerate() {
        store(&mut line.0, effective(values, group_exponent(exponents, group)));
    }
}

/// See [`Kernel::panel`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn panel<const M: usize>(input: Panel<'_>, expanded: &[Line], sums: &mut [i64]) {
    let full = input.columns / Line::LANES;
    let lines = input.columns.div_ceil(Line::LANES);
    let mut x: [&[[i16; Line::LANES]]; M] = [&[]; M];
    let mut last = [[0; Line::LANES]; M];
    for row in 0..M {
        let (groups, rest) = input.row(row).as_chunks();
        x[row] = &groups[..full];
        last[row] = padded(rest);
    }
    for (tile, weights) in expanded.chunks_exact(lines * TILE).enumerate() {
        let mut w: [&[Line]; TILE] = [&[]; TILE];
        for (column, w) in w.iter_mut().enumerate() {
            *w = &weights[column * lines..][..lines];
        }
        let mut lanes = [[_mm512_setzero_si512(); TILE]; M];
        for index in 0..full {
            for row in 0..M {
                let x = load(&x[row][index]);
                for column in 0..TILE {
                    let w = load(&w[column][index].0);
                    lanes[row][column] = _mm512_dpwssd_epi32(lanes[row][column], x, w);
                }
            }
        }
        if full < lines {
            for row in 0..M {
                let x = load(&last[row]);
                for column in 0..TILE {
                    let w = load(&w[column][full].0);
                    lanes[row][column] = _mm512_dpwssd_epi32(lanes[row][column], x, w);
                }
            }
        }
        for (row, lanes) in lanes.iter().enumerate() {
            let mut wide = [_mm512_setzero_si512(); TILE];
            for column in 0..TILE {
                wide[column] = widen(lanes[column]);
            }
            let dots = reduce(wide);
            let sums = &mut sums[row * N_BLOCK + tile * TILE..][..TILE];
            for column in 0..TILE {
                sums[column] = sums[column].wrapping_add(dots[column]);
            }
        }
    }
}

/// See [`Kernel::dots`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dots<const M: usize>(
    input: &[i16],
    weight: &WeightMatrix<'_>,
    rows: Range<usize>,
    sums: &mut [i64],
) {
    let mut start = rows.start;
    while start + TILE <= rows.end {
        dots_of_rows::<M, TILE>(input, weight, start, &mut sums[start - rows.start..]);
        start += TILE;
    }
    for row in start..rows.end {
        dots_of_rows::<M, 1>(input, weight, row, &mut sums[row - rows.start..]);
    }
}

/// The dot products of all input rows with `N` weight rows from `first` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dots_of_rows<const M: usize, const N: usize>(
    input: &[i16],
    weight: &WeightMatrix<'_>,
    first: usize,
    sums: &mut [i64],
) {
    let k = weight.columns();
    let full = k / Line::LANES;
    let mut x: [&[[i16; Line::LANES]]; M] = [&[]; M];
    for (x, row) in iter::zip(&mut x, input.chunks(k)) {
        *x = &row.as_chunks().0[..full];
    }
    let mut w: [&[[i8; Line::LANES]]; N] = [&[]; N];
    let mut exponents: [&[u8]; N] = [&[]; N];
    for column in 0..N {
        w[column] = &weight.row_values(first + column).as_chunks().0[..full];
        exponents[column] = &weight.row_exponents(first + column)[..full.div_ceil(4)];
    }

    let mut wide = [[_mm512_setzero_si512(); N]; M];
    for start in (0..full).step_by(LINES_PER_FLUSH) {
        let mut lanes = [[_mm512_setzero_si512(); N]; M];
        for index in start..full.min(start + LINES_PER_FLUSH) {
            for column in 0..N {
                let exponent = group_exponent(exponents[column], index);
                let w = effective(&w[column][index], exponent);
                for row in 0..M {
                    let x = load(&x[row][index]);
                    lanes[row][column] = _mm512_dpwssd_epi32(lanes[row][column], x, w);
                }
            }
        }
        for (wide, lanes) in iter::zip(&mut wide, lanes) {
            for (wide, lanes) in iter::zip(wide, lanes) {
                *wide = _mm512_add_epi64(*wide, widen(lanes));
            }
        }
    }
    let rest = full * Line::LANES;
    if rest < k {
        for (row, wide) in wide.iter_mut().enumerate() {
            let x = load(&padded(&input[row * k..][rest..k]));
            for (column, wide) in wide.iter_mut().enumerate() {
                let exponent = group_exponent(weight.row_exponents(first + column), full);
                let w = effective(&padded(&weight.row_values(first + column)[rest..]), exponent);
                let lanes = _mm512_dpwssd_epi32(_mm512_setzero_si512(), x, w);
                *wide = _mm512_add_epi64(*wide, widen(lanes));
            }
        }
    }
    for (row, wide) in wide.iter().enumerate() {
        let mut tile = [_mm512_setzero_si512(); TILE];
        tile[..N].copy_from_slice(wide);
        sums[row * N_BLOCK..][..N].copy_from_slice(&reduce(tile)[..N]);
    }
}

/// See [`Kernel::finish`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn finish(tile: &mut Tile<'_>, row: usize, column: usize, sums: &[i64], shifts: &[u8]) {
    tile.write_sums(row, column, sums, shifts);
}

/// A group of weights shifted by its exponent.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn effective(values: &[i8; Line::LANES], exponent: u32) -> __m512i {
    // SAFETY: the 32 bytes that are read are those of the array; no alignment is needed.
    let values = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
    _mm512_sll_epi16(_mm512_cvtepi8_epi16(values), _mm_cvtsi32_si128(exponent.cast_signed()))
}

/// The sums of neighbours among 16 lanes of i32, as 8 lanes of i64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn widen(lanes: __m512i) -> __m512i {
    // A 32-bit multiplication reads the low half of each 64 bits with its sign.
    let even = _mm512_mul_epi32(lanes, _mm512_set1_epi64(1));
    _mm512_add_epi64(even, _mm512_srai_epi64::<32>(lanes))
}

/// The sums of the lanes of four vectors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn reduce(vectors: [__m512i; TILE]) -> [i64; TILE] {
    let [a, b, c, d] = vectors;
    let ab = _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let cd = _mm512_add_epi64(_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
    // Quarters 0 and 1 of `ab` and of `cd`, and quarters 2 and 3.
    let low = _mm512_shuffle_i64x2::<0b01_00_01_00>(ab, cd);
    let high = _mm512_shuffle_i64x2::<0b11_10_11_10>(ab, cd);
    let halves = _mm512_add_epi64(low, high);
    let swapped = _mm512_shuffle_i64x2::<0b10_11_00_01>(halves, halves);
    let mut sums = [0; 8];
    // SAFETY: the 64 bytes that are written are those of the array; no alignment is needed.
    unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), _mm512_add_epi64(halves, swapped)) };
    [sums[0], sums[1], sums[4], sums[5]]
}

/// A vector from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load(values: &[i16; Line::LANES]) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of the array; no alignment is needed.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// A vector to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store(values: &mut [i16; Line::LANES], vector: __m512i) {
    // SAFETY: the 64 bytes that are written are those of the array; no alignment is needed.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
}

/// Vectors whose products are summed in i32: 64 products in a lane.
const LINES_PER_FLUSH: usize = Avx512::K_BLOCK / Line::LANES;
