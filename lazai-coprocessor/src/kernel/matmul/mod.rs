//! The matrix product of activations and weights, which is nearly all the work of a network.
//!
//! # Formula
//! With the effective weight `w' = w << e`, the sum `a = Σ x·w'` over k, and the shift `s` of the
//! row of W, the result is `y = (a + 2^(s-1)) >> s`: the sum over `2^s`, rounded half up.
//!
//! # The same in halves
//! Processors without 64-bit integers, and proofs, split `x = 256·h + l` with
//! `h = (x + 128) >> 8`, so that `l` is in -128..=127, and `h` is too if x <= 32,639. With
//! `H = Σ h·w'` and `L = Σ l·w'`, and since `2^(s-1)` is an integer,
//! `y = floor((256·H + L + 2^(s-1)) / 2^s) = (H + ((L + 2^(s-1)) >> 8)) >> (s - 8)`:
//! a floor of a floor is the floor by the product of the divisors, and `256·H` leaves the inner
//! floor whole. For s < 8, `256·H` is a multiple of `2^s`, so
//! `y = (H << (8 - s)) + ((L + 2^(s-1)) >> s)`.
//!
//! # Bounds
//! [`WeightMatrix::validate`] establishes `Σ|w'| < 2^(15 + min(s, 8))` for each row, so
//! `128·Σ|w'| < 2^30`, and `|H|` and `|L|` and all their partial sums are below `2^30`;
//! `L + 2^(s-1) < 2^31`, as s <= 31; for s < 8, `|H| << (8 - s) <= 2^30`; and `|y| <= 2^30 + 2^23`
//! before it is clamped. All fit in i32. The whole sum obeys `|a| <= 2^15·Σ|w'| < 2^38` and fits in
//! i64.
//!
//! The vector forms multiply x whole by the 11-bit w' and add in i32: a product is at most
//! `2^15·1,016`, so 64 of them fit, and a lane moves to i64 before it has more.

#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocked;
mod destination;
mod portable;
mod scalar;
mod shape;
#[cfg(test)]
mod tests;
mod weight;

pub use destination::Destination;
pub use weight::WeightMatrix;

use super::{Backend, KernelError, Threads, threads::ranges};
use destination::Tile;
use shape::{expect_length, rows_of};

/// Multiplies `input` by the transpose of `weight`, and rounds each result by its row's shift.
///
/// Shapes: `input` is `[m, k]`, `weight` is `[n, k]`, `output` is `[m, n]`, all row-major; m is
/// taken from the input, or from the output if k is 0.
/// Arithmetic: `y = (Σ x·(w << e) + 2^(s-1)) >> s`, exact, rounded half up, then written as the
/// [`Destination`] says. Neither `backend` nor `threads` changes a bit of it.
/// Bounds: the weights have passed [`WeightMatrix::validate`]; of weights that have not, the
/// result may differ between back ends, and nothing worse. Cost: `2·m·n·k` integer operations, and
/// for each thread 128 KiB of memory, or a copy of the input if it has at most 8 rows.
///
/// # Errors
/// [`KernelError::BackendUnavailable`] if this processor lacks the instructions, and
/// [`KernelError::RowLength`], [`KernelError::ShapeOverflow`] or [`KernelError::Length`] if the
/// shapes do not match; `output` is then untouched.
pub fn matmul(
    backend: Backend,
    threads: &Threads,
    input: &[i16],
    weight: &WeightMatrix<'_>,
    output: Destination<'_>,
) -> Result<(), KernelError> {
    backend.require()?;
    let (n, k) = (weight.rows(), weight.columns());
    let m = if k == 0 {
        expect_length("input", 0, input.len())?;
        rows_of("output", output.len(), n)?
    } else {
        rows_of("input", input.len(), k)?
    };
    let elements = m.checked_mul(n).ok_or(KernelError::ShapeOverflow {
        operand: "output",
        rows: m,
        columns: n,
    })?;
    expect_length("output", elements, output.len())?;
    if elements == 0 {
        return Ok(());
    }

    let (row_parts, column_parts) = parts(threads.count(), m, n, k);
    let rows = ranges(m, row_parts, blocked::TILE);
    let columns = ranges(n, column_parts, blocked::N_BLOCK);
    threads.for_each(output.split(n, &rows, &columns), |tile| {
        run(backend, input, weight, tile);
    });
    Ok(())
}

/// Computes one rectangle of the output.
fn run(backend: Backend, input: &[i16], weight: &WeightMatrix<'_>, tile: Tile<'_>) {
    #[cfg(target_arch = "x86_64")]
    match backend {
        Backend::Avx2 => {
            if let Some(kernel) = avx2::Avx2::detect() {
                return blocked::run(kernel, input, weight, tile);
            }
        }
        Backend::Avx512 => {
            if let Some(kernel) = avx512::Avx512::detect() {
                return blocked::run(kernel, input, weight, tile);
            }
        }
        Backend::Portable | Backend::Scalar => {}
    }
    if backend == Backend::Scalar {
        scalar::run(input, weight, tile);
    } else {
        blocked::run(portable::Portable, input, weight, tile);
    }
}

/// Into how many parts rows and columns are cut: several for each thread, so that one that is
/// held up does not hold up the rest, unless the parts would be too small to be worth handing over.
fn parts(threads: usize, m: usize, n: usize, k: usize) -> (usize, usize) {
    if threads == 1 {
        return (1, 1);
    }
    let products = m.saturating_mul(n).saturating_mul(k);
    let parts = (products / PRODUCTS_PER_PART).clamp(1, threads.saturating_mul(PARTS_PER_THREAD));
    let columns = parts.min(n.div_ceil(blocked::N_BLOCK));
    (parts.div_ceil(columns), columns)
}

/// A part with fewer products than this costs less than handing it to another thread.
const PRODUCTS_PER_PART: usize = 1 << 18;

const PARTS_PER_THREAD: usize = 4;
