//! What makes quorums safe, over random committees.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use lazai_consensus::{Committee, Member, Tally, TallyError, Vote};
use proptest::{collection::vec, prelude::*};

fn committee() -> impl Strategy<Value = Committee> {
    // The largest weights of 40 members just fit 64 bits.
    let weight = prop_oneof![Just(1_u64), 1..=9_u64, 1..=u64::MAX / 40, Just(u64::MAX / 40)];
    vec(weight, 1..=40).prop_map(|weights| {
        let members = weights.into_iter().zip(1..);
        let members =
            members.map(|(weight, byte)| Member { address: Address::repeat_byte(byte), weight });
        Committee::new(members.collect()).expect("the members are distinct and their sum fits")
    })
}

/// The committee with its members in two orders, in which they might vote.
fn orders() -> impl Strategy<Value = (Committee, Vec<Member>, Vec<Member>)> {
    committee().prop_flat_map(|committee| {
        let members = committee.members().to_vec();
        let shuffled = || Just(members.clone()).prop_shuffle();
        (Just(committee), shuffled(), shuffled())
    })
}

/// The first members of `order` that are a quorum, and their weight as 128 bits.
fn quorum(committee: &Committee, order: &[Member]) -> (BTreeSet<Address>, u128) {
    let mut tally = Tally::new(committee);
    let mut members = order.iter();
    while !tally.is_quorum() {
        let member = members.next().expect("all members are a quorum");
        assert_eq!(tally.record(member.address), Ok(Vote::Counted));
    }
    (tally.voters().collect(), tally.weight().into())
}

proptest! {
    #[test]
    fn two_quorums_share_more_than_a_third((committee, left, right) in orders()) {
        let total = u128::from(committee.total_weight());
        let (left, left_weight) = quorum(&committee, &left);
        let (right, right_weight) = quorum(&committee, &right);
        prop_assert!(3 * left_weight > 2 * total && 3 * right_weight > 2 * total);
        let shared: u128 = committee
            .members()
            .iter()
            .filter(|member| left.contains(&member.address) && right.contains(&member.address))
            .map(|member| u128::from(member.weight))
            .sum();
        prop_assert!(3 * shared > total);
    }

    #[test]
    fn the_threshold_is_the_least_weight_above_two_thirds(committee in committee()) {
        let total = u128::from(committee.total_weight());
        let threshold = u128::from(committee.threshold());
        prop_assert!(3 * threshold > 2 * total);
        prop_assert!(3 * (threshold - 1) <= 2 * total);
        prop_assert!(threshold <= total);
    }

    #[test]
    fn a_tally_is_the_weight_of_its_distinct_voters(
        committee in committee(), votes in vec(0..50_u8, 0..100),
    ) {
        let mut tally = Tally::new(&committee);
        let mut voters = BTreeSet::new();
        for byte in votes {
            let voter = Address::repeat_byte(byte);
            let before = tally.clone();
            match tally.record(voter) {
                Ok(Vote::Counted) => prop_assert!(voters.insert(voter)),
                Ok(Vote::Repeated) => {
                    prop_assert!(voters.contains(&voter));
                    prop_assert_eq!(&tally, &before);
                }
                Err(error) => {
                    prop_assert_eq!(error, TallyError::UnknownVoter { voter });
                    prop_assert_eq!(committee.index_of(voter), None);
                    prop_assert_eq!(&tally, &before);
                }
            }
        }
        let weight = committee
            .members()
            .iter()
            .filter(|member| voters.contains(&member.address))
            .map(|member| member.weight)
            .sum::<u64>();
        prop_assert_eq!(tally.weight(), weight);
        prop_assert_eq!(tally.voters().collect::<BTreeSet<_>>(), voters);
        prop_assert_eq!(tally.is_quorum(), weight >= committee.threshold());
    }

    #[test]
    fn the_order_of_votes_does_not_matter((committee, left, right) in orders(), count in 0..41_usize) {
        let chosen: BTreeSet<_> = left.iter().take(count).map(|member| member.address).collect();
        let tally = |order: &[Member]| {
            let mut tally = Tally::new(&committee);
            for member in order.iter().filter(|member| chosen.contains(&member.address)) {
                tally.record(member.address).unwrap();
            }
            tally
        };
        prop_assert_eq!(tally(&left), tally(&right));
    }
}
