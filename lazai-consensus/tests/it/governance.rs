//! A quorum decides by weighted votes, once, and changes itself.

use alloy_primitives::{Address, B256};
use lazai_consensus::{
    Attestor, Candidate, CertificateError, Committee, CommitteeError, Epoch, Evidence,
    MemoryVoteStore, Progress, QuorumCertificate, Roster, Tally,
    governance::{Action, Charter, CharterError, MAX_PROPOSAL_BYTES, MAX_TEXT_BYTES, Proposal},
};
use proptest::prelude::*;

use crate::support::{EPOCH, QUORUM, address, candidate, certificate, committee, secret};

const ITEM: B256 = B256::repeat_byte(0x17);

fn charter(weights: &[u64]) -> (Charter, Committee) {
    let candidates = (0..).zip(weights).map(|(index, weight)| candidate(index, *weight)).collect();
    let roster = Roster { quorum: QUORUM, epoch: EPOCH, candidates };
    (Charter::new(roster, [(ITEM, 800)].into()), committee(weights))
}

const fn proposal(action: Action) -> Proposal {
    Proposal { quorum: QUORUM, epoch: EPOCH, nonce: 1, action }
}

fn approve(proposal: &Proposal, members: &[usize]) -> QuorumCertificate {
    certificate(&proposal.decision(true), members, 4)
}

#[test]
fn weighted_votes_decide_once() {
    let (mut charter, committee) = charter(&[10, 10, 10, 1]);
    let proposal = proposal(Action::ChangePrice { item: ITEM, from: 800, to: 900 });
    charter.check(&proposal).unwrap();
    let decision = proposal.decision(true);
    let mut tally = Tally::new(&committee, decision.slot()).unwrap();
    let mut pens: Vec<_> = (0..4)
        .map(|index| Attestor::new(address(index), secret(index), MemoryVoteStore::default()))
        .collect();
    let mut decided = None;
    // Three of four, but 21 of 31 are two thirds and no more: the threshold is 21.
    for (index, weight) in [(0, 10), (3, 11)] {
        let vote = pens[index].attest(decision, &committee).unwrap();
        assert_eq!(tally.add(&vote).unwrap(), Progress::Pending { weight });
    }
    let vote = pens[1].attest(decision, &committee).unwrap();
    if let Progress::Certified(certificate) = tally.add(&vote).unwrap() {
        decided = Some(certificate);
    }
    let decided = decided.unwrap();
    // Nobody who approved can reject.
    assert!(pens[1].attest(proposal.decision(false), &committee).is_err());
    assert_eq!(
        charter.enact(&proposal, false, &decided, &committee),
        Err(CharterError::Certificate(CertificateError::Attestation {
            expected: proposal.decision(false).hash(),
            got: decision.hash(),
        }))
    );
    charter.enact(&proposal, true, &decided, &committee).unwrap();
    assert_eq!(charter.price(ITEM), Some(900));
    let again = charter.enact(&proposal, true, &decided, &committee);
    assert_eq!(again, Err(CharterError::Decided { proposal: proposal.hash() }));
}

#[test]
fn two_decisions_on_one_proposal_convict_those_who_signed_both() {
    #[derive(Debug)]
    struct Unasked;
    impl lazai_consensus::Refuter for Unasked {
        fn refutes(
            &self,
            _: &lazai_consensus::Attestation,
            _: &[u8],
        ) -> Result<bool, lazai_consensus::EvidenceError> {
            panic!("nothing is refuted")
        }
    }
    let (_, committee) = charter(&[1; 4]);
    let proposal = proposal(Action::Text("to be or not".into()));
    let (yes, no) = (proposal.decision(true), proposal.decision(false));
    assert_eq!(yes.slot(), no.slot());
    let first = Box::new((yes, certificate(&yes, &[0, 1, 2], 4)));
    let second = Box::new((no, certificate(&no, &[1, 2, 3], 4)));
    let offenders = Evidence::TwoCertificates { first, second }.verify(&committee, &Unasked);
    assert_eq!(offenders.unwrap().members, [address(1), address(2)]);
}

#[test]
fn memberships_change_with_the_epoch() {
    let (mut charter, committee) = charter(&[1; 4]);
    let mut enact = |action| {
        let proposal = proposal(action);
        charter.enact(&proposal, true, &approve(&proposal, &[0, 1, 2]), &committee)
    };
    enact(Action::AddMember(Box::new(candidate(9, 5)))).unwrap();
    enact(Action::ChangeWeight { member: address(1), weight: 3 }).unwrap();
    enact(Action::RemoveMember { member: address(0) }).unwrap();
    let next = charter.next_roster().unwrap().seat().unwrap();
    assert_eq!(next.epoch(), Epoch(EPOCH.0 + 1));
    let members: Vec<_> =
        next.members().iter().map(|member| (member.address, member.weight)).collect();
    let expected = [(1, 3), (2, 1), (3, 1), (9, 5)];
    assert_eq!(members, expected.map(|(index, weight)| (address(index), weight)));
    // The old committee has nothing to say any more, and old proposals are expired.
    let mut charter = charter.next().unwrap();
    let old = proposal(Action::Text("late".into()));
    let result = charter.enact(&old, true, &approve(&old, &[0, 1, 2]), &committee);
    assert_eq!(result, Err(CharterError::Expired { expected: EPOCH.0 + 1, got: EPOCH.0 }));
    let new = Proposal { epoch: charter.epoch(), ..old };
    let result = charter.enact(&new, true, &approve(&new, &[0, 1, 2]), &committee);
    assert!(matches!(result, Err(CharterError::Certificate(CertificateError::Epoch { .. }))));
}

#[test]
fn datasets_are_admitted_and_retired() {
    let (mut charter, committee) = charter(&[1; 4]);
    let (dataset, root) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let admit = |until| Action::AdmitDataset { dataset, version: 1, root, until_epoch: until };
    let retire = proposal(Action::RetireDataset { dataset, version: 1 });
    assert_eq!(charter.check(&retire), Err(CharterError::UnknownDataset { dataset }));
    let late = charter.check(&proposal(admit(Epoch(EPOCH.0 - 1))));
    assert!(matches!(late, Err(CharterError::Expired { .. })));
    let admit = proposal(admit(EPOCH));
    charter.enact(&admit, true, &approve(&admit, &[1, 2, 3]), &committee).unwrap();
    assert_eq!(charter.dataset(dataset, 1).unwrap().root, root);
    let twice = Proposal { nonce: 2, ..admit };
    assert_eq!(charter.check(&twice), Err(CharterError::KnownDataset { dataset }));
    assert_eq!(charter.next().unwrap().dataset(dataset, 1), None, "its time is over");
    let rejection = certificate(&retire.decision(false), &[0, 1, 2], 4);
    charter.enact(&retire, false, &rejection, &committee).unwrap();
    assert!(charter.dataset(dataset, 1).is_some());
    let again = Proposal { nonce: 2, ..retire };
    charter.enact(&again, true, &approve(&again, &[0, 1, 2]), &committee).unwrap();
    assert_eq!(charter.dataset(dataset, 1), None);
}

#[test]
fn what_cannot_be_is_refused() {
    let (charter, _) = charter(&[1, 1, 1, u64::MAX - 3]);
    let check = |action| charter.check(&proposal(action)).unwrap_err();
    let member = address(0);
    let price = |from, to| Action::ChangePrice { item: ITEM, from, to };
    assert_eq!(check(price(800, 901)), CharterError::PriceStep { max: 100, got: 101 });
    assert_eq!(check(price(800, 699)), CharterError::PriceStep { max: 100, got: 101 });
    assert_eq!(check(price(800, 800)), CharterError::PriceStep { max: 100, got: 0 });
    assert_eq!(check(price(700, 750)), CharterError::StalePrice { expected: 800, got: 700 });
    let item = B256::ZERO;
    assert_eq!(
        check(Action::ChangePrice { item, from: 1, to: 2 }),
        CharterError::UnknownPrice { item }
    );
    let committee = CharterError::Committee;
    assert_eq!(
        check(Action::AddMember(Box::new(candidate(9, 1)))),
        committee(CommitteeError::WeightOverflow)
    );
    assert_eq!(
        check(Action::AddMember(Box::new(candidate(0, 1)))),
        committee(CommitteeError::DuplicateMember { address: member })
    );
    let copied = Candidate { address: address(9), ..candidate(0, 1) };
    assert_eq!(
        check(Action::AddMember(Box::new(copied))),
        committee(CommitteeError::DuplicateKey { address: address(9) })
    );
    assert_eq!(
        check(Action::ChangeWeight { member, weight: 0 }),
        committee(CommitteeError::ZeroWeight { address: member })
    );
    let stranger = Address::ZERO;
    assert_eq!(
        check(Action::RemoveMember { member: stranger }),
        CharterError::UnknownMember { address: stranger }
    );
    let got = MAX_TEXT_BYTES as u64 + 1;
    assert_eq!(
        check(Action::Text("x".repeat(MAX_TEXT_BYTES + 1))),
        CharterError::TextTooLong { max: MAX_TEXT_BYTES as u64, got }
    );
}

fn action() -> impl Strategy<Value = Action> {
    let hash = any::<[u8; 32]>().prop_map(B256::new);
    let member = any::<[u8; 20]>().prop_map(Address::new);
    prop_oneof![
        (0..5_usize, any::<u64>())
            .prop_map(|(at, weight)| Action::AddMember(Box::new(candidate(at, weight)))),
        (hash.clone(), any::<u64>(), hash.clone(), any::<u64>()).prop_map(
            |(dataset, version, root, until)| Action::AdmitDataset {
                dataset,
                version,
                root,
                until_epoch: Epoch(until)
            }
        ),
        (hash.clone(), any::<u64>(), any::<u64>())
            .prop_map(|(item, from, to)| Action::ChangePrice { item, from, to }),
        (member.clone(), any::<u64>())
            .prop_map(|(member, weight)| Action::ChangeWeight { member, weight }),
        member.prop_map(|member| Action::RemoveMember { member }),
        (hash, any::<u64>())
            .prop_map(|(dataset, version)| Action::RetireDataset { dataset, version }),
        "\\PC{0,60}".prop_map(Action::Text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn encodings_round_trip(action in action(), epoch: u64, nonce: u64) {
        let proposal = Proposal { quorum: QUORUM, epoch: Epoch(epoch), nonce, action };
        let bytes = proposal.encode();
        prop_assert!(bytes.len() <= MAX_PROPOSAL_BYTES);
        prop_assert_eq!(Proposal::decode(&bytes), Ok(proposal.clone()));
        let is_text = matches!(proposal.action, Action::Text(_));
        for length in 0..bytes.len() {
            // A text that is cut off is another text.
            let cut = Proposal::decode(&bytes[..length]);
            prop_assert!(cut.map_or(true, |cut| is_text && cut.hash() != proposal.hash()));
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        prop_assert!(is_text || Proposal::decode(&longer).is_err());
    }

    #[test]
    fn random_bytes_are_read_or_refused(kind in 0..9_u8, tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = proposal(Action::Text(String::new())).encode();
        *bytes.last_mut().unwrap() = kind;
        bytes.extend(tail);
        if let Ok(proposal) = Proposal::decode(&bytes) {
            prop_assert_eq!(proposal.encode(), bytes);
        }
    }
}
