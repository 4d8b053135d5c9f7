use alloy_primitives::{Address, U256};

/// Who gets a part of the base fees that a block would burn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Treasury {
    /// The account.
    pub account: Address,
    /// Hundredths of a percent; 10,000 leaves nothing to burn.
    pub share_bps: u16,
}

impl Treasury {
    /// Returns the part of `base_fees`, in wei and rounded down, that the account gets of a block.
    /// The rest is burned.
    #[must_use]
    pub fn part(&self, base_fees: U256) -> U256 {
        let share = U256::from(self.share_bps.min(WHOLE_BPS));
        // Base fees of a block are below 2^64 gas times 2^128 wei.
        base_fees.saturating_mul(share) / U256::from(WHOLE_BPS)
    }
}

/// All of it, in hundredths of a percent.
const WHOLE_BPS: u16 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_down() {
        let part = |share_bps, fees: u64| {
            Treasury { account: Address::ZERO, share_bps }.part(U256::from(fees))
        };
        assert_eq!(part(0, 1_000), U256::ZERO);
        assert_eq!(part(3_333, 10_001), U256::from(3_333));
        assert_eq!(part(10_000, 10_001), U256::from(10_001));
        assert_eq!(part(u16::MAX, 10_001), U256::from(10_001));
    }
}
