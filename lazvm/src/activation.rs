use revm::context::Block;

/// From which block on something holds.
///
/// It is part of consensus: nodes with different activations are on different chains.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Activation {
    /// The block with this number, and all after it.
    Block(u64),
    /// Every block.
    #[default]
    Genesis,
    /// No block.
    Never,
    /// Every block with this time or a later one, in seconds as in the header.
    Timestamp(u64),
}

impl Activation {
    /// Tells whether it holds in the block at `position`.
    #[must_use]
    pub const fn is_active(self, position: BlockPosition) -> bool {
        match self {
            Self::Block(number) => position.number >= number,
            Self::Genesis => true,
            Self::Never => false,
            Self::Timestamp(timestamp) => position.timestamp >= timestamp,
        }
    }

    /// Its place among the changes of a chain: all that begin at a block, then all that begin at a
    /// time, each by itself in its order. A block and a time have no order of their own, so without
    /// this rule it would matter which was added first.
    pub(crate) const fn order(self) -> (u8, u64) {
        match self {
            Self::Genesis => (0, 0),
            Self::Block(number) => (0, number),
            Self::Timestamp(timestamp) => (1, timestamp),
            Self::Never => (2, 0),
        }
    }
}

/// Where a block stands in its chain, which decides what holds in it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BlockPosition {
    /// The number of the block.
    pub number: u64,
    /// The time in its header, in seconds.
    pub timestamp: u64,
}

impl BlockPosition {
    /// Returns the position of `block`. Numbers above 64 bits, which no chain reaches, count as the
    /// highest.
    pub fn of<B: Block + ?Sized>(block: &B) -> Self {
        Self {
            number: block.number().saturating_to(),
            timestamp: block.timestamp().saturating_to(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use revm::context::BlockEnv;

    use super::*;

    #[test]
    fn each_activation_has_a_first_block() {
        let at = |number, timestamp| BlockPosition { number, timestamp };
        for (activation, last_before, first) in [
            (Activation::Block(5), at(4, 99), at(5, 0)),
            (Activation::Timestamp(5), at(99, 4), at(0, 5)),
        ] {
            assert!(!activation.is_active(last_before), "{activation:?}");
            assert!(activation.is_active(first), "{activation:?}");
        }
        assert!(Activation::Genesis.is_active(at(0, 0)));
        assert!(!Activation::Never.is_active(at(u64::MAX, u64::MAX)));
    }

    #[test]
    fn numbers_above_64_bits_count_as_the_highest() {
        let block = BlockEnv { number: U256::MAX, timestamp: U256::from(7), ..BlockEnv::default() };
        let position = BlockPosition::of(&block);
        assert_eq!(position, BlockPosition { number: u64::MAX, timestamp: 7 });
    }
}
