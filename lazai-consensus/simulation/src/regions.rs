use core::time::Duration;

/// A location of nodes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the names of the regions say it")]
pub enum Region {
    UsEast1,
    EuCentral1,
    ApNortheast1,
    UsWest2,
    ApSoutheast1,
    SaEast1,
    ApSoutheast2,
    EuWest1,
    ApSouth1,
    AfSouth1,
}

impl Region {
    /// All regions, ordered so that the first four, seven and ten span the world.
    pub const ALL: [Self; 10] = [
        Self::UsEast1,
        Self::EuCentral1,
        Self::ApNortheast1,
        Self::UsWest2,
        Self::ApSoutheast1,
        Self::SaEast1,
        Self::ApSoutheast2,
        Self::EuWest1,
        Self::ApSouth1,
        Self::AfSouth1,
    ];

    /// Returns half the median round trip to another region.
    ///
    /// # Source
    /// Medians of a year between AWS regions, published by cloudping.co and kept with commonware's
    /// estimator (`examples/estimator/src/p50.json`), of both directions, rounded up or down to
    /// milliseconds.
    #[must_use]
    pub fn one_way(self, other: Self) -> Duration {
        let (near, far) = (self.min(other) as usize, self.max(other) as usize);
        let row = ROUND_TRIPS_MS.get(far).copied().unwrap_or_default();
        let round_trip_ms = row.get(near).copied().unwrap_or_default();
        Duration::from_micros(u64::from(round_trip_ms).saturating_mul(500))
    }
}

/// Round trips in milliseconds to the preceding regions.
#[rustfmt::skip]
const ROUND_TRIPS_MS: [&[u16]; 10] = [
    &[1],
    &[93, 1],
    &[150, 227, 1],
    &[64, 143, 98, 1],
    &[220, 161, 71, 161, 1],
    &[115, 205, 259, 175, 328, 1],
    &[200, 251, 107, 141, 95, 312, 1],
    &[70, 27, 202, 118, 179, 178, 256, 1],
    &[193, 129, 133, 222, 64, 302, 155, 126, 1],
    &[228, 156, 357, 274, 317, 338, 409, 160, 274, 1],
];
