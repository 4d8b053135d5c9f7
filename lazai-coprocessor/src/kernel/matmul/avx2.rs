//! 256-bit vectors: `vpmaddwd` multiplies 16 pairs of i16 into 8 lanes of i32.

use core::{
    arch::x86_64::{
        __m256i, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi32,
        _mm256_add_epi64, _mm256_cvtepi8_epi16, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_mul_epi32, _mm256_permute2x128_si256, _mm256_set1_epi64x, _mm256_setzero_si256,
        _mm256_sll_epi16, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi64,
        _mm256_unpacklo_epi64,
    },
    iter,
    ops::Range,
};

use super::{
    Backend, WeightMatrix,
    blocked::{
        EXPONENT_BYTE, FETCH_AHEAD, GROUPS, Kernel, Line, N_BLOCK, Panel, Streamed, TILE,
        expand_rows, padded,
    },
    destination::Tile,
};

/// Proof that this processor has AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Returns the proof that this processor has the instructions, if it has.
    pub(super) fn detect() -> Option<Self> {
        Backend::Avx2.is_available().then_some(Self(()))
    }
}

impl Kernel for Avx2 {
    const STREAM_ROWS: usize = 8;
    const K_BLOCK: usize = 512;

    fn expand(
        self,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        expanded: &mut [Line],
    ) {
        expand_rows(weight, rows, columns, expanded, |values, exponents, expanded| {
            // SAFETY: `self` is the proof that the processor has the instructions.
            unsafe { expand(values, exponents, expanded) }
        });
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

    fn dots(
        self,
        input: Streamed<'_>,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        sums: &mut [i64],
    ) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe {
            match input.rows {
                1 => dots::<1, 2>(input, weight, rows, sums),
                2 => dots::<2, 2>(input, weight, rows, sums),
                3 => dots::<3, 1>(input, weight, rows, sums),
                4 => dots::<4, 1>(input, weight, rows, sums),
                5 => dots::<5, 1>(input, weight, rows, sums),
                6 => dots::<6, 1>(input, weight, rows, sums),
                7 => dots::<7, 1>(input, weight, rows, sums),
                _ => dots::<8, 1>(input, weight, rows, sums),
            }
        }
    }

    fn finish(
        self,
        tile: &mut Tile<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        sums: &[i64],
        shifts: &[u8],
    ) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { finish(tile, rows, columns, sums, shifts) }
    }
}

/// Expands part of a row.
#[target_feature(enable = "avx2")]
fn expand(values: &[i8], exponents: &[u8], expanded: &mut [Line]) {
    let (bytes, rest) = values.as_chunks::<EXPONENT_BYTE>();
    let (lines, rest_lines) = expanded.split_at_mut(bytes.len() * GROUPS);
    let (lines, _) = lines.as_chunks_mut::<GROUPS>();
    for ((values, exponents), lines) in iter::zip(iter::zip(bytes, exponents), lines) {
        let (values, _) = values.as_chunks();
        for group in 0..GROUPS {
            store(&mut lines[group].0, effective(&values[group], *exponents, group));
        }
    }
    for (group, (values, line)) in iter::zip(rest.chunks(Line::LANES), rest_lines).enumerate() {
        store(&mut line.0, effective(&padded(values), exponents[bytes.len()], group));
    }
}

/// See [`Kernel::panel`]; here for one or two rows, which is what 16 registers hold.
#[target_feature(enable = "avx2")]
fn panel<const M: usize>(input: Panel<'_>, expanded: &[Line], sums: &mut [i64]) {
    let full = input.columns / Line::LANES;
    let lines = input.columns.div_ceil(Line::LANES);
    let mut x: [&[[i16; Line::LANES]]; M] = [&[]; M];
    let mut rest = [[0; Line::LANES]; M];
    for row in 0..M {
        let (groups, values) = input.row(row).as_chunks();
        x[row] = &groups[..full];
        rest[row] = padded(values);
    }
    for (tile, weights) in expanded.chunks_exact(lines * TILE).enumerate() {
        let mut w: [&[Line]; TILE] = [&[]; TILE];
        for (column, w) in w.iter_mut().enumerate() {
            *w = &weights[column * lines..][..lines];
        }
        let mut lanes = [[_mm256_setzero_si256(); TILE]; M];
        for index in 0..full {
            for half in 0..2 {
                for column in 0..TILE {
                    let w = load(&w[column][index].0)[half];
                    for row in 0..M {
                        let x = load(&x[row][index])[half];
                        lanes[row][column] = multiply_add(lanes[row][column], x, w);
                    }
                }
            }
        }
        if full < lines {
            for row in 0..M {
                for column in 0..TILE {
                    let (x, w) = (load(&rest[row]), load(&w[column][full].0));
                    lanes[row][column] = multiply_add_group(lanes[row][column], x, w);
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

/// See [`Kernel::dots`]; the products of `M` rows are each summed in `A` registers.
#[target_feature(enable = "avx2")]
fn dots<const M: usize, const A: usize>(
    input: Streamed<'_>,
    weight: &WeightMatrix<'_>,
    rows: Range<usize>,
    sums: &mut [i64],
) {
    let zero = _mm256_setzero_si256();
    let (input, _) = input.lines.as_chunks::<GROUPS>();
    let (input, _) = input.as_chunks::<M>();
    for (column, row) in rows.enumerate() {
        let (values, rest) = weight.row_values(row).as_chunks();
        let last = padded(rest);
        let values = values.iter().chain((!rest.is_empty()).then_some(&last));
        let mut bytes = iter::zip(iter::zip(values, weight.row_exponents(row)), input);
        let mut wide = [zero; M];
        for _ in (0..input.len()).step_by(A * BYTES_PER_FLUSH) {
            let mut lanes = [[zero; A]; M];
            for ((values, exponents), x) in bytes.by_ref().take(A * BYTES_PER_FLUSH) {
                fetch(values);
                let (values, _) = values.as_chunks();
                for group in 0..GROUPS {
                    let w = effective(&values[group], *exponents, group);
                    for row in 0..M {
                        let lanes = &mut lanes[row][group % A];
                        *lanes = multiply_add_group(*lanes, load(&x[row][group].0), w);
                    }
                }
            }
            for (wide, lanes) in iter::zip(&mut wide, lanes) {
                for lanes in lanes {
                    *wide = _mm256_add_epi64(*wide, widen(lanes));
                }
            }
        }
        for (wide, sums) in iter::zip(wide, sums.chunks_mut(N_BLOCK)) {
            sums[column] = reduce([wide, zero, zero, zero])[0];
        }
    }
}

/// See [`Kernel::finish`].
#[target_feature(enable = "avx2")]
fn finish(
    tile: &mut Tile<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
    sums: &[i64],
    shifts: &[u8],
) {
    for (row, sums) in rows.zip(sums.chunks(N_BLOCK)) {
        tile.write_sums(row, columns.clone(), sums, shifts);
    }
}

/// A group of weights shifted by its exponent.
#[inline]
#[target_feature(enable = "avx2")]
fn effective(values: &[i8; Line::LANES], exponents: u8, group: usize) -> [__m256i; 2] {
    let exponent = _mm_cvtsi32_si128(i32::from(exponents) >> (2 * group) & 3);
    let (halves, _) = values.as_chunks::<16>();
    // SAFETY: the 16 bytes that are read are those of half the array; no alignment is needed.
    let low = unsafe { _mm_loadu_si128(halves[0].as_ptr().cast()) };
    // SAFETY: as above, for the other half.
    let high = unsafe { _mm_loadu_si128(halves[1].as_ptr().cast()) };
    [
        _mm256_sll_epi16(_mm256_cvtepi8_epi16(low), exponent),
        _mm256_sll_epi16(_mm256_cvtepi8_epi16(high), exponent),
    ]
}

/// Adds the products of neighbours to the lanes, two to each.
#[inline]
#[target_feature(enable = "avx2")]
fn multiply_add(lanes: __m256i, x: __m256i, w: __m256i) -> __m256i {
    _mm256_add_epi32(lanes, _mm256_madd_epi16(x, w))
}

/// Adds the products of a group to the lanes, four to each.
#[inline]
#[target_feature(enable = "avx2")]
fn multiply_add_group(lanes: __m256i, x: [__m256i; 2], w: [__m256i; 2]) -> __m256i {
    multiply_add(multiply_add(lanes, x[0], w[0]), x[1], w[1])
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

/// Asks for the weights that come some way behind these; where there are none, it is no harm.
#[inline]
#[target_feature(enable = "avx2")]
fn fetch(values: &[i8; EXPONENT_BYTE]) {
    let ahead = values.as_ptr().wrapping_add(FETCH_AHEAD);
    _mm_prefetch::<_MM_HINT_T0>(ahead);
    _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64));
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

/// Exponent bytes whose groups are summed in i32: 64 products in a lane.
const BYTES_PER_FLUSH: usize = Avx2::K_BLOCK / EXPONENT_BYTE;
