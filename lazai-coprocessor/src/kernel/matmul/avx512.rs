//! 512-bit vectors: `vpdpwssd` multiplies 32 pairs of i16 and adds them to 16 lanes of i32.

use core::{
    arch::x86_64::{
        __m128i, __m256i, __m512i, _MM_HINT_T0, _MM_HINT_T1, _mm_cvtsi32_si128, _mm_loadu_si128,
        _mm_min_epi16, _mm_prefetch, _mm_set1_epi16, _mm_set1_epi64x, _mm_storeu_si128,
        _mm256_loadu_si256, _mm256_storeu_si256, _mm512_add_epi64, _mm512_broadcast_i32x4,
        _mm512_cvtepi8_epi16, _mm512_cvtepi32_epi64, _mm512_cvtepu8_epi64, _mm512_cvtsepi64_epi16,
        _mm512_cvtsepi64_epi32, _mm512_dpwssd_epi32, _mm512_loadu_si512, _mm512_mul_epi32,
        _mm512_reduce_add_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_sll_epi16,
        _mm512_sllv_epi64, _mm512_srai_epi64, _mm512_srav_epi64, _mm512_storeu_si512,
        _mm512_sub_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    },
    iter,
    ops::Range,
};

use super::{
    Backend, WeightMatrix,
    blocked::{
        COLUMNS, EXPONENT_BYTE, FETCH_AHEAD, GROUPS, Kernel, Line, N_BLOCK, Panel, Streamed, TILE,
        padded,
    },
    destination::{Destination, Tile},
};
use crate::{kernel::transpose::transpose, numeric::ACTIVATION_MAX};

/// Proof that this processor has AVX-512 F, BW and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Returns the proof that this processor has the instructions, if it has.
    pub(super) fn detect() -> Option<Self> {
        Backend::Avx512.is_available().then_some(Self(()))
    }
}

impl Kernel for Avx512 {
    const STREAM_ROWS: usize = 8;
    const K_BLOCK: usize = 512;

    fn expand(
        self,
        weight: &WeightMatrix<'_>,
        rows: Range<usize>,
        columns: Range<usize>,
        expanded: &mut [Line],
    ) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { expand(weight, rows, columns, expanded) }
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

    fn fetch(self, weight: &WeightMatrix<'_>, rows: Range<usize>, columns: Range<usize>) {
        // SAFETY: `self` is the proof that the processor has the instructions.
        unsafe { fetch_block(weight, rows, columns) }
    }
}

/// See [`Kernel::expand`].
///
/// A tile is 16 weight rows. For each group of columns it has 16 lines; a line holds [`STEP`]
/// columns of four rows, one in each quarter, so that a quarter of the input is multiplied with
/// all of them. Of the four lines of a step the first has rows 0, 2, 4 and 6, the second rows 1,
/// 3, 5 and 7, and so on: [`sums_of_columns`] brings neighbours together.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn expand(
    weight: &WeightMatrix<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
    expanded: &mut [Line],
) {
    let groups = columns.len().div_ceil(Line::LANES);
    let first_group = columns.start / Line::LANES;
    for (tile, lines) in expanded.chunks_exact_mut(groups * COLUMNS).enumerate() {
        let first = rows.start + tile * COLUMNS;
        for line in 0..LINES {
            let mut parts: [&[i8]; 4] = [&[]; 4];
            let mut exponents: [&[u8]; 4] = [&[]; 4];
            for quarter in 0..4 {
                let row = first + line / 2 * 8 + line % 2 + 2 * quarter;
                if row < rows.end {
                    parts[quarter] = &weight.row_values(row)[columns.clone()];
                    exponents[quarter] = weight.row_exponents(row);
                }
            }
            for (group, lines) in lines.chunks_exact_mut(COLUMNS).enumerate() {
                let mut quarters = [_mm512_setzero_si512(); 4];
                for quarter in 0..4 {
                    let Some(values) = parts[quarter].get(group * Line::LANES..) else { continue };
                    if values.is_empty() {
                        continue;
                    }
                    let byte = exponents[quarter][(first_group + group) / GROUPS];
                    let place = (first_group + group) % GROUPS;
                    quarters[quarter] = match values.first_chunk() {
                        Some(values) => effective(values, byte, place),
                        None => effective(&padded(values), byte, place),
                    };
                }
                for (step, vector) in transpose(quarters).into_iter().enumerate() {
                    store(&mut lines[step * LINES + line].0, vector);
                }
            }
        }
    }
}

/// See [`Kernel::panel`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn panel<const M: usize>(input: Panel<'_>, expanded: &[Line], sums: &mut [i64]) {
    let full = input.columns / Line::LANES;
    let groups = input.columns.div_ceil(Line::LANES);
    let mut x: [&[[i16; Line::LANES]]; M] = [&[]; M];
    for (row, x) in x.iter_mut().enumerate() {
        *x = &input.row(row).as_chunks().0[..full];
    }
    for (tile, weights) in expanded.chunks_exact(groups * COLUMNS).enumerate() {
        let (weights, _) = weights.as_chunks::<COLUMNS>();
        for start in (0..groups).step_by(GROUPS_PER_FLUSH) {
            let end = groups.min(start + GROUPS_PER_FLUSH);
            let mut lanes = [[_mm512_setzero_si512(); LINES]; M];
            for group in start..end.min(full) {
                let mut values = [&[0; Line::LANES]; M];
                for row in 0..M {
                    values[row] = &x[row][group];
                }
                multiply_add(&mut lanes, values, &weights[group]);
            }
            if full < end {
                let mut last = [[0; Line::LANES]; M];
                for (row, last) in last.iter_mut().enumerate() {
                    *last = padded(input.row(row).as_chunks::<{ Line::LANES }>().1);
                }
                multiply_add(&mut lanes, last.each_ref(), &weights[full]);
            }
            for (row, lanes) in lanes.iter().enumerate() {
                let sums = &mut sums[row * N_BLOCK + tile * COLUMNS..][..COLUMNS];
                let (halves, _) = sums.as_chunks_mut();
                let (pairs, _) = lanes.as_chunks();
                for (sums, pair) in iter::zip(halves, pairs) {
                    add(sums, sums_of_columns(*pair));
                }
            }
        }
    }
}

/// Adds the products of a group of columns of `M` rows with 16 weight rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn multiply_add<const M: usize>(
    lanes: &mut [[__m512i; LINES]; M],
    x: [&[i16; Line::LANES]; M],
    weights: &[Line; COLUMNS],
) {
    let (steps, _) = weights.as_chunks::<LINES>();
    for (step, lines) in steps.iter().enumerate() {
        for row in 0..M {
            let (quarters, _) = x[row].as_chunks();
            let x = broadcast(&quarters[step]);
            for line in 0..LINES {
                let w = load(&lines[line].0);
                lanes[row][line] = _mm512_dpwssd_epi32(lanes[row][line], x, w);
            }
        }
    }
}

/// The sums of the lanes of two vectors, each of whose quarters belongs to one column: those of
/// the first vector have even places in the result.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums_of_columns([even, odd]: [__m512i; 2]) -> __m512i {
    let (even, odd) = (widen(even), widen(odd));
    _mm512_add_epi64(_mm512_unpacklo_epi64(even, odd), _mm512_unpackhi_epi64(even, odd))
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
fn finish(
    tile: &mut Tile<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
    sums: &[i64],
    shifts: &[u8],
) {
    let mut scales = [Scale::new(&[0; 8]); N_BLOCK / 8];
    let whole = columns.len() / 8;
    for (scale, shifts) in iter::zip(&mut scales, shifts.as_chunks::<8>().0) {
        *scale = Scale::new(shifts);
    }
    for (row, sums) in rows.zip(sums.chunks(N_BLOCK)) {
        let (eights, _) = sums.as_chunks::<8>();
        let results = iter::zip(&eights[..whole], scales);
        match tile.part(row, columns.start..columns.start + 8 * whole) {
            Destination::Accumulate(output) => {
                for (y, (sums, scale)) in iter::zip(output.as_chunks_mut::<8>().0, results) {
                    let old = _mm512_cvtepi32_epi64(load_i32(y));
                    let sum = _mm512_add_epi64(old, scale.apply(load_i64(sums)));
                    store_i32(y, _mm512_cvtsepi64_epi32(sum));
                }
            }
            Destination::I16(output) => {
                let most = _mm_set1_epi16(ACTIVATION_MAX);
                for (y, (sums, scale)) in iter::zip(output.as_chunks_mut::<8>().0, results) {
                    let results = _mm512_cvtsepi64_epi16(scale.apply(load_i64(sums)));
                    store_i16(y, _mm_min_epi16(results, most));
                }
            }
            Destination::I32(output) => {
                for (y, (sums, scale)) in iter::zip(output.as_chunks_mut::<8>().0, results) {
                    store_i32(y, _mm512_cvtsepi64_epi32(scale.apply(load_i64(sums))));
                }
            }
        }
        if 8 * whole < columns.len() {
            let sums = &sums[8 * whole..];
            tile.write_sums(
                row,
                columns.start + 8 * whole..columns.end,
                sums,
                &shifts[8 * whole..],
            );
        }
    }
}

/// The rounding of eight columns.
#[derive(Clone, Copy)]
struct Scale {
    half: __m512i,
    shift: __m512i,
}

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn new(shifts: &[u8; 8]) -> Self {
        let one = _mm512_set1_epi64(1);
        let shift = _mm512_cvtepu8_epi64(_mm_set1_epi64x(i64::from_le_bytes(*shifts)));
        Self { half: _mm512_sllv_epi64(one, _mm512_sub_epi64(shift, one)), shift }
    }

    /// The sums over the power of two, rounded half up.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn apply(self, sums: __m512i) -> __m512i {
        _mm512_srav_epi64(_mm512_add_epi64(sums, self.half), self.shift)
    }
}

/// See [`Kernel::fetch`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn fetch_block(weight: &WeightMatrix<'_>, rows: Range<usize>, columns: Range<usize>) {
    for row in rows {
        for line in weight.row_values(row)[columns.clone()].chunks(64) {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr());
        }
    }
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

/// Eight columns of the input, in every quarter.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn broadcast(values: &[i16; STEP]) -> __m512i {
    // SAFETY: the 16 bytes that are read are those of the array; no alignment is needed.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Eight 64-bit integers from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_i64(values: &[i64; 8]) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of the array.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// Eight 32-bit integers from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_i32(values: &[i32; 8]) -> __m256i {
    // SAFETY: the 32 bytes that are read are those of the array.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// Eight 32-bit integers to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store_i32(values: &mut [i32; 8], vector: __m256i) {
    // SAFETY: the 32 bytes that are written are those of the array.
    unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), vector) }
}

/// Eight 16-bit integers to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store_i16(values: &mut [i16; 8], vector: __m128i) {
    // SAFETY: the 16 bytes that are written are those of the array.
    unsafe { _mm_storeu_si128(values.as_mut_ptr().cast(), vector) }
}

/// Adds a vector to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add(sums: &mut [i64; 8], vector: __m512i) {
    // SAFETY: the 64 bytes that are read are those of the array; no alignment is needed.
    let old = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
    // SAFETY: as above, written.
    unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), _mm512_add_epi64(old, vector)) }
}

/// A vector to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn store(values: &mut [i16; Line::LANES], vector: __m512i) {
    // SAFETY: the 64 bytes that are written are those of the array; no alignment is needed.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
}

/// Columns of the input in a quarter of a vector.
const STEP: usize = 8;

/// Vectors of weights that are multiplied with the same input.
const LINES: usize = 4;

/// Groups that [`panel`] sums in i32: 64 products in a lane, of which a column has 4.
const GROUPS_PER_FLUSH: usize = 8;

/// Exponent bytes whose groups [`dots`] sums in i32: 64 products in a lane.
const BYTES_PER_FLUSH: usize = 8;
