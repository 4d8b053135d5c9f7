/// The parameters of the erasure code: the number of shards of a stripe, and the size of a stripe.
///
/// Any `k = f + 1` of `n` shards restore a stripe, where `f = floor((n - 1) / 3)`: with
/// `n = 3f + 1` holders up to `2f` shards may be lost. The stored size is `n / k` times the data:
/// 2.0 times at 4 shards, 2.6 at 13, 2.8 at 31, and never above 3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Coding {
    n: u16,
    stripe_bytes: u32,
}

impl Coding {
    /// Creates a coding into `n` shards, with stripes of [`DEFAULT_STRIPE_BYTES`].
    ///
    /// # Errors
    /// [`CodingError::Shards`] if `n` is 0 or above [`MAX_SHARDS`].
    pub const fn new(n: u16) -> Result<Self, CodingError> {
        Self::with_stripe_bytes(n, DEFAULT_STRIPE_BYTES)
    }

    /// Creates a coding into `n` shards, with stripes of `stripe_bytes` bytes of data; the last
    /// stripe may be shorter.
    ///
    /// A shard is padded to whole leaves of [`LEAF_BYTES`], so a stripe should hold far more than
    /// `k * LEAF_BYTES` bytes.
    ///
    /// # Errors
    /// [`CodingError`] if `n` is 0 or above [`MAX_SHARDS`], or `stripe_bytes` 0 or above
    /// [`MAX_STRIPE_BYTES`].
    pub const fn with_stripe_bytes(n: u16, stripe_bytes: u32) -> Result<Self, CodingError> {
        if n == 0 || n > MAX_SHARDS {
            return Err(CodingError::Shards { got: n, max: MAX_SHARDS });
        }
        if stripe_bytes == 0 || stripe_bytes > MAX_STRIPE_BYTES {
            return Err(CodingError::StripeBytes { got: stripe_bytes, max: MAX_STRIPE_BYTES });
        }
        Ok(Self { n, stripe_bytes })
    }

    /// Returns the number of shards of a stripe.
    #[must_use]
    pub const fn n(&self) -> u16 {
        self.n
    }

    /// Returns the number of shards that restore a stripe: `floor((n - 1) / 3) + 1`.
    #[must_use]
    pub const fn k(&self) -> u16 {
        (self.n.saturating_sub(1) / 3).saturating_add(1)
    }

    /// Returns the number of data bytes in a full stripe.
    #[must_use]
    pub const fn stripe_bytes(&self) -> u32 {
        self.stripe_bytes
    }

    /// Returns the number of leaves in each shard of a stripe of `data_bytes`:
    /// `ceil(data_bytes / (k * LEAF_BYTES))`.
    pub(super) fn leaves(&self, data_bytes: u32) -> u32 {
        // k is at most 342, so the product fits.
        data_bytes.div_ceil(u32::from(self.k()).saturating_mul(LEAF_BYTES_U32))
    }
}

/// A coding is out of bounds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodingError {
    /// The number of shards is 0 or too large.
    #[error("a stripe has {got} shards, but must have from 1 to {max}")]
    Shards {
        /// Shards asked for.
        got: u16,
        /// Maximum number of shards.
        max: u16,
    },
    /// The size of a stripe is 0 or too large.
    #[error("a stripe holds {got} bytes, but must hold from 1 to {max}")]
    StripeBytes {
        /// Bytes asked for.
        got: u32,
        /// Maximum number of bytes.
        max: u32,
    },
}

/// Bytes of a leaf, the unit of openings. A shard is a whole number of leaves.
pub const LEAF_BYTES: usize = LEAF_BYTES_U32 as usize;

const LEAF_BYTES_U32: u32 = 1_024;

/// Default number of data bytes in a stripe: 16 MiB.
pub const DEFAULT_STRIPE_BYTES: u32 = 16 << 20;

/// Maximum number of data bytes in a stripe: 64 MiB, which is encoded in well under 1 GiB of
/// memory.
pub const MAX_STRIPE_BYTES: u32 = 64 << 20;

/// Maximum number of shards of a stripe.
pub const MAX_SHARDS: u16 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_and_one_restore() {
        let expected = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5];
        for (n, k) in (1..).zip(expected) {
            assert_eq!(Coding::new(n).unwrap().k(), k, "{n}");
        }
        assert_eq!(Coding::new(1_024).unwrap().k(), 342);
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(Coding::new(0), Err(CodingError::Shards { got: 0, max: 1_024 }));
        assert_eq!(Coding::new(1_025), Err(CodingError::Shards { got: 1_025, max: 1_024 }));
        let coding = |bytes| Coding::with_stripe_bytes(4, bytes);
        assert_eq!(coding(0), Err(CodingError::StripeBytes { got: 0, max: 64 << 20 }));
        let above = (64 << 20) + 1;
        assert_eq!(coding(above), Err(CodingError::StripeBytes { got: above, max: 64 << 20 }));
        assert_eq!(coding(64 << 20).unwrap().stripe_bytes(), 64 << 20);
    }

    #[test]
    fn shards_take_whole_leaves() {
        let coding = Coding::new(4).unwrap();
        let expected = [(1, 1), (2_048, 1), (2_049, 2), (4_096, 2), (16 << 20, 8_192)];
        for (bytes, leaves) in expected {
            assert_eq!(coding.leaves(bytes), leaves, "{bytes}");
        }
    }
}
