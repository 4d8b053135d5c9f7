//! Evidence convicts those who did it, and nobody else.

use alloy_primitives::B256;
use lazai_consensus::{
    Attestation, CertificateError, Evidence, EvidenceError, Fact, Refuter, Vote, merkle,
};

use crate::support::{address, attestation, certificate, checkpoint, committee, vote};

/// Knows the one true state root.
#[derive(Debug)]
struct StateRoot(u8);

impl Refuter for StateRoot {
    fn refutes(&self, attestation: &Attestation, refutation: &[u8]) -> Result<bool, EvidenceError> {
        let Fact::Checkpoint { state_root, .. } = attestation.fact else { return Ok(false) };
        Ok(refutation == [self.0] && state_root != B256::repeat_byte(self.0))
    }
}

const TRUTH: StateRoot = StateRoot(1);

#[test]
fn a_double_vote_convicts_its_voter() {
    let committee = committee(&[5, 6, 7, 8]);
    let (first, second) = (checkpoint(1, 1), checkpoint(1, 2));
    let evidence = |first: Vote, second: Vote| {
        let (first, second) = (first.into(), second.into());
        Evidence::DoubleVote { first, second }.verify(&committee, &TRUTH)
    };
    let offenders = evidence(vote(1, first, &committee), vote(1, second, &committee)).unwrap();
    assert_eq!((offenders.members, offenders.weight), (vec![address(1)], 6));
    let same = vote(1, first, &committee);
    assert_eq!(evidence(same, same), Err(EvidenceError::NoContradiction));
    let later = vote(1, checkpoint(2, 1), &committee);
    assert_eq!(evidence(same, later), Err(EvidenceError::NoContradiction));
    let others = vote(2, second, &committee);
    assert_eq!(evidence(same, others), Err(EvidenceError::TwoVoters));
    // In the name of member 1, signed by member 2.
    let framed = Vote { voter: address(1), ..others };
    assert!(matches!(evidence(same, framed), Err(EvidenceError::Vote(_))));
}

#[test]
fn two_certificates_convict_those_who_signed_both() {
    let committee = committee(&[1; 4]);
    let (first, second) = (checkpoint(1, 1), checkpoint(1, 2));
    let evidence = Evidence::TwoCertificates {
        first: Box::new((first, certificate(&first, &[0, 1, 2], 4))),
        second: Box::new((second, certificate(&second, &[1, 2, 3], 4))),
    };
    let offenders = evidence.verify(&committee, &TRUTH).unwrap();
    assert_eq!(offenders.members, [address(1), address(2)]);
    assert!(offenders.weight * 3 > committee.total_weight());
    let evidence = Evidence::TwoCertificates {
        first: Box::new((first, certificate(&first, &[0, 1, 2], 4))),
        second: Box::new((second, certificate(&second, &[2, 3], 4))),
    };
    let few = CertificateError::Weight { expected: 3, got: 2 };
    assert_eq!(evidence.verify(&committee, &TRUTH), Err(few.into()));
}

#[test]
fn a_refuted_certificate_convicts_its_signers() {
    let committee = committee(&[1; 4]);
    let evidence = |root, refutation: u8| {
        let certified = checkpoint(1, root);
        let certified = Box::new((certified, certificate(&certified, &[0, 1, 3], 4)));
        let refutation = vec![refutation];
        Evidence::FalseValidity { certified, refutation }.verify(&committee, &TRUTH)
    };
    assert_eq!(evidence(2, 1).unwrap().members, [address(0), address(1), address(3)]);
    assert_eq!(evidence(1, 1), Err(EvidenceError::NotRefuted));
    assert_eq!(evidence(2, 9), Err(EvidenceError::NotRefuted));
}

#[test]
fn an_audit_convicts_whom_it_lists() {
    let committee = committee(&[1; 4]);
    let listed = [address(1), address(3)];
    let leaves = listed.map(|member| merkle::leaf(member.as_slice()));
    let audit = attestation(Fact::Audit {
        beacon: B256::repeat_byte(3),
        passed: B256::ZERO,
        failed: merkle::root(&leaves),
        failed_count: 2,
    });
    let evidence = |attestation: Attestation, member, index: usize| {
        let audit = Box::new((attestation, certificate(&attestation, &[0, 1, 2], 4)));
        let path = merkle::path(&leaves, index).unwrap();
        let index = index as u64;
        Evidence::FailedAudit { audit, member, index, path }.verify(&committee, &TRUTH)
    };
    assert_eq!(evidence(audit, address(3), 1).unwrap().members, [address(3)]);
    let member = address(0);
    assert_eq!(evidence(audit, member, 0), Err(EvidenceError::NotListed { member }));
    assert_eq!(evidence(checkpoint(1, 1), address(3), 1), Err(EvidenceError::NoAudit));
}
