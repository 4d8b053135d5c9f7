/// A table of the numerics, or the range of small integers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(crate) enum Table {
    /// Integers from 0 below a power of two.
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
    /// A row as one integer: the index and the entry, 16 bits each.
    #[must_use]
    pub(crate) const fn row(index: u16, entry: u16) -> u32 {
        index as u32 | (entry as u32) << 16
    }

    /// What tells its rows from those of other tables.
    #[must_use]
    pub(crate) const fn tag(self) -> u64 {
        self as u64
    }
}
