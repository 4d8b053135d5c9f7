//! Who makes a committee, and what its threshold promises.

use alloy_primitives::{Address, B256, U256, uint};
use lazai_consensus::{
    Candidate, Committee, CommitteeError, Epoch, MAX_MEMBERS, Member, Roster, Signers,
    bls::SecretKey, merkle,
};
use proptest::prelude::*;

use crate::support::{EPOCH, QUORUM, address, candidate, committee, secret};

fn refused(candidates: Vec<Candidate>) -> CommitteeError {
    Committee::new(QUORUM, EPOCH, candidates).unwrap_err()
}

#[test]
fn the_order_of_candidates_does_not_matter() {
    let (a, b, c) = (candidate(0, 1), candidate(1, 2), candidate(2, 3));
    let committee = Committee::new(QUORUM, EPOCH, vec![c, a, b]).unwrap();
    assert_eq!(Committee::new(QUORUM, EPOCH, vec![a, b, c]).unwrap(), committee);
    assert_eq!(committee.index_of(address(1)), Some(1));
    assert_eq!(committee.index_of(Address::ZERO), None);
    assert_eq!(committee.total_weight(), 6);
    let weights: Vec<_> = committee.members().iter().map(|member| member.weight).collect();
    assert_eq!(weights, [1, 2, 3]);
}

#[test]
fn the_first_whose_proof_is_false_is_named() {
    for n in [1, 2, 3, 7, 8] {
        for first in 0..n {
            for second in first..n {
                let mut candidates: Vec<_> = (0..n).map(|index| candidate(index, 1)).collect();
                for forged in [first, second] {
                    candidates[forged].possession = secret(forged).sign(b"another message");
                }
                let address = address(first);
                assert_eq!(refused(candidates), CommitteeError::Possession { address });
            }
        }
    }
}

#[test]
fn odd_committees_are_refused() {
    assert_eq!(refused(vec![]), CommitteeError::Size { got: 0, max: MAX_MEMBERS as u64 });
    let many = vec![candidate(0, 1); MAX_MEMBERS + 1];
    assert_eq!(refused(many), CommitteeError::Size { got: 129, max: 128 });
    let address = address(0);
    assert_eq!(refused(vec![candidate(0, 0)]), CommitteeError::ZeroWeight { address });
    let twice = vec![candidate(0, 1), candidate(1, 1), candidate(0, 2)];
    assert_eq!(refused(twice), CommitteeError::DuplicateMember { address });
    let heavy = vec![candidate(0, u64::MAX), candidate(1, 1)];
    assert_eq!(refused(heavy), CommitteeError::WeightOverflow);
}

#[test]
fn a_key_needs_its_owner() {
    // Another's key, together with the proof that the other gave.
    let mut thief = candidate(0, 1);
    thief.address = address(9);
    assert_eq!(refused(vec![thief]), CommitteeError::Possession { address: address(9) });
    // A proof by another key.
    let mut rogue = candidate(0, 1);
    rogue.possession = secret(1).prove_possession(address(0));
    assert_eq!(refused(vec![rogue]), CommitteeError::Possession { address: address(0) });
    // A vote is not a proof, though both are signatures by the same key.
    let mut voter = candidate(0, 1);
    voter.possession = secret(0).sign(&secret(0).public_key().to_bytes());
    assert_eq!(refused(vec![voter]), CommitteeError::Possession { address: address(0) });
    // One secret behind two addresses.
    let (first, mut second) = (candidate(0, 1), candidate(0, 1));
    second.address = address(1);
    second.possession = secret(0).prove_possession(address(1));
    assert_eq!(refused(vec![first, second]), CommitteeError::DuplicateKey { address: address(1) });
}

#[test]
fn keys_that_add_up_to_nothing_are_no_committee() {
    const ORDER: U256 =
        uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);
    let opposite = ORDER - U256::from_be_bytes(secret(0).to_bytes());
    let opposite = SecretKey::from_bytes(&opposite.to_be_bytes()).unwrap();
    let possession = opposite.prove_possession(address(1));
    let key = opposite.public_key();
    let second = Candidate { address: address(1), weight: 1, key, possession };
    assert_eq!(refused(vec![candidate(0, 1), second]), CommitteeError::NoKey);
    Committee::new(QUORUM, EPOCH, vec![candidate(0, 1), second, candidate(2, 1)]).unwrap();
}

#[test]
fn the_root_commits_to_everything() {
    let base = committee(&[1, 2, 3]);
    let mut roots = vec![base.root(), committee(&[1, 2, 4]).root(), committee(&[1, 2]).root()];
    let candidates: Vec<_> = (0..3).map(|index| candidate(index, index as u64 + 1)).collect();
    roots.push(Committee::new(QUORUM, Epoch(4), candidates.clone()).unwrap().root());
    roots.push(Committee::new(Default::default(), EPOCH, candidates).unwrap().root());
    let count = roots.len();
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(roots.len(), count);
    for (index, member) in base.members().iter().enumerate() {
        let path = base.path(index).unwrap();
        assert!(merkle::verify(&base.members_root(), member.leaf(), index as u64, 3, &path));
        let heavier = Member { weight: 100, ..*member };
        assert!(!merkle::verify(&base.members_root(), heavier.leaf(), index as u64, 3, &path));
    }
}

#[test]
fn a_roster_is_canonical() {
    let candidates: Vec<_> = (0..3).map(|index| candidate(index, 5)).collect();
    let roster = Roster { quorum: QUORUM, epoch: EPOCH, candidates };
    let bytes = roster.encode();
    assert_eq!(bytes.len(), 43 + 3 * 172);
    assert_eq!(Roster::decode(&bytes).unwrap(), roster);
    assert_eq!(roster.seat().unwrap(), committee(&[5, 5, 5]));
    for length in 0..bytes.len() {
        assert!(Roster::decode(&bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Roster::decode(&longer).is_err());
    // Two members in the wrong order.
    let mut swapped = bytes.clone();
    let (first, second) = swapped[43..].split_at_mut(172);
    first.swap_with_slice(&mut second[..172]);
    assert!(Roster::decode(&swapped).is_err());
    // A count that would need megabytes.
    let mut claimed = bytes;
    claimed[41..43].copy_from_slice(&[0xff; 2]);
    assert!(Roster::decode(&claimed).is_err());
}

#[test]
fn the_largest_roster_fits_into_one_contract() {
    const MAX_CODE_BYTES: usize = 24_576;
    // The byte in front is what marks the code as data.
    let roster =
        Roster { quorum: QUORUM, epoch: EPOCH, candidates: vec![candidate(0, 1); MAX_MEMBERS] };
    assert!(roster.encode().len() < MAX_CODE_BYTES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn two_quorums_share_more_than_a_third(
        weights in prop::collection::vec(1_u64..1_000, 1..9),
        one in any::<u16>(),
        other in any::<u16>(),
    ) {
        let committee = committee(&weights);
        let total = u128::from(committee.total_weight());
        let threshold = u128::from(committee.threshold());
        prop_assert!(threshold * 3 > total * 2 && (threshold - 1) * 3 <= total * 2);
        let set = |bits: u16| {
            let mut signers = Signers::none(u8::try_from(weights.len()).unwrap()).unwrap();
            for index in 0..weights.len() {
                if bits >> index & 1 == 1 {
                    assert!(signers.insert(index));
                }
            }
            signers
        };
        let (one, other) = (set(one), set(other));
        let weight = |signers: Signers| signers.weight(&committee);
        if weight(one) >= committee.threshold() && weight(other) >= committee.threshold() {
            prop_assert!(u128::from(weight(one.intersection(other))) * 3 > total);
        }
    }

    #[test]
    fn random_bytes_are_no_roster(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(roster) = Roster::decode(&bytes) {
            prop_assert_eq!(roster.encode(), bytes);
        }
    }
}

#[test]
fn an_empty_roster_decodes_but_seats_nobody() {
    let roster = Roster { quorum: QUORUM, epoch: EPOCH, candidates: vec![] };
    let roster = Roster::decode(&roster.encode()).unwrap();
    assert_eq!(roster.seat().unwrap_err(), CommitteeError::Size { got: 0, max: 128 });
    assert_eq!(merkle::root(&[]), B256::ZERO);
}
