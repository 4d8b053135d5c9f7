//! The numbers that inputs are made of, and how they are drawn.

/// A number of an input, from `min` to `max`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gene {
    min: u32,
    max: u32,
}

impl Gene {
    pub(crate) const fn new(min: u32, max: u32) -> Self {
        Self { min, max }
    }

    pub(crate) const fn below(count: u32) -> Self {
        Self::new(0, count - 1)
    }

    /// The ends and small numbers come more often than others.
    pub(crate) fn draw(self, random: &mut Random) -> u32 {
        let span = self.max - self.min;
        let offset = match random.below(6) {
            0 => 0,
            1 => span,
            2 => random.below(span.min(16) + 1),
            3 => random.below(span.min(256) + 1),
            _ => random.below(span + 1),
        };
        self.min + offset
    }

    pub(crate) fn mutate(self, value: u32, random: &mut Random) -> u32 {
        let value = match random.below(5) {
            0 => value.saturating_add(1),
            1 => value.saturating_sub(1),
            2 => value.saturating_mul(2),
            3 => value / 2,
            _ => self.draw(random),
        };
        value.clamp(self.min, self.max)
    }
}

/// The splitmix64 generator.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, nearly uniform.
    pub(crate) const fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((((word ^ (word >> 31)) >> 32) * limit as u64) >> 32) as u32
    }
}
