//! 512-bit vectors: `vpdpwssd` multiplies 32 pairs of i16 and adds them to 16 lanes of i32.

use core::{
    arch::x86_64::{
        __m512i, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_prefetch, _mm256_loadu_si256,
        _mm512_add_epi64, _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32, _mm512_loadu_si512,
        _mm512_mul_epi32, _mm512_reduce_add_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
        _mm512_shuffle_i64x2, _mm512_sll_epi16, _mm512_srai_epi64, _mm512_storeu_si512,
        _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    },
    iter,
    ops::Range,
};

use super::{
    Backend, WeightMatrix,
    blocked::{
        EXPONENT_BYTE, FETCH_AHEAD, GROUPS, Kernel, Line, N_BLOCK, Panel, Streamed, TILE, padded,
    },
    destination::Tile,
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
    const STREAM_ROWS: usize = 8;
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
                1 => dots::<1, 4>(input, weight, rows, sums),
                2 => dots::<2, 4>(input, weight, rows, sums),
                3 => dots::<3, 2>(input, weight, rows, sums),
                4 => dots::<4, 2>(input, weight, rows, sums),
                5 => dots::<5, 2>(input, weight, rows, sums),
                6 => dots::<6, 2>(input, weight, rows, sums),
                7 => dots::<7, 2>(input, weight, rows, sums),
                _ => dots::<8, 2>(input, weight, rows, sums),
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

/// See [`Kernel::dots`]; the products of `M` rows are each summed in `A` registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dots<const M: usize, const A: usize>(
    input: Streamed<'_>,
    weight: &WeightMatrix<'_>,
    rows: Range<usize>,
    sums: &mut [i64],
) {
    let zero = _mm512_setzero_si512();
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
                        *lanes = _mm512_dpwssd_epi32(*lanes, load(&x[row][group].0), w);
                    }
                }
            }
            for (wide, lanes) in iter::zip(&mut wide, lanes) {
                for lanes in lanes {
                    *wide = _mm512_add_epi64(*wide, widen(lanes));
                }
            }
        }
        for (wide, sums) in iter::zip(wide, sums.chunks_mut(N_BLOCK)) {
            sums[column] = _mm512_reduce_add_epi64(wide);
        }
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
fn effective(values: &[i8; Line::LANES], exponents: u8, group: usize) -> __m512i {
    // SAFETY: the 32 bytes that are read are those of the array; no alignment is needed.
    let values = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
    let exponent = i32::from(exponents) >> (2 * group) & 3;
    _mm512_sll_epi16(_mm512_cvtepi8_epi16(values), _mm_cvtsi32_si128(exponent))
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

/// Asks for the weights that come some way behind these; where there are none, it is no harm.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn fetch(values: &[i8; EXPONENT_BYTE]) {
    let ahead = values.as_ptr().wrapping_add(FETCH_AHEAD);
    _mm_prefetch::<_MM_HINT_T0>(ahead);
    _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64));
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

/// Exponent bytes whose groups are summed in i32: 64 products in a lane.
const BYTES_PER_FLUSH: usize = Avx512::K_BLOCK / EXPONENT_BYTE;
