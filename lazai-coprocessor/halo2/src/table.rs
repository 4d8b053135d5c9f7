/// A table that is looked up: one of docs/numerics.md, or the range of small integers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(crate) enum Table {
    /// The integers from 0 to below a power of two.
    Range = 0,
    /// `EXP`.
    Exp = 1,
    /// `SIGMOID`.
    Sigmoid = 2,
    /// `GELU`.
    Gelu = 3,
    /// `GELU_TANH`.
    GeluTanh = 4,
    /// `RSQRT`.
    Rsqrt = 5,
}

impl Table {
    /// Returns a row as one integer: index and entry, 16 bits each.
    #[must_use]
    pub(crate) const fn row(index: u16, entry: u16) -> u32 {
        index as u32 | (entry as u32) << 16
    }

    /// Returns the number that tells rows of this table from those of others.
    #[must_use]
    pub(crate) const fn tag(self) -> u64 {
        self as u64
    }
}
