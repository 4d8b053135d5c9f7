//! 256-bit vectors: `vpmaddwd` multiplies 16 pairs of i16 into 8 lanes of i32.

use core::{
    arch::x86_64::{
        __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_epi64,
        _mm256_cvtepi8_epi16, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_epi32,
        _mm256_permute2x128_si256, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_sll_epi16,
        _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
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

/// Proof that this processor has AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof, if it is true.
    pub(super) fn detect() -> Option<Self> {
        Backend::Avx2.is_available().then_some(Self(()))
    }
}

impl Kernel for Avx2 {
    const K_BLOCK: usize = 512;

    fn expand(self, values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { expand(values, exponents, expanded) }
    }

    fn panel(self, input: Panel<'_>, expanded: &[Line], sums: &mut [i64]) {
        for row in (0..input.rows).step_by(2) {
            let rows = (input.rows - row).min(2);
            let values = &input.values[row * input.stride..];
            let input = Panel { values, rows, ..input };
            let sums = &mut sums[row * N_BLOCK..];
            // SAFETY: `self` is the proof that the processor has the instructions.
            unsafe {
                match rows {
                    1 => panel::<1>(input, expanded, sums),
                    _ => panel::<2>(input, expanded, sums),
                }
            }
        }
    }

    fn dots(self, input: &[i16], weight: &WeightMatrix<'_>, rows: Range<usize>, sums: &mut [i64]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe {
            match input.len() / weight.columns() {
                1 => dots::<1, TILE>(input, weight, rows, sums),
                2 => dots::<2, 2>(input, weight, rows, sums),
                _ => dots::<3, 2>(input, weight, rows, sums),
            }
        }
    }

    fn finish(self, tile: &mut Tile<'_>, row: usize, column: usize, sums: &[i64], shifts: &[u8]) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { finish(tile, row, column, sums, shifts) }
    }
}

/// See [`Kernel::expand`].
#[target_feature(enable = "avx2")]
fn expand(values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
    let (groups, rest) = values.as_chunks();
    let last = padded(rest);
    let groups = groups.iter().chain((!rest.is_empty()).then_some(&last));
    for (group, (values, line)) in iter::zip(groups, expanded).enumerate() {
        store(&mut line.0, effective(values, group_exponent(exponents, group)));
    }
}

/// See [`Kernel::panel`]; here for one or two rows, which is what 16 registers hold.
#[target_feature(enable = "avx2")]
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
        let mut lanes = [[_mm256_setzero_si256(); TILE]; M];
        for index in 0..full {
            for row in 0..M {
                let x = load(&x[row][index]);
                for column in 0..TILE {
                    lanes[row][column] =
                        multiply_add(lanes[row][column], x, load(&w[column][index].0));
                }
            }
        }
        if full < lines {
            for row in 0..M {
                let x = load(&last[row]);
                for column in 0..TILE {
                    lanes[row][column] =
                        multiply_add(lanes[row][column], x, load(&w[column][full].0));
                }
            }
        }
        for (row, lanes) in lanes.iter().enumerate() {
            let mut wide = [_mm256_setzero_si256(); TILE];
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

/// See [`Kernel::dots`]; `N` weight rows are read at a time.
#[target_feature(enable = "avx2")]
fn dots<const M: usize, const N: usize>(
    input: &[i16],
    weight: &WeightMatrix<'_>,
    rows: Range<usize>,
    sums: &mut [i64],
) {
    let mut start = rows.start;
    while start + N <= rows.end {
        dots_of_rows::<M, N>(input, weight, start, &mut sums[start - rows.start..]);
        start += N;
    }
    for row in start..rows.end {
        dots_of_rows::<M, 1>(input, weight, row, &mut sums[row - rows.start..]);
    }
}

/// The dot products of all input rows with `N` weight rows from `first` on.
#[target_feature(enable = "avx2")]
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

    let mut wide = [[_mm256_setzero_si256(); N]; M];
    for start in (0..full).step_by(LINES_PER_FLUSH) {
        let mut lanes = [[_mm256_setzero_si256(); N]; M];
        for index in start..full.min(start + LINES_PER_FLUSH) {
            for column in 0..N {
                let exponent = group_exponent(exponents[column], index);
                let w = effective(&w[column][index], exponent);
                for row in 0..M {
                    lanes[row][column] = multiply_add(lanes[row][column], load(&x[row][index]), w);
                }
            }
        }
        for (wide, lanes) in iter::zip(&mut wide, lanes) {
            for (wide, lanes) in iter::zip(wide, lanes) {
                *wide = _mm256_add_epi64(*wide, widen(lanes));
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
                let lanes = multiply_add(_mm256_setzero_si256(), x, w);
                *wide = _mm256_add_epi64(*wide, widen(lanes));
            }
        }
    }
    for (row, wide) in wide.iter().enumerate() {
        let mut tile = [_mm256_setzero_si256(); TILE];
        tile[..N].copy_from_slice(wide);
        sums[row * N_BLOCK..][..N].copy_from_slice(&reduce(tile)[..N]);
    }
}

/// See [`Kernel::finish`].
#[target_feature(enable = "avx2")]
fn finish(tile: &mut Tile<'_>, row: usize, column: usize, sums: &[i64], shifts: &[u8]) {
    tile.write_sums(row, column, sums, shifts);
}

/// A group of weights shifted by its exponent.
#[inline]
#[target_feature(enable = "avx2")]
fn effective(values: &[i8; Line::LANES], exponent: u32) -> [__m256i; 2] {
    let count = _mm_cvtsi32_si128(exponent.cast_signed());
    let (halves, _) = values.as_chunks::<16>();
    // SAFETY: the 16 bytes that are read are those of half the array; no alignment is needed.
    let low = unsafe { _mm_loadu_si128(halves[0].as_ptr().cast()) };
    // SAFETY: as above, for the other half.
    let high = unsafe { _mm_loadu_si128(halves[1].as_ptr().cast()) };
    [
        _mm256_sll_epi16(_mm256_cvtepi8_epi16(low), count),
        _mm256_sll_epi16(_mm256_cvtepi8_epi16(high), count),
    ]
}

/// Adds the products of neighbours to the lanes: four to each.
#[inline]
#[target_feature(enable = "avx2")]
fn multiply_add(lanes: __m256i, x: [__m256i; 2], w: [__m256i; 2]) -> __m256i {
    let lanes = _mm256_add_epi32(lanes, _mm256_madd_epi16(x[0], w[0]));
    _mm256_add_epi32(lanes, _mm256_madd_epi16(x[1], w[1]))
}

/// The sums of neighbours among 8 lanes of i32, as 4 lanes of i64.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(lanes: __m256i) -> __m256i {
    // A 32-bit multiplication reads the low half of each 64 bits with its sign.
    let one = _mm256_set1_epi64x(1);
    let odd = _mm256_srli_epi64::<32>(lanes);
    _mm256_add_epi64(_mm256_mul_epi32(lanes, one), _mm256_mul_epi32(odd, one))
}

/// The sums of the lanes of four vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn reduce(vectors: [__m256i; TILE]) -> [i64; TILE] {
    let [a, b, c, d] = vectors;
    let ab = _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    let cd = _mm256_add_epi64(_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
    let low = _mm256_permute2x128_si256::<0x20>(ab, cd);
    let high = _mm256_permute2x128_si256::<0x31>(ab, cd);
    let mut sums = [0; TILE];
    // SAFETY: the 32 bytes that are written are those of the array; no alignment is needed.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), _mm256_add_epi64(low, high)) };
    sums
}

/// A group from memory.
#[inline]
#[target_feature(enable = "avx2")]
fn load(values: &[i16; Line::LANES]) -> [__m256i; 2] {
    let (halves, _) = values.as_chunks::<16>();
    // SAFETY: the 32 bytes that are read are those of half the array; no alignment is needed.
    let low = unsafe { _mm256_loadu_si256(halves[0].as_ptr().cast()) };
    // SAFETY: as above, for the other half.
    let high = unsafe { _mm256_loadu_si256(halves[1].as_ptr().cast()) };
    [low, high]
}

/// A group to memory.
#[inline]
#[target_feature(enable = "avx2")]
fn store(values: &mut [i16; Line::LANES], vectors: [__m256i; 2]) {
    let (halves, _) = values.as_chunks_mut::<16>();
    for (half, vector) in iter::zip(halves, vectors) {
        // SAFETY: the 32 bytes that are written are those of half the array; no alignment is
        // needed.
        unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), vector) };
    }
}

/// Groups whose products are summed in i32: 64 products in a lane.
const LINES_PER_FLUSH: usize = Avx2::K_BLOCK / Line::LANES;
