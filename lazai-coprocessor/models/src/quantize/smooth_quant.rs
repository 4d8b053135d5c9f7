//! SmoothQuant for queries and keys: moves what is large in keys to queries.

use lazai_coprocessor::architecture::{Architecture, Positions};

use super::{calibration::Calibration, scale::power_of_two};
use crate::reference::{LayerPoint, Point};

/// Powers of two that multiply the columns of a layer's keys, and divide those of its queries:
/// scores stay what they are.
///
/// A cached key has 7 bits for the largest column of its head, so a column that is always large, as
/// by a bias, takes them from the others; a query has 15. Small columns of keys are enlarged until
/// they are about as large as the largest. Both columns of a pair that is rotated take the same
/// power.
///
/// # Source
/// Xiao et al. 2022, SmoothQuant, arXiv 2211.10438, for the idea; here all of it goes into the
/// queries.
pub(super) struct SmoothQuant {
    /// For each column of the keys.
    pub(super) keys: Vec<f64>,
    /// For each column of the queries.
    pub(super) queries: Vec<f64>,
}

impl SmoothQuant {
    /// Chooses the powers by the largest magnitudes of the keys of `layer`.
    ///
    /// Where the heads share the gain of a norm, they share the powers too.
    pub(super) fn new(architecture: &Architecture, layer: u32, calibration: &Calibration) -> Self {
        let (width, kv_heads) = (architecture.head_dim as usize, architecture.kv_heads as usize);
        let mut largest = vec![0.0_f64; width * kv_heads];
        for point in [LayerPoint::Key, LayerPoint::NormedKey, LayerPoint::RotatedKey] {
            // A norm of each head undoes what was before it.
            if architecture.head_norm && point == LayerPoint::Key {
                continue;
            }
            let columns = calibration.columns(Point::Layer(layer, point));
            for (largest, seen) in largest.iter_mut().zip(columns) {
                *largest = largest.max(f64::from(*seen));
            }
        }
        if matches!(architecture.positions, Positions::Rotary(_)) {
            for head in largest.chunks_exact_mut(width) {
                let (low, high) = head.split_at_mut(width / 2);
                for (low, high) in low.iter_mut().zip(high) {
                    *low = low.max(*high);
                    *high = *low;
                }
            }
        }
        if architecture.head_norm {
            for column in 0..width {
                let columns = || (0..kv_heads).map(|head| head * width + column);
                let most = columns().map(|index| largest[index]).fold(0.0, f64::max);
                columns().for_each(|index| largest[index] = most);
            }
        }
        let keys: Vec<f64> = largest.chunks_exact(width).flat_map(powers).collect();
        let shared = (architecture.heads as usize / kv_heads.max(1)).max(1);
        let queries = (0..architecture.heads as usize)
            .flat_map(|head| &keys[head / shared * width..][..width])
            .map(|power| 1.0 / power)
            .collect();
        Self { keys, queries }
    }
}

/// Returns the powers of two that bring the columns of a head near its largest.
fn powers(head: &[f64]) -> Vec<f64> {
    let most = head.iter().copied().fold(0.0, f64::max);
    let power = |largest: &f64| {
        let fits = |bits: &i32| *largest > 0.0 && largest * power_of_two(*bits) <= most;
        power_of_two((1..=MAX_BITS).take_while(fits).last().unwrap_or(0))
    };
    head.iter().map(power).collect()
}

/// Queries have 8 bits more than cached keys; two of them stay theirs.
const MAX_BITS: i32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_brought_near_the_largest() {
        assert_eq!(powers(&[1.0, 36.0, 18.0, 17.9, 0.0, 0.01]), [32.0, 1.0, 2.0, 2.0, 1.0, 64.0]);
        assert_eq!(powers(&[0.0, 0.0]), [1.0, 1.0]);
        assert!(powers(&[f64::NAN, 1.0]).iter().all(|power| power.is_finite()));
    }
}
