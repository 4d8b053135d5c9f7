//! Second moments of the inputs of a matrix (the Hessian of GPTQ), and their Cholesky factor.

use lazai_coprocessor::kernel::Threads;

/// The sums of the products of every two columns of the inputs of a matrix.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    width: usize,
    /// The lower triangle, in rows of `width`.
    sums: Vec<f64>,
    /// The sum of each column.
    totals: Vec<f64>,
    /// Rows so far.
    count: f64,
}

impl Moments {
    pub(super) fn new(width: usize) -> Self {
        Self { width, sums: vec![0.0; width * width], totals: vec![0.0; width], count: 0.0 }
    }

    /// Adds rows of inputs, in their order.
    pub(super) fn add(&mut self, rows: &[f32], threads: &Threads) {
        let width = self.width;
        threads.for_each_chunk(&mut self.sums, width, |index, sums| {
            for row in rows.chunks_exact(width) {
                let factor = f64::from(row[index]);
                for (sum, x) in sums.iter_mut().zip(&row[..=index]) {
                    *sum += factor * f64::from(*x);
                }
            }
        });
        for row in rows.chunks_exact(width) {
            self.count += 1.0;
            for (total, x) in self.totals.iter_mut().zip(row) {
                *total += f64::from(*x);
            }
        }
    }

    /// Computes the Cholesky factor of the moments about the mean, as
    /// [`into_cholesky`](Self::into_cholesky) does, and keeps the mean.
    pub(super) fn into_centered_cholesky(mut self) -> CholeskyFactor {
        let count = self.count.max(1.0);
        let mean: Vec<f64> = self.totals.iter().map(|total| total / count).collect();
        let rows = self.sums.chunks_exact_mut(self.width.max(1)).zip(&self.totals);
        for (index, (sums, total)) in rows.enumerate() {
            for (sum, mean) in sums.iter_mut().zip(&mean[..=index]) {
                *sum -= total * mean;
            }
        }
        CholeskyFactor { mean, ..self.into_cholesky() }
    }

    /// Computes the Cholesky factor of the moments.
    ///
    /// Each square counts 1.3 times, as if its column had a part of its own, which keeps the errors
    /// on inputs unlike the calibration small too; a hundredth of the mean square gives columns
    /// that were never seen a weight.
    pub(super) fn into_cholesky(mut self) -> CholeskyFactor {
        let width = self.width;
        let squares: f64 = (0..width).map(|index| self.sums[index * (width + 1)]).sum();
        let damping = (DAMPING * squares / width.max(1) as f64).max(f64::MIN_POSITIVE);
        for row in 0..width {
            let (above, rest) = self.sums.split_at_mut(row * width);
            let current = &mut rest[..=row];
            for column in 0..row {
                let other = &above[column * width..][..=column];
                let sum = current[column] - dot(&current[..column], &other[..column]);
                current[column] = sum / other[column];
            }
            let square = OWN_PART * current[row] + damping - dot(&current[..row], &current[..row]);
            // The moments are positive semidefinite, but for what their sums were rounded by.
            current[row] = square.max(damping).sqrt();
        }
        CholeskyFactor { width, factors: self.sums, mean: Vec::new() }
    }
}

/// A lower triangular matrix whose product with its transpose is the moments.
#[derive(Clone, Debug)]
pub(super) struct CholeskyFactor {
    width: usize,
    /// In rows of `width`, of which the part above the diagonal means nothing.
    factors: Vec<f64>,
    /// What was taken out of the inputs; empty if nothing was.
    mean: Vec<f64>,
}

impl CholeskyFactor {
    /// Returns the part of row `index` up to the diagonal.
    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.factors[index * self.width..][..=index]
    }

    /// Returns the mean of the inputs if the moments are those about it, nothing if about zero.
    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Inputs of the matrix.
    pub(super) const fn width(&self) -> usize {
        self.width
    }
}

/// Computes the inner product of two vectors of one length, in eight sums added pairwise at the
/// end.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    for (left, right) in left.iter().zip(right) {
        for lane in 0..8 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    for (sum, (left, right)) in sums.iter_mut().zip(left_rest.iter().zip(right_rest)) {
        *sum += left * right;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The factor of each square.
const OWN_PART: f64 = 1.3;

/// The share of the mean square that is added to each square.
const DAMPING: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_times_its_transpose_is_the_moments() {
        let width = 19;
        let rows: Vec<f32> =
            (0..width * 40).map(|i| ((i * i * 37 + i) % 101) as f32 / 50.0 - 1.0).collect();
        let mut moments = Moments::new(width);
        let threads = Threads::new(2).unwrap();
        rows.chunks(width * 7).for_each(|rows| moments.add(rows, &threads));
        let mut expected = vec![0.0; width * width];
        for row in rows.chunks(width) {
            for i in 0..width {
                for j in 0..width {
                    expected[i * width + j] += f64::from(row[i]) * f64::from(row[j]);
                }
            }
        }
        let damping =
            DAMPING * (0..width).map(|i| expected[i * (width + 1)]).sum::<f64>() / width as f64;
        let factor = moments.into_cholesky();
        for i in 0..width {
            for j in 0..=i {
                let product: f64 =
                    factor.row(i).iter().zip(factor.row(j)).map(|(a, b)| a * b).sum();
                let expected = expected[i * width + j];
                let expected = if i == j { OWN_PART * expected + damping } else { expected };
                assert!((product - expected).abs() < 1e-9, "{i} {j}: {product} {expected}");
            }
        }
    }

    #[test]
    fn moments_about_the_mean_forget_what_is_added_to_all_inputs() {
        let (width, threads) = (5, Threads::single());
        let factor = |offset: f32| {
            let rows: Vec<f32> =
                (0..width * 64).map(|i| ((i * i * 37 + i) % 101) as f32 / 64.0 + offset).collect();
            let mut moments = Moments::new(width);
            moments.add(&rows, &threads);
            moments.into_centered_cholesky()
        };
        let (plain, moved) = (factor(0.0), factor(8.0));
        for index in 0..width {
            assert!((plain.mean()[index] + 8.0 - moved.mean()[index]).abs() < 1e-9);
            for (plain, moved) in plain.row(index).iter().zip(moved.row(index)) {
                assert!((plain - moved).abs() < 1e-9, "{index}: {plain} {moved}");
            }
        }
    }

    #[test]
    fn no_inputs_still_have_a_factor() {
        for factor in [Moments::new(3).into_cholesky(), Moments::new(3).into_centered_cholesky()] {
            assert!((0..3).all(|index| factor.row(index)[index] > 0.0));
        }
    }
}
