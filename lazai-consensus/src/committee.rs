use alloc::vec::Vec;

use alloy_primitives::Address;

/// Who may vote, and with what weight.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committee {
    /// Ascending by address.
    members: Vec<Member>,
    total_weight: u64,
}

impl Committee {
    /// Makes a committee of `members`, given in any order.
    ///
    /// # Errors
    /// [`CommitteeError`] if there are none or too many, if an address appears twice, if a weight is 0, or if the
    /// weights exceed 64 bits in total.
    pub fn new(mut members: Vec<Member>) -> Result<Self, CommitteeError> {
        if members.is_empty() || members.len() > MAX_MEMBERS {
            return Err(CommitteeError::Size {
                got: members.len() as u64,
                max: MAX_MEMBERS as u64,
            });
        }
        members.sort_unstable_by_key(|member| member.address);
        let mut total_weight: u64 = 0;
        let mut previous = None;
        for Member { address, weight } in members.iter().copied() {
            if previous.replace(address) == Some(address) {
                return Err(CommitteeError::DuplicateMember { address });
            }
            if weight == 0 {
                return Err(CommitteeError::ZeroWeight { address });
            }
            total_weight =
                total_weight.checked_add(weight).ok_or(CommitteeError::WeightOverflow)?;
        }
        Ok(Self { members, total_weight })
    }

    /// The members, ascending by address.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The place of an address among the members.
    #[must_use]
    pub fn index_of(&self, address: Address) -> Option<usize> {
        self.members.binary_search_by_key(&address, |member| member.address).ok()
    }

    /// The weight of all members together; at least 1.
    #[must_use]
    pub const fn total_weight(&self) -> u64 {
        self.total_weight
    }

    /// The least weight that is strictly more than two thirds of the total.
    ///
    /// Arithmetic: `total - floor((total - 1) / 3)`, which equals `floor(2 * total / 3) + 1` and never exceeds the
    /// total.
    #[must_use]
    #[allow(clippy::arithmetic_side_effects)]
    pub const fn threshold(&self) -> u64 {
        // The total is at least 1, and what is taken from it is less than a third of it.
        self.total_weight - (self.total_weight - 1) / 3
    }
}

/// One who may vote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Member {
    /// The wallet of the member.
    pub address: Address,
    /// What its vote counts; at least 1.
    pub weight: u64,
}

/// Why members do not make a committee.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommitteeError {
    /// An address appears twice.
    #[error("{address} is a member twice")]
    DuplicateMember {
        /// The address.
        address: Address,
    },
    /// There are no members, or too many.
    #[error("a committee has {got} members, but must have from 1 to {max}")]
    Size {
        /// Members given.
        got: u64,
        /// Most members.
        max: u64,
    },
    /// The weights are too large.
    #[error("the weights of a committee exceed 64 bits in total")]
    WeightOverflow,
    /// A member would have no vote.
    #[error("the weight of {address} is 0")]
    ZeroWeight {
        /// The member.
        address: Address,
    },
}

/// Most members of a committee.
pub const MAX_MEMBERS: usize = 1_024;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn member(byte: u8, weight: u64) -> Member {
        Member { address: Address::repeat_byte(byte), weight }
    }

    fn threshold(weights: &[u64]) -> u64 {
        let members = weights.iter().zip(1..).map(|(weight, byte)| member(byte, *weight)).collect();
        Committee::new(members).unwrap().threshold()
    }

    #[test]
    fn thresholds_are_strictly_above_two_thirds() {
        let expected = [1, 2, 3, 3, 4, 5, 5, 6, 7, 7];
        for (total, expected) in (1..).zip(expected) {
            assert_eq!(threshold(&[total]), expected, "{total}");
        }
        assert_eq!(threshold(&[10, 10, 10, 10]), 27);
        assert_eq!(threshold(&[u64::MAX]), 12_297_829_382_473_034_411);
        assert_eq!(threshold(&[u64::MAX - 1, 1]), 12_297_829_382_473_034_411);
    }

    #[test]
    fn the_order_of_members_does_not_matter() {
        let committee = Committee::new(vec![member(3, 1), member(1, 2), member(2, 3)]).unwrap();
        let same = Committee::new(vec![member(1, 2), member(2, 3), member(3, 1)]).unwrap();
        assert_eq!(committee, same);
        assert_eq!(committee.members(), [member(1, 2), member(2, 3), member(3, 1)]);
        assert_eq!(committee.index_of(Address::repeat_byte(2)), Some(1));
        assert_eq!(committee.index_of(Address::repeat_byte(4)), None);
        assert_eq!(committee.total_weight(), 6);
    }

    #[test]
    fn odd_committees_are_refused() {
        let error = |members| Committee::new(members).unwrap_err();
        assert_eq!(error(vec![]), CommitteeError::Size { got: 0, max: 1_024 });
        let address = Address::repeat_byte(1);
        assert_eq!(error(vec![member(1, 0)]), CommitteeError::ZeroWeight { address });
        let twice = vec![member(1, 1), member(2, 1), member(1, 2)];
        assert_eq!(error(twice), CommitteeError::DuplicateMember { address });
        let heavy = vec![member(1, u64::MAX), member(2, 1)];
        assert_eq!(error(heavy), CommitteeError::WeightOverflow);
    }

    #[test]
    fn the_size_is_bounded() {
        let members = |count: u16| -> Vec<_> {
            (0..count)
                .map(|index| {
                    let mut address = [0; 20];
                    address[18..].copy_from_slice(&index.to_be_bytes());
                    Member { address: Address::new(address), weight: 1 }
                })
                .collect()
        };
        assert_eq!(Committee::new(members(1_024)).unwrap().total_weight(), 1_024);
        assert_eq!(
            Committee::new(members(1_025)),
            Err(CommitteeError::Size { got: 1_025, max: 1_024 })
        );
    }
}
