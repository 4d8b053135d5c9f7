use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use lazai_availability::{
    AnswerError, Assignment, AuditAnswer, AuditFailure, AuditPlan, AuditReport, Auditor,
    DatasetCommitment, Holding, Manifest, Opening, OpeningError, Place, SampleError, SamplePlan,
    detection_ppm,
};
use lazai_consensus::{Epoch, Fact, QuorumId, merkle};
use proptest::prelude::*;

use crate::{Shards, coding, data, publish};

const MEMBER: Address = Address::repeat_byte(0xa1);

fn auditor(beacon: u64) -> Auditor {
    let quorum = QuorumId(B256::repeat_byte(0x51));
    Auditor { quorum, epoch: Epoch(7), beacon: B256::left_padding_from(&beacon.to_be_bytes()) }
}

/// Two datasets, and the holdings of the member at index 1 of four.
struct Kept {
    datasets: BTreeMap<B256, (Manifest, Shards)>,
    holdings: Vec<Holding>,
}

impl Kept {
    fn new() -> Self {
        let assignment = Assignment::new([3, 2, 1, 1]).unwrap();
        let published = [(30_000, 9_000), (5_000, 5_000)].map(|(length, stripe_bytes)| {
            let (manifest, mut shards) =
                publish(&data(length, 4), coding(assignment.n(), stripe_bytes));
            shards.retain(|(stripe, index), _| assignment.holder(*stripe, *index) == Some(1));
            (manifest.root(), (manifest, shards))
        });
        let datasets = BTreeMap::from(published);
        let seats: Vec<_> = assignment.seats(1).collect();
        let holding = |(manifest, _): &(Manifest, Shards)| Holding {
            commitment: *manifest.commitment(),
            seats: seats.clone(),
        };
        let holdings = datasets.values().map(holding).collect();
        Self { datasets, holdings }
    }

    fn open(&self, commitment: &DatasetCommitment, place: Place) -> Option<Opening> {
        let (manifest, shards) = &self.datasets[&commitment.root()];
        let shard = shards.get(&(place.stripe, place.shard))?.borrowed();
        Some(shard.verify(manifest).unwrap().open(manifest, place.leaf).unwrap())
    }

    fn plan(&self, beacon: u64, count: u16) -> AuditPlan {
        AuditPlan::new(&auditor(beacon), MEMBER, &self.holdings, count)
    }

    /// Returns all leaves that the member stores.
    fn leaves(&self) -> BTreeSet<(B256, Place)> {
        let all = self.datasets.iter().flat_map(|(root, (manifest, shards))| {
            shards.keys().flat_map(move |&(stripe, shard)| {
                let leaves = 0..manifest.commitment().leaves(stripe);
                leaves.map(move |leaf| (*root, Place { stripe, shard, leaf }))
            })
        });
        all.collect()
    }
}

#[test]
fn honest_members_answer_everything() {
    let kept = Kept::new();
    for beacon in 0..20 {
        let plan = kept.plan(beacon, 20);
        assert_eq!(plan.challenges().len(), 20);
        let answer = AuditAnswer::collect(&plan, |commitment, place| kept.open(commitment, place));
        assert_eq!(answer.check(&plan), Ok(()));
        let encoded = answer.encode();
        assert_eq!(AuditAnswer::decode(&encoded, &plan), Ok(answer));
    }
}

#[test]
fn plans_ask_for_exactly_what_is_held() {
    let kept = Kept::new();
    let plan = kept.plan(3, 1_024);
    let asked: BTreeSet<_> =
        plan.challenges().iter().map(|(commitment, place)| (commitment.root(), *place)).collect();
    assert_eq!(asked, kept.leaves());
    // Four stripes of 3, 3, 3 and 1 leaves and one of 2, two shards of each.
    assert_eq!(asked.len(), 2 * (10 + 2));
}

#[test]
fn plans_depend_on_everything_but_the_order_of_holdings() {
    let kept = Kept::new();
    let plan = kept.plan(3, 20);
    let mut reversed = kept.holdings.clone();
    reversed.reverse();
    reversed.push(kept.holdings[0].clone());
    assert_eq!(AuditPlan::new(&auditor(3), MEMBER, &reversed, 20), plan);
    assert_ne!(kept.plan(4, 20), plan);
    let others = [
        (Auditor { epoch: Epoch(8), ..auditor(3) }, MEMBER),
        (Auditor { quorum: QuorumId(B256::ZERO), ..auditor(3) }, MEMBER),
        (auditor(3), Address::ZERO),
    ];
    for (auditor, member) in others {
        assert_ne!(AuditPlan::new(&auditor, member, &kept.holdings, 20), plan);
    }
    assert!(AuditPlan::new(&auditor(3), MEMBER, &[], 20).challenges().is_empty());
    let nothing = Holding { seats: vec![7, 99], ..kept.holdings[0].clone() };
    assert!(AuditPlan::new(&auditor(3), MEMBER, &[nothing], 20).challenges().is_empty());
    assert_eq!(kept.plan(3, u16::MAX).challenges().len(), 1_024);
}

#[test]
fn wrong_answers_are_named() {
    let kept = Kept::new();
    let plan = kept.plan(3, 6);
    let right = AuditAnswer::collect(&plan, |commitment, place| kept.open(commitment, place));
    let mut wrong = right.clone();
    wrong.openings[1] = None;
    wrong.openings[2] = right.openings[3].clone();
    wrong.openings[4].as_mut().unwrap().bytes[9] ^= 1;
    wrong.openings.pop();
    let places = |index: usize| plan.challenges()[index].1;
    let failures = wrong.check(&plan).unwrap_err();
    assert_eq!(
        failures,
        [
            (1, AuditFailure::Missing),
            (2, AuditFailure::WrongPlace { asked: places(2), got: places(3) }),
            (4, AuditFailure::Opening(OpeningError::WrongRoot)),
            (5, AuditFailure::Missing),
        ]
    );
}

/// The share of audits that find a loss lies within 4.5 standard deviations of the formula, which
/// chance alone leaves once in 147,000 cases. Twelve cases with fixed seeds, 4,000 audits each.
#[test]
fn the_rate_of_detection_is_that_of_the_formula() {
    const TRIALS: u32 = 4_000;
    // 2 seats of 1,000 leaves each in 20 stripes.
    let commitment = DatasetCommitment::new(1_000 * 3 * 1_024, coding(7, 150 * 1_024), B256::ZERO);
    let holding = Holding { commitment: commitment.unwrap(), seats: vec![1, 5] };
    let all: BTreeSet<_> = (0..commitment.unwrap().stripes())
        .flat_map(|stripe| {
            let held = Assignment::new([1; 7]).unwrap();
            let shards: Vec<_> = [1, 5].iter().flat_map(|m| held.shards(*m, stripe)).collect();
            shards.into_iter().flat_map(move |shard| {
                (0..commitment.unwrap().leaves(stripe)).map(move |leaf| (stripe, shard, leaf))
            })
        })
        .collect();
    assert_eq!(all.len(), 2_000);
    for lost_count in [20_usize, 100, 400] {
        for count in [1_u16, 5, 20, 50] {
            let mut found = 0_u32;
            for trial in 0..TRIALS {
                let beacon = u64::from(trial) << 32 | u64::from(count) << 16 | lost_count as u64;
                // The loss is contiguous, at a different position in each trial.
                let start = trial as usize * 37 % 2_000;
                let lost: BTreeSet<_> = all.iter().cycle().skip(start).take(lost_count).collect();
                let plan = AuditPlan::new(
                    &auditor(beacon),
                    MEMBER,
                    core::slice::from_ref(&holding),
                    count,
                );
                found += u32::from(
                    plan.challenges()
                        .iter()
                        .any(|(_, place)| lost.contains(&(place.stripe, place.shard, place.leaf))),
                );
            }
            let expected = f64::from(detection_ppm(lost_count as u64, 2_000, count.into())) / 1e6;
            let deviation = (expected * (1.0 - expected) / f64::from(TRIALS)).sqrt();
            let rate = f64::from(found) / f64::from(TRIALS);
            println!(
                "lost {lost_count} of 2000, {count} leaves: found {rate:.4}, formula {expected:.4}, \
                 {:+.2} deviations",
                (rate - expected) / deviation
            );
            assert!((rate - expected).abs() <= 4.5 * deviation + 1e-6);
        }
    }
}

#[test]
fn a_report_lists_who_failed() {
    let members: Vec<_> = (1..=7).map(Address::repeat_byte).collect();
    let mut report = AuditReport::default();
    for (index, member) in members.iter().enumerate().rev() {
        report.record(*member, index % 3 != 0);
    }
    report.record(members[0], true);
    assert_eq!(report.passed().collect::<Vec<_>>(), [1, 2, 4, 5].map(|at| members[at]));
    let Fact::Audit { beacon, failed, failed_count, .. } = report.fact(B256::repeat_byte(9)) else {
        panic!("no audit");
    };
    assert_eq!((beacon, failed_count), (B256::repeat_byte(9), 3));
    for (expected, member) in (0..).zip([0, 3, 6].map(|at| members[at])) {
        let (index, path) = report.failure_path(member).unwrap();
        assert_eq!(index, expected);
        let leaf = merkle::leaf(member.as_slice());
        assert!(merkle::verify(&failed, leaf, index, failed_count.into(), &path));
    }
    assert_eq!(report.failure_path(members[1]), None);
}

#[test]
fn light_clients_sample_shards() {
    let (manifest, shards) = publish(&data(30_000, 4), coding(7, 9_000));
    let commitment = manifest.commitment();
    for plan in [
        SamplePlan::of_dataset(commitment, B256::repeat_byte(1), 40),
        SamplePlan::of_stripe(commitment, 2, B256::repeat_byte(1), 40),
    ] {
        let open = |place: Place| {
            let shard = shards[&(place.stripe, place.shard)].borrowed();
            shard.verify(&manifest).unwrap().open(&manifest, place.leaf).unwrap()
        };
        let openings: Vec<_> = plan.places().iter().map(|place| open(*place)).collect();
        for (index, opening) in openings.iter().enumerate() {
            assert_eq!(plan.check(commitment, index, opening), Ok(()));
            let mut forged = opening.clone();
            forged.bytes[1_000] ^= 1;
            let error = plan.check(commitment, index, &forged);
            assert_eq!(error, Err(SampleError::Opening(OpeningError::WrongRoot)));
        }
        let other = openings.iter().find(|other| other.place() != plan.places()[0]).unwrap();
        let wrong = SampleError::WrongPlace { asked: plan.places()[0], got: other.place() };
        assert_eq!(plan.check(commitment, 0, other), Err(wrong));
        let none = plan.check(commitment, 40, other);
        assert_eq!(none, Err(SampleError::NoSample { got: 40 }));
    }
}

#[test]
fn answers_decode_from_their_own_bytes_alone() {
    let kept = Kept::new();
    let plan = kept.plan(3, 3);
    let mut answer = AuditAnswer::collect(&plan, |commitment, place| kept.open(commitment, place));
    answer.openings[1] = None;
    let encoded = answer.encode();
    assert_eq!(AuditAnswer::decode(&encoded, &plan), Ok(answer));
    for length in 0..encoded.len() {
        assert!(AuditAnswer::decode(&encoded[..length], &plan).is_err(), "{length}");
    }
    let longer = [encoded.as_slice(), &[0]].concat();
    assert_eq!(AuditAnswer::decode(&longer, &plan), Err(AnswerError::TooLong { count: 1 }));
    assert_eq!(AuditAnswer::decode(&[2], &plan), Err(AnswerError::Mark { got: 2 }));
}

proptest! {
    #[test]
    fn random_bytes_pass_no_audit(bytes in prop::collection::vec(any::<u8>(), 0..4_000), marks: bool) {
        let kept = Kept::new();
        let plan = kept.plan(3, 3);
        let mut bytes = bytes;
        if marks && let Some(first) = bytes.first_mut() {
            *first &= 1;
        }
        if let Ok(answer) = AuditAnswer::decode(&bytes, &plan) {
            prop_assert_eq!(answer.encode(), bytes);
            prop_assert!(answer.check(&plan).is_err());
        }
    }

    #[test]
    fn no_change_of_an_answer_passes(at: prop::sample::Index, change in 1..=255_u8) {
        let kept = Kept::new();
        let plan = kept.plan(3, 3);
        let answer = AuditAnswer::collect(&plan, |commitment, place| kept.open(commitment, place));
        let mut bytes = answer.encode();
        let place = at.index(bytes.len());
        bytes[place] ^= change;
        if let Ok(answer) = AuditAnswer::decode(&bytes, &plan) {
            prop_assert!(answer.check(&plan).is_err());
        }
    }
}
