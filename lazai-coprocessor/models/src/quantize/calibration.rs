//! Calibration: the largest magnitude of every activation.

use std::collections::BTreeMap;

use lazai_coprocessor::architecture::Architecture;

use super::{QuantizeError, scale::largest_bits};
use crate::reference::{LayerPoint, Observer, Point};

/// The largest magnitude seen at each place of the forward pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Calibration {
    largest: BTreeMap<Point, f32>,
    /// The same of each column, of queries and keys.
    columns: BTreeMap<Point, Vec<f32>>,
    query_width: usize,
    kv_width: usize,
}

impl Observer for Calibration {
    fn observe(&mut self, point: Point, values: &[f32]) {
        let largest = self.largest.entry(point).or_default();
        for magnitude in values.iter().map(|value| value.abs()) {
            // What is not a number stays, to be refused later.
            if magnitude > *largest || magnitude.is_nan() {
                *largest = magnitude;
            }
        }
        let width = match point {
            Point::Layer(_, LayerPoint::Key | LayerPoint::NormedKey | LayerPoint::RotatedKey) => {
                self.kv_width
            }
            Point::Layer(
                _,
                LayerPoint::Query | LayerPoint::NormedQuery | LayerPoint::RotatedQuery,
            ) => self.query_width,
            _ => return,
        };
        let columns = self.columns.entry(point).or_insert_with(|| vec![0.0; width]);
        for row in values.chunks_exact(width.max(1)) {
            for (largest, value) in columns.iter_mut().zip(row) {
                *largest = largest.max(value.abs());
            }
        }
    }
}

impl Calibration {
    pub(super) fn new(architecture: &Architecture) -> Self {
        let [query_width, kv_width] =
            [architecture.query_width(), architecture.kv_width()].map(|width| width as usize);
        Self { query_width, kv_width, ..Self::default() }
    }

    /// Returns the largest magnitude of each column of queries or keys at a point; none if it was
    /// not seen.
    pub(super) fn columns(&self, point: Point) -> &[f32] {
        self.columns.get(&point).map_or(&[], Vec::as_slice)
    }

    /// Returns the largest magnitude at any of `points`.
    ///
    /// # Errors
    /// [`QuantizeError::NotFinite`] if one was infinite or not a number.
    pub(super) fn largest(&self, points: &[Point]) -> Result<f64, QuantizeError> {
        let mut largest = 0.0_f64;
        for point in points {
            let seen = self.largest.get(point).copied().unwrap_or(0.0);
            if !seen.is_finite() {
                return Err(QuantizeError::NotFinite { point: format!("{point:?}") });
            }
            largest = largest.max(seen.into());
        }
        Ok(largest)
    }
}

/// Returns the fraction bits of an activation whose magnitude was at most `largest`, with room for
/// `2^headroom` times as much.
///
/// # Errors
/// [`QuantizeError::TooLarge`] if the activation is beyond every scale.
pub(super) fn activation_bits(
    what: &str,
    largest: f64,
    headroom: u8,
    limit: f64,
) -> Result<i8, QuantizeError> {
    let limit = limit / f64::from(1_u32 << headroom.min(MAX_HEADROOM));
    if largest == 0.0 {
        return Ok(SILENT_BITS);
    }
    largest_bits(largest, limit, MIN_BITS..=MAX_BITS).ok_or_else(|| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let (got, max) = (largest as u64, limit as u64);
        QuantizeError::TooLarge { what: what.to_owned(), got, max: max.saturating_mul(1 << 8) }
    })
}

/// The most bits of headroom.
const MAX_HEADROOM: u8 = 12;

/// Bounds of the fraction bits of an activation.
const MIN_BITS: i8 = -8;
const MAX_BITS: i8 = 24;

/// Fraction bits of an activation that was always zero.
const SILENT_BITS: i8 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_leave_the_headroom() {
        let bits = |largest, headroom| activation_bits("x", largest, headroom, 32_639.0);
        assert_eq!(bits(1.0, 0), Ok(14));
        assert_eq!(bits(1.0, 1), Ok(13));
        assert_eq!(bits(1.99, 0), Ok(14));
        assert_eq!(bits(2.0, 0), Ok(13));
        assert_eq!(bits(0.0, 1), Ok(12));
        assert_eq!(bits(1e-9, 1), Ok(24));
        let what = "x".to_owned();
        let (got, max) = (10_000_000, 32_639 * 256);
        assert_eq!(bits(1e7, 0), Err(QuantizeError::TooLarge { what, got, max }));
    }

    #[test]
    fn largest_magnitudes_are_kept() {
        let mut calibration = Calibration::default();
        calibration.observe(Point::Norm, &[1.0, -3.0]);
        calibration.observe(Point::Norm, &[2.0]);
        calibration.observe(Point::Logits, &[0.5, f32::NAN, 7.0]);
        calibration.observe(Point::Logits, &[9.0]);
        assert_eq!(calibration.largest(&[Point::Norm, Point::Embedding]), Ok(3.0));
        let point = "Logits".to_owned();
        let refused = calibration.largest(&[Point::Norm, Point::Logits]);
        assert_eq!(refused, Err(QuantizeError::NotFinite { point }));
    }
}
