use super::*;
use crate::record::{Certified, Payload, Vote};

const GENESIS: B256 = B256::ZERO;

fn block(name: u8) -> B256 {
    B256::repeat_byte(name)
}

/// Returns a record with blocks 1, 2 and 3 on one chain, and 12 as an alternative to 2, in views 1,
/// 2, 4 and 3.
fn record() -> Record {
    let made = |view, parent| Payload { view, parent, at: Duration::ZERO };
    let payloads = [
        (block(1), made(1, GENESIS)),
        (block(2), made(2, block(1))),
        (block(3), made(4, block(2))),
        (block(12), made(3, block(1))),
    ];
    let (payloads, honest) = (payloads.into_iter().collect(), [0, 1, 2].into());
    Record { genesis: GENESIS, honest, payloads, ..Record::default() }
}

fn finalize(record: &mut Record, node: u16, view: u64, name: u8, signers: &[u16]) {
    record.certified(node, view, Certified::Finalized(block(name)), signers);
    record.finalized(node, view, block(name), Duration::ZERO);
}

fn judge(record: &Record, honest: [u16; 3]) -> Vec<Violation> {
    check(record, &BTreeSet::from(honest), 1)
}

#[test]
fn one_chain_is_agreed_upon() {
    let mut record = record();
    finalize(&mut record, 0, 1, 1, &[0, 1, 2]);
    finalize(&mut record, 0, 4, 3, &[0, 1, 2]);
    finalize(&mut record, 1, 2, 2, &[0, 1, 3]);
    // Finalized blocks may be reported again after a restart.
    finalize(&mut record, 0, 2, 2, &[0, 1, 3]);
    assert_eq!(judge(&record, [0, 1, 2]), []);
}

#[test]
fn two_branches_are_a_violation_and_need_two_culprits() {
    let mut record = record();
    finalize(&mut record, 0, 2, 2, &[]);
    finalize(&mut record, 1, 3, 12, &[]);
    let agreement = Violation::Agreement { height: 2, a: block(2), b: block(12) };
    let unattributed = Violation::Unattributed { expected: 2, got: 0 };
    assert_eq!(judge(&record, [0, 1, 2]), [agreement.clone(), unattributed]);

    // Two nodes voted to finalize block 2 and to skip its view. They are faulty, and enough of them
    // are named.
    record.certified(0, 2, Certified::Finalized(block(2)), &[0, 3, 4]);
    record.certified(0, 2, Certified::Nullified, &[1, 3, 4]);
    assert_eq!(judge(&record, [0, 1, 2]), [agreement]);
    assert_eq!(evidence(&record, &BTreeSet::from([0, 1, 2])), BTreeSet::from([3, 4]));
}

#[test]
fn the_branch_of_a_faulty_node_does_not_count() {
    let mut record = record();
    finalize(&mut record, 0, 2, 2, &[]);
    finalize(&mut record, 3, 3, 12, &[]);
    assert_eq!(judge(&record, [0, 1, 2]), []);
}

#[test]
fn a_node_that_leaves_what_was_final_is_found() {
    let mut record = record();
    finalize(&mut record, 0, 2, 2, &[]);
    finalize(&mut record, 0, 3, 12, &[]);
    let violations = judge(&record, [0, 1, 2]);
    assert!(violations.contains(&Violation::Rollback { node: 0, view: 3 }), "{violations:?}");
}

#[test]
fn a_block_on_no_chain_or_of_another_view_is_found() {
    let mut record = record();
    finalize(&mut record, 0, 9, 99, &[]);
    assert!(judge(&record, [0, 1, 2]).contains(&Violation::Detached { node: 0, view: 9 }));
    let mut record = self::record();
    finalize(&mut record, 0, 3, 2, &[]);
    assert_eq!(judge(&record, [0, 1, 2]), [Violation::Detached { node: 0, view: 3 }]);
}

#[test]
fn votes_that_exclude_each_other_are_found() {
    let pairs = [
        (Vote::Notarize(block(1)), Vote::Notarize(block(2)), true),
        (Vote::Finalize(block(1)), Vote::Finalize(block(2)), true),
        (Vote::Finalize(block(1)), Vote::Nullify, true),
        (Vote::Notarize(block(1)), Vote::Nullify, false),
        (Vote::Notarize(block(1)), Vote::Finalize(block(1)), false),
        (Vote::Notarize(block(1)), Vote::Notarize(block(1)), false),
    ];
    for (one, other, excluded) in pairs {
        let mut record = record();
        record.sent(2, 7, one);
        record.sent(2, 7, other);
        let expected = Violation::DoubleVote { node: 2, view: 7 };
        assert_eq!(judge(&record, [0, 1, 2]), Vec::from_iter(excluded.then_some(expected)));
        // Equal votes in two views are no conflict.
        let mut record = self::record();
        record.sent(2, 7, one);
        record.sent(2, 8, other);
        assert_eq!(judge(&record, [0, 1, 2]), []);
    }
}

#[test]
fn evidence_against_an_honest_node_is_a_violation() {
    let mut record = record();
    record.accusations.insert((0, 2));
    assert_eq!(judge(&record, [0, 1, 2]), [Violation::FalseEvidence { node: 2 }]);
    // Reports of a faulty node are ignored.
    assert_eq!(judge(&record, [1, 2, 3]), []);
}

#[test]
fn evidence_comes_from_votes_and_from_pairs_of_certificates() {
    let honest = BTreeSet::from([0, 1, 2]);
    let mut record = record();
    record.seen(1, 3, 5, Vote::Notarize(block(1)));
    record.seen(1, 3, 5, Vote::Notarize(block(2)));
    assert_eq!(evidence(&record, &honest), BTreeSet::from([3]));

    let mut record = self::record();
    record.certified(0, 5, Certified::Notarized(block(1)), &[0, 3, 4]);
    record.certified(0, 5, Certified::Notarized(block(2)), &[1, 3, 4]);
    record.certified(0, 6, Certified::Notarized(block(3)), &[0, 1, 2]);
    assert_eq!(evidence(&record, &honest), BTreeSet::from([3, 4]));
}

#[test]
fn what_faulty_nodes_heard_is_no_evidence() {
    let mut record = record();
    // Faulty nodes hold conflicting votes and certificates, but do not forward them.
    record.seen(3, 3, 5, Vote::Notarize(block(1)));
    record.seen(3, 3, 5, Vote::Notarize(block(2)));
    record.certified(3, 5, Certified::Finalized(block(1)), &[0, 3, 4]);
    record.certified(4, 5, Certified::Finalized(block(2)), &[1, 3, 4]);
    assert_eq!(evidence(&record, &BTreeSet::from([0, 1, 2])), BTreeSet::new());
    // The conflicting votes reach honest nodes, one after the other.
    record.seen(0, 3, 5, Vote::Notarize(block(1)));
    assert_eq!(evidence(&record, &BTreeSet::from([0, 1, 2])), BTreeSet::new());
    record.seen(2, 3, 5, Vote::Notarize(block(2)));
    assert_eq!(evidence(&record, &BTreeSet::from([0, 1, 2])), BTreeSet::from([3]));
}

#[test]
fn an_invalid_certificate_that_was_accepted_is_found() {
    let mut record = record();
    record.invalid.insert(1);
    assert_eq!(judge(&record, [0, 1, 2]), [Violation::InvalidCertificate { node: 1 }]);
}

#[test]
fn executors_that_lose_blocks_or_find_other_states_are_found() {
    let mut record = record();
    record.lost.insert(2);
    record.diverging.insert((1, 9));
    let expected = [Violation::Lost { node: 2 }, Violation::StateDivergence { node: 1, height: 9 }];
    assert_eq!(judge(&record, [0, 1, 2]), expected);
}
