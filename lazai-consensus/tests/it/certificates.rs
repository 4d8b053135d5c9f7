//! Votes, counts and certificates.

use alloy_primitives::{B256, U256, uint};
use lazai_consensus::{
    AttestError, Attestation, Attestor, Candidate, CertificateError, Committee, CompositeError,
    CompositePolicy, Counted, CountedVote, Epoch, Evidence, MemoryVoteStore, Progress,
    QuorumCertificate, QuorumId, Signers, Tally, Vote, VoteError, VoteStoreError,
    bls::{SecretKey, Signature},
};
use proptest::prelude::*;

use crate::support::{
    EPOCH, QUORUM, address, candidate, certificate, checkpoint, committee, secret, vote,
};

#[test]
fn a_member_signs_one_attestation_per_slot() {
    let committee = committee(&[1; 4]);
    let mut attestor = Attestor::new(address(0), secret(0), MemoryVoteStore::default());
    let first = attestor.attest(checkpoint(1, 1), &committee).unwrap();
    assert_eq!(attestor.attest(checkpoint(1, 1), &committee).unwrap(), first);
    let (signed, got) = (checkpoint(1, 1).hash(), checkpoint(1, 2).hash());
    assert_eq!(
        attestor.attest(checkpoint(1, 2), &committee),
        Err(AttestError::Store(VoteStoreError::Conflict { signed, got }))
    );
    attestor.attest(checkpoint(2, 2), &committee).unwrap();
    let elsewhere = Attestation { epoch: Epoch(9), ..checkpoint(5, 5) };
    assert_eq!(
        attestor.attest(elsewhere, &committee),
        Err(AttestError::Refused(VoteError::Epoch { expected: 3, got: 9 }))
    );
    assert_eq!(attestor.signed(&elsewhere.slot()), None, "a refused statement takes no slot");
    let mut stranger = Attestor::new(address(0), secret(7), MemoryVoteStore::default());
    assert!(stranger.attest(checkpoint(1, 1), &committee).is_err());
}

#[test]
fn forged_votes_do_not_stand_in_the_way() {
    let committee = committee(&[1; 4]);
    let attestation = checkpoint(1, 1);
    let mut tally = Tally::new(&committee, attestation.slot()).unwrap();
    // Signed by a key that is not the voter's, in the name of member 0.
    let forged = Vote { voter: address(0), ..vote(1, attestation, &committee) };
    assert_eq!(tally.add(&forged), Ok(Progress::Pending { weight: 1 }));
    assert_eq!(tally.add(&vote(1, attestation, &committee)), Ok(Progress::Pending { weight: 2 }));
    // With the third vote the sum is wrong, the forged one is found and dropped.
    assert_eq!(tally.add(&vote(2, attestation, &committee)), Ok(Progress::Pending { weight: 2 }));
    assert_eq!(tally.voters().collect::<Vec<_>>(), [address(1), address(2)]);
    let Ok(Progress::Certified(certificate)) = tally.add(&vote(0, attestation, &committee)) else {
        panic!("three of four are a quorum");
    };
    certificate.verify(&attestation, &committee).unwrap();
    assert_eq!(tally.add(&vote(0, attestation, &committee)), Ok(Progress::Repeated));
    let Ok(Progress::Certified(all)) = tally.add(&vote(3, attestation, &committee)) else {
        panic!("a fourth vote makes a certificate of four");
    };
    assert_eq!(all.signers.count(), 4);
}

#[test]
fn forgers_are_named_when_their_votes_are_dropped() {
    let committee = committee(&[1; 4]);
    let attestation = checkpoint(1, 1);
    let forged = |index| Vote { voter: address(index), ..vote(1, attestation, &committee) };
    let mut tally = Tally::new(&committee, attestation.slot()).unwrap();
    let mut count = |vote| tally.count(&CountedVote::new(vote, &committee).unwrap()).unwrap();
    assert_eq!(count(forged(3)).progress, Progress::Pending { weight: 1 });
    let counted = count(vote(1, attestation, &committee));
    assert_eq!(
        counted,
        Counted::from(Progress::Pending { weight: 2 }),
        "no signature is checked yet"
    );
    // The sum of three is wrong; the voter that made it so comes last.
    let counted = count(forged(0));
    assert_eq!(counted.progress, Progress::Pending { weight: 1 });
    assert_eq!(counted.forgers, [address(3), address(0)]);
    let stranger = CountedVote::new(forged(7), &committee);
    assert_eq!(stranger, Err(VoteError::UnknownVoter { voter: address(7) }));
}

#[test]
fn a_forged_vote_gives_way_to_the_genuine_one() {
    let committee = committee(&[1; 4]);
    let (attestation, other) = (checkpoint(1, 1), checkpoint(1, 2));
    let mut tally = Tally::new(&committee, attestation.slot()).unwrap();
    let forged = Vote { attestation: other, ..vote(0, attestation, &committee) };
    tally.add(&forged).unwrap();
    assert_eq!(tally.add(&vote(0, attestation, &committee)), Ok(Progress::Pending { weight: 1 }));
    assert_eq!(tally.add(&forged), Err(VoteError::Signature { voter: address(0) }));
    assert_eq!(tally.weight(other.hash()), 0);
}

/// Members that know each other's secrets can choose keys that add up to nothing: each of their
/// votes is genuine, and the sum of them proves nothing.
#[test]
fn genuine_votes_whose_keys_cancel_out_make_no_certificate_and_end() {
    const ORDER: U256 =
        uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);
    let scalar = |secret: &SecretKey| U256::from_be_bytes(secret.to_bytes());
    let last = ORDER - scalar(&secret(0)).add_mod(scalar(&secret(1)), ORDER);
    let last = SecretKey::from_bytes(&last.to_be_bytes()).unwrap();
    let secrets = [secret(0), secret(1), last, secret(3)];
    let candidates = secrets.iter().enumerate().map(|(index, secret)| {
        let address = address(index);
        let possession = secret.prove_possession(address);
        Candidate { address, weight: 1, key: secret.public_key(), possession }
    });
    let committee = Committee::new(QUORUM, EPOCH, candidates.collect()).unwrap();
    let attestation = checkpoint(1, 1);
    let cast = |index: usize| {
        let store = MemoryVoteStore::default();
        let mut attestor = Attestor::new(address(index), secrets[index].clone(), store);
        attestor.attest(attestation, &committee).unwrap()
    };
    let mut tally = Tally::new(&committee, attestation.slot()).unwrap();
    assert_eq!(tally.add(&cast(0)), Ok(Progress::Pending { weight: 1 }));
    assert_eq!(tally.add(&cast(1)), Ok(Progress::Pending { weight: 2 }));
    assert_eq!(tally.add(&cast(2)), Ok(Progress::Pending { weight: 3 }));
    assert_eq!(tally.voters().count(), 3, "none of them is forged");
    // What a certificate of the three would be does not hold.
    let mut signers = Signers::none(4).unwrap();
    assert!((0..3).all(|index| signers.insert(index)));
    let signature = Signature::aggregate(&[0, 1, 2].map(|index| cast(index).signature)).unwrap();
    let (quorum, epoch, hash) = (QUORUM, EPOCH, attestation.hash());
    let three = QuorumCertificate { quorum, epoch, attestation: hash, signers, signature };
    assert_eq!(three.verify(&attestation, &committee), Err(CertificateError::Signature));
    let Ok(Progress::Certified(all)) = tally.add(&cast(3)) else {
        panic!("the fourth key cancels nothing");
    };
    all.verify(&attestation, &committee).unwrap();
}

#[test]
fn voting_twice_is_evidence() {
    let committee = committee(&[1; 4]);
    let mut tally = Tally::new(&committee, checkpoint(1, 1).slot()).unwrap();
    let first = vote(2, checkpoint(1, 1), &committee);
    let second = vote(2, checkpoint(1, 2), &committee);
    tally.add(&first).unwrap();
    let evidence = Evidence::DoubleVote { first: first.into(), second: second.into() };
    assert_eq!(tally.add(&second), Ok(Progress::Conflict(evidence)));
    assert_eq!(tally.weight(checkpoint(1, 1).hash()), 1);
    assert_eq!(tally.weight(checkpoint(1, 2).hash()), 0);
}

#[test]
fn votes_of_other_places_and_times_are_refused() {
    let committee = committee(&[1; 4]);
    let mut tally = Tally::new(&committee, checkpoint(1, 1).slot()).unwrap();
    let good = vote(0, checkpoint(1, 1), &committee);
    let quorum = QuorumId(B256::repeat_byte(1));
    let elsewhere = Vote { attestation: Attestation { quorum, ..good.attestation }, ..good };
    assert!(matches!(tally.add(&elsewhere), Err(VoteError::Quorum { .. })));
    let earlier = Vote { attestation: Attestation { epoch: Epoch(2), ..good.attestation }, ..good };
    assert_eq!(tally.add(&earlier), Err(VoteError::Epoch { expected: 3, got: 2 }));
    let other = vote(0, checkpoint(2, 1), &committee);
    assert!(matches!(tally.add(&other), Err(VoteError::Slot { .. })));
    let voter = address(9);
    assert_eq!(tally.add(&Vote { voter, ..good }), Err(VoteError::UnknownVoter { voter }));
    assert_eq!(tally.voters().count(), 0);
}

#[test]
fn a_certificate_is_bound_to_all_that_it_says() {
    let committee = committee(&[1; 4]);
    let attestation = checkpoint(1, 1);
    let good = certificate(&attestation, &[0, 2, 3], 4);
    good.verify(&attestation, &committee).unwrap();
    let refused =
        |certificate: QuorumCertificate| certificate.verify(&attestation, &committee).unwrap_err();
    let few = certificate(&attestation, &[0, 2], 4);
    assert_eq!(refused(few), CertificateError::Weight { expected: 3, got: 2 });
    // The bitmap claims one who has not signed, or one who has not is left in.
    let mut claims = few;
    assert!(claims.signers.insert(1));
    assert_eq!(refused(claims), CertificateError::Signature);
    let hides = QuorumCertificate { signers: few.signers, ..good };
    assert_eq!(refused(hides), CertificateError::Weight { expected: 3, got: 2 });
    let other = certificate(&checkpoint(1, 2), &[0, 2, 3], 4);
    assert!(matches!(refused(other), CertificateError::Attestation { .. }));
    let renamed = QuorumCertificate { attestation: attestation.hash(), ..other };
    assert_eq!(refused(renamed), CertificateError::Signature);
    let epoch = QuorumCertificate { epoch: Epoch(4), ..good };
    assert_eq!(refused(epoch), CertificateError::Epoch { expected: 3, got: 4 });
    let quorum = QuorumCertificate { quorum: QuorumId::default(), ..good };
    assert!(matches!(refused(quorum), CertificateError::Quorum { .. }));
    let wide = QuorumCertificate { signers: Signers::none(5).unwrap(), ..good };
    assert_eq!(refused(wide), CertificateError::Members { expected: 4, got: 5 });
}

#[test]
fn every_bit_of_a_certificate_counts() {
    let committee = committee(&[1; 4]);
    let attestation = checkpoint(1, 1);
    let bytes = certificate(&attestation, &[0, 1, 2], 4).encode();
    for at in 0..bytes.len() {
        assert!(QuorumCertificate::decode(&bytes[..at]).is_err());
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let altered = QuorumCertificate::decode(&altered);
            assert!(
                altered.is_err()
                    || altered
                        .is_ok_and(|altered| altered.verify(&attestation, &committee).is_err()),
                "byte {at}, bit {bit}"
            );
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(QuorumCertificate::decode(&longer).is_err());
}

#[test]
fn certificates_are_small() {
    let attestation = checkpoint(1, 1);
    let sizes = [4, 13, 31, 100, 128].map(|n| certificate(&attestation, &[0], n).encode().len());
    assert_eq!(sizes, [123, 124, 126, 135, 138]);
}

#[test]
fn k_of_m_quorums() {
    let committee_of = |byte: u8| {
        let candidates = (0..4).map(|index| candidate(index, 1)).collect();
        let quorum = QuorumId(B256::repeat_byte(byte));
        Committee::new(quorum, Epoch(u64::from(byte)), candidates).unwrap()
    };
    let committees = [3, 1, 2].map(committee_of);
    let fact = checkpoint(1, 1).fact;
    let certify = |byte: u8| {
        let quorum = QuorumId(B256::repeat_byte(byte));
        certificate(&Attestation { quorum, epoch: Epoch(u64::from(byte)), fact }, &[0, 1, 2], 4)
    };
    let policy = CompositePolicy::new(committees.iter().collect(), 2).unwrap();
    let (one, two, three) = (certify(1), certify(2), certify(3));
    policy.verify(fact, &[one, three]).unwrap();
    policy.verify(fact, &[three, two, one]).unwrap();
    let refused = |certificates: &[_]| policy.verify(fact, certificates).unwrap_err();
    assert_eq!(refused(&[one]), CompositeError::TooFew { expected: 2, got: 1 });
    assert_eq!(refused(&[one, one]), CompositeError::Repeated { quorum: one.quorum });
    let stranger = certify(4);
    let quorum = stranger.quorum;
    assert_eq!(refused(&[one, two, stranger]), CompositeError::Unasked { quorum });
    // One quorum's certificate under another's name.
    let borrowed = QuorumCertificate { quorum: two.quorum, ..one };
    assert!(matches!(refused(&[one, borrowed]), CompositeError::Certificate { .. }));
    assert!(policy.verify(checkpoint(1, 2).fact, &[one, two]).is_err());
    assert!(CompositePolicy::new(committees.iter().collect(), 0).is_err());
    assert!(CompositePolicy::new(committees.iter().collect(), 4).is_err());
    assert!(CompositePolicy::new(vec![&committees[0], &committees[0]], 1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever comes in whatever order: a certificate that comes out holds, no honest vote is
    /// lost, and only those that voted twice are accused.
    #[test]
    fn a_count_survives_any_order(
        weights in prop::collection::vec(1_u64..9, 1..6),
        moves in prop::collection::vec((0_usize..6, 0_u8..2, any::<bool>()), 1..16),
    ) {
        let committee = committee(&weights);
        let mut tally = Tally::new(&committee, checkpoint(1, 0).slot()).unwrap();
        let mut spoken = vec![Vec::new(); weights.len()];
        for (member, root, is_forged) in moves {
            let member = member % weights.len();
            let attestation = checkpoint(1, root);
            let mut cast = vote(member, attestation, &committee);
            if is_forged {
                cast.signature = secret(77).sign(attestation.hash().as_slice());
            } else {
                spoken[member].push(root);
            }
            match tally.add(&cast) {
                Ok(Progress::Certified(certificate)) => {
                    prop_assert_eq!(certificate.verify(&attestation, &committee), Ok(()));
                }
                Ok(Progress::Conflict(_)) => {
                    prop_assert!(spoken[member].contains(&0) && spoken[member].contains(&1));
                }
                Ok(_) => {}
                Err(error) => {
                    prop_assert!(is_forged);
                    prop_assert_eq!(error, VoteError::Signature { voter: address(member) });
                }
            }
        }
    }

    #[test]
    fn random_bytes_are_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Vote::decode(&bytes).is_err());
        prop_assert!(QuorumCertificate::decode(&bytes).is_err());
    }
}
