//! Evidence of double votes in Solidity, held against what the library says of the same votes.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use lazai_api_types::{InferenceStatement, ModelId, Work};
use lazai_consensus::{
    Attestation, Committee, Epoch, Fact, Vote, bls::Signature, evm::double_vote_calldata,
};
use lazvm::revm::primitives::hardfork::SpecId;

use super::chain::{Chain, DOUBLE_VOTE_VERIFIER, FORKS, intrinsic, word};
use crate::support::{address, attestation, checkpoint, committee, secret, vote};

alloy_sol_types::sol! {
    #[allow(missing_docs)]
    interface DoubleVoteVerifier {
        function verify(bytes32 committee, bytes first, bytes second, bytes evidence)
            external view returns (uint8 status, address offender, uint64 weight);
    }
}

const MALFORMED: u64 = 0;
const PROVEN: u64 = 1;
const NO_CONTRADICTION: u64 = 2;
const OTHER_COMMITTEE: u64 = 3;
const WRONG_MEMBER: u64 = 4;
const WRONG_SIGNATURE: u64 = 5;

/// Every kind of fact, and each with one field changed.
fn facts() -> Vec<Fact> {
    let hash = B256::repeat_byte;
    let run = |model, input, output, flops, context| Fact::Workflow {
        run: InferenceStatement {
            model: ModelId(hash(model)),
            input: hash(input),
            output: hash(output),
            work: Work { flops, peak_bytes: 1 },
            context: hash(context),
        },
    };
    let available = |dataset, version, root, k, until| Fact::Available {
        dataset: hash(dataset),
        version,
        root: hash(root),
        bytes: 5,
        k,
        n: 4,
        until_epoch: Epoch(until),
    };
    let valid = |dataset, version, root, policy, score| Fact::Valid {
        dataset: hash(dataset),
        version,
        root: hash(root),
        policy: hash(policy),
        score,
    };
    let audit = |beacon, passed, failed, failed_count| Fact::Audit {
        beacon: hash(beacon),
        passed: hash(passed),
        failed: hash(failed),
        failed_count,
    };
    let seat = |chain_epoch, seat, operator, key| Fact::SeatNomination {
        chain_epoch: Epoch(chain_epoch),
        seat,
        operator: Address::repeat_byte(operator),
        key: hash(key),
    };
    let hand_over = |next, root| Fact::HandOver { next: Epoch(next), committee: hash(root) };
    let checkpoint = |height, root| Fact::Checkpoint { height, state_root: hash(root) };
    let decision = |proposal, approved| Fact::Decision { proposal: hash(proposal), approved };
    vec![
        available(1, 1, 1, 2, 9),
        available(2, 1, 1, 2, 9),
        available(1, 2, 1, 2, 9),
        available(1, 1, 2, 2, 9),
        available(1, 1, 1, 3, 9),
        available(1, 1, 1, 2, 8),
        valid(1, 1, 1, 1, 1),
        valid(2, 1, 1, 1, 1),
        valid(1, 2, 1, 1, 1),
        valid(1, 1, 2, 1, 1),
        valid(1, 1, 1, 2, 1),
        valid(1, 1, 1, 1, 2),
        run(1, 1, 1, 1, 1),
        run(2, 1, 1, 1, 1),
        run(1, 2, 1, 1, 1),
        run(1, 1, 2, 1, 1),
        run(1, 1, 1, 2, 1),
        run(1, 1, 1, 1, 2),
        audit(1, 1, 1, 1),
        audit(2, 1, 1, 1),
        audit(1, 2, 1, 1),
        audit(1, 1, 2, 1),
        audit(1, 1, 1, 2),
        Fact::Inconsistent { root: hash(1) },
        Fact::Inconsistent { root: hash(2) },
        Fact::EpochSyncDone { next: Epoch(1) },
        Fact::EpochSyncDone { next: Epoch(2) },
        hand_over(1, 1),
        hand_over(2, 1),
        hand_over(1, 2),
        seat(1, 1, 1, 1),
        seat(2, 1, 1, 1),
        seat(1, 2, 1, 1),
        seat(1, 1, 2, 1),
        seat(1, 1, 1, 2),
        checkpoint(1, 1),
        checkpoint(2, 1),
        checkpoint(1, 2),
        decision(1, false),
        decision(2, false),
        decision(1, true),
    ]
}

/// Two votes that contradict each other, of member 2 of 7.
fn two_votes(committee: &Committee) -> (Vote, Vote) {
    (vote(2, checkpoint(1, 1), committee), vote(2, checkpoint(1, 2), committee))
}

fn call(committee: B256, first: &[u8], second: &[u8], evidence: &[u8]) -> Vec<u8> {
    let [first, second, evidence] = [first, second, evidence].map(Bytes::copy_from_slice);
    DoubleVoteVerifier::verifyCall { committee, first, second, evidence }.abi_encode()
}

fn evidence(call: &[u8]) -> Vec<u8> {
    DoubleVoteVerifier::verifyCall::abi_decode(call).unwrap().evidence.to_vec()
}

#[test]
fn a_double_vote_is_proven() {
    for fork in FORKS {
        let mut chain = Chain::new(fork);
        for n in [1, 4, 13, 31, 100] {
            let committee = committee(&vec![10; n]);
            let voter = n / 2;
            let first = vote(voter, checkpoint(1, 1), &committee);
            let second = vote(voter, checkpoint(1, 2), &committee);
            let data = double_vote_calldata(&first, &second, &committee).unwrap();
            let evidence = evidence(&data);
            let (a, b) = (first.attestation.encode(), second.attestation.encode());
            assert_eq!(data, call(committee.root(), &a, &b, &evidence));
            let execution = chain.ask(DOUBLE_VOTE_VERIFIER, data.clone());
            let output = execution.result.output().unwrap();
            let returned = DoubleVoteVerifier::verifyCall::abi_decode_returns(output).unwrap();
            assert_eq!(u64::from(returned.status), PROVEN);
            assert_eq!((returned.offender, returned.weight), (address(voter), 10));
            let run = execution.result.gas().total_gas_spent() - intrinsic(&data);
            println!("{fork:?}, {n} members: {} gas, execution {run}", execution.gas_used());
            assert!(run < 148_000, "{run}");
        }
    }
}

/// For all pairs of facts, the contract finds a contradiction exactly where the library does.
#[test]
fn what_contradicts_is_what_contradicts_in_the_library() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let committee = committee(&[10; 7]);
    let (first, second) = two_votes(&committee);
    let mut evidence = evidence(&double_vote_calldata(&first, &second, &committee).unwrap());
    let facts = facts();
    let mut proven = 0;
    for (place, first) in facts.iter().enumerate() {
        for second in &facts[place..] {
            let (first, second) = (attestation(*first), attestation(*second));
            let signatures =
                [first, second].map(|attestation| secret(2).sign(attestation.hash().as_slice()));
            let sum = Signature::aggregate(&signatures).unwrap();
            evidence[300..428].copy_from_slice(&sum.to_eip2537());
            let data = call(committee.root(), &first.encode(), &second.encode(), &evidence);
            let status = word(&chain.ask(DOUBLE_VOTE_VERIFIER, data));
            let contradict = first.slot() == second.slot() && first != second;
            assert_eq!(
                status,
                if contradict { PROVEN } else { NO_CONTRADICTION },
                "{first:?} {second:?}"
            );
            proven += u64::from(contradict);
        }
    }
    assert!(proven > 20, "{proven}");
}

#[test]
fn attestations_of_two_quorums_or_epochs_contradict_nothing() {
    let mut chain = Chain::new(SpecId::PRAGUE);
    let committee = committee(&[10; 7]);
    let (first, second) = two_votes(&committee);
    let evidence = evidence(&double_vote_calldata(&first, &second, &committee).unwrap());
    let (a, b) = (first.attestation, second.attestation);
    let mut status = |a: &[u8], b: &[u8]| {
        word(&chain.ask(DOUBLE_VOTE_VERIFIER, call(committee.root(), a, b, &evidence)))
    };
    assert_eq!(status(&a.encode(), &b.encode()), PROVEN);
    assert_eq!(status(&b.encode(), &a.encode()), PROVEN);
    assert_eq!(status(&a.encode(), &a.encode()), NO_CONTRADICTION);
    let next = |of: Attestation| Attestation { epoch: Epoch(of.epoch.0 + 1), ..of };
    assert_eq!(status(&a.encode(), &next(b).encode()), NO_CONTRADICTION);
    assert_eq!(status(&next(a).encode(), &next(b).encode()), OTHER_COMMITTEE);
    let other = |of: Attestation| Attestation { quorum: Default::default(), ..of };
    assert_eq!(status(&a.encode(), &other(b).encode()), NO_CONTRADICTION);
    assert_eq!(status(&other(a).encode(), &other(b).encode()), OTHER_COMMITTEE);
    // Longer than the kind is, of no kind, of another version.
    let with = |of: Attestation, at: usize, byte: u8| {
        let mut bytes = of.encode();
        bytes[at] = byte;
        bytes
    };
    let longer = |of: Attestation| [of.encode(), vec![0]].concat();
    assert_eq!(status(&longer(a), &longer(b)), NO_CONTRADICTION);
    for kind in [0, 5, 6, 11, 255] {
        assert_eq!(status(&with(a, 41, kind), &with(b, 41, kind)), NO_CONTRADICTION);
    }
    assert_eq!(status(&with(a, 0, 2), &with(b, 0, 2)), NO_CONTRADICTION);
    assert_eq!(status(&[], &[]), MALFORMED);
    assert_eq!(status(&a.encode(), &[]), NO_CONTRADICTION);
    // Yes, no, and what is neither.
    let decision = |approved| attestation(Fact::Decision { proposal: B256::ZERO, approved });
    let neither = with(decision(true), 74, 2);
    assert_eq!(status(&decision(false).encode(), &decision(true).encode()), WRONG_SIGNATURE);
    assert_eq!(status(&decision(false).encode(), &neither), NO_CONTRADICTION);
    assert_eq!(status(&neither, &decision(true).encode()), NO_CONTRADICTION);
}

#[test]
fn nobody_is_convicted_of_what_was_not_signed() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let committee = committee(&[10; 7]);
    let (first, second) = two_votes(&committee);
    let good = evidence(&double_vote_calldata(&first, &second, &committee).unwrap());
    let (a, b) = (first.attestation, second.attestation);
    let mut status = |root: B256, evidence: &[u8]| {
        let data = call(root, &a.encode(), &b.encode(), evidence);
        word(&chain.ask(DOUBLE_VOTE_VERIFIER, data))
    };
    let root = committee.root();
    assert_eq!(status(root, &good), PROVEN);
    assert_eq!(status(B256::ZERO, &good), OTHER_COMMITTEE);
    for at in 0..good.len() {
        for bit in [1, 0x80] {
            let mut wrong = good.clone();
            wrong[at] ^= bit;
            let expected: &[u64] = match at {
                ..300 => &[OTHER_COMMITTEE],
                300..428 => &[WRONG_SIGNATURE],
                428 => &[MALFORMED],
                _ => &[WRONG_MEMBER],
            };
            assert!(expected.contains(&status(root, &wrong)), "byte {at}");
        }
    }
    for length in 0..good.len() {
        assert!([MALFORMED, WRONG_MEMBER].contains(&status(root, &good[..length])), "{length}");
    }
    let mut with = |signatures: &[Signature]| {
        let mut wrong = good.clone();
        let sum = Signature::aggregate(signatures).unwrap();
        wrong[300..428].copy_from_slice(&sum.to_eip2537());
        status(root, &wrong)
    };
    let of = |member: usize, attestation: &Attestation| {
        secret(member).sign(attestation.hash().as_slice())
    };
    assert_eq!(with(&[of(2, &a), of(2, &b)]), PROVEN);
    assert_eq!(with(&[of(2, &a)]), WRONG_SIGNATURE, "one vote alone");
    assert_eq!(with(&[of(2, &a), of(2, &a)]), WRONG_SIGNATURE, "one vote twice");
    assert_eq!(with(&[of(2, &a), of(3, &b)]), WRONG_SIGNATURE, "votes of two members");
    assert_eq!(with(&[of(3, &a), of(3, &b)]), WRONG_SIGNATURE, "another's double vote");
    let mut infinite = good;
    infinite[300..428].fill(0);
    assert_eq!(status(root, &infinite), WRONG_SIGNATURE);
}

#[test]
fn votes_that_convict_nobody_make_no_calldata() {
    let committee = committee(&[10; 7]);
    let (first, second) = two_votes(&committee);
    assert!(double_vote_calldata(&first, &first, &committee).is_err());
    let third = vote(3, second.attestation, &committee);
    assert!(double_vote_calldata(&first, &third, &committee).is_err());
    let forged = Vote { voter: first.voter, ..third };
    assert!(double_vote_calldata(&first, &forged, &committee).is_err());
    let later = vote(2, checkpoint(2, 2), &committee);
    assert!(double_vote_calldata(&first, &later, &committee).is_err());
    let data = double_vote_calldata(&first, &second, &committee).unwrap();
    assert_eq!(U256::from_be_slice(&data[36..68]), U256::from(128), "arguments in their order");
}
