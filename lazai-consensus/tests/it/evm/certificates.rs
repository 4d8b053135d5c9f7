//! The Solidity verifiers, run by revm with the precompiles of EIP-2537.

use alloy_primitives::{Address, Bytes, U256, keccak256, uint};
use alloy_sol_types::{SolCall, SolError};
use lazai_api_types::{ProofSystemId, key_hash};
use lazai_consensus::{
    Attestation, Candidate, Committee, Epoch, QuorumCertificate, QuorumId, Roster, Signers,
    bls::{SecretKey, Signature},
    evm::{EvmCertificate, to_evm_calldata},
};
use lazai_precompiles::{abi::ILazProofVerifier as sol, address::PROOF_VERIFIER};
use lazvm::revm::primitives::hardfork::SpecId;
use proptest::prelude::*;

use super::chain::{Chain, FORKS, QUORUM_VERIFIER, intrinsic, word};
use crate::support::{EPOCH, QUORUM, candidate, certificate, checkpoint, committee, secret};

alloy_sol_types::sol! {
    #[allow(missing_docs)]
    interface QuorumVerifier {
        function verify(bytes32 committee, bytes statement, bytes certificate) external view returns (uint8);
        error NotEnoughGas();
    }
}

const MALFORMED: u64 = 0;
const VALID: u64 = 1;
const UNKNOWN_VERSION: u64 = 2;
const OTHER_COMMITTEE: u64 = 3;
const TOO_LITTLE_WEIGHT: u64 = 4;
const WRONG_MEMBERS: u64 = 5;
const WRONG_SIGNATURE: u64 = 6;

/// Where things stand in a certificate.
const SIGNATURE: usize = 300;
const ABSENT: usize = 428;
const FIRST: usize = 429;
const EACH: usize = 285;

/// A certificate and all that it takes to check it.
struct Case {
    committee: Committee,
    attestation: Attestation,
    certificate: Vec<u8>,
}

impl Case {
    fn new(weights: &[u64], absent: &[usize]) -> Self {
        let (committee, attestation) = (committee(weights), checkpoint(7, 9));
        let certificate = sign(&attestation, weights.len(), absent);
        let certificate = EvmCertificate::new(&certificate, &attestation, &committee).unwrap();
        Self { committee, attestation, certificate: certificate.as_bytes().to_vec() }
    }

    fn call(&self, certificate: &[u8]) -> Vec<u8> {
        call(&self.committee, &self.attestation.encode(), certificate)
    }
}

fn call(committee: &Committee, attestation: &[u8], certificate: &[u8]) -> Vec<u8> {
    QuorumVerifier::verifyCall {
        committee: committee.root(),
        statement: Bytes::copy_from_slice(attestation),
        certificate: Bytes::copy_from_slice(certificate),
    }
    .abi_encode()
}

fn sign(attestation: &Attestation, members: usize, absent: &[usize]) -> QuorumCertificate {
    let present: Vec<_> = (0..members).filter(|index| !absent.contains(index)).collect();
    certificate(attestation, &present, u8::try_from(members).unwrap())
}

/// `f` of `n` places, as far apart as can be.
fn scattered(n: usize) -> Vec<usize> {
    (0..(n - 1) / 3).map(|index| 3 * index + 1).collect()
}

/// Prints a table of gas: `cargo test -p lazai-consensus --test evm prices -- --nocapture`. The
/// columns are those of a transaction, of what runs in it, and of the least that its calldata costs
/// (EIP-7623); the last is the transaction that asks the precompile for the same.
#[test]
fn good_certificates_are_valid_at_known_prices() {
    println!(
        "| fork | n | absent | calldata, bytes | transaction | execution | floor | precompile |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for fork in FORKS {
        let mut chain = Chain::new(fork);
        for n in [1, 4, 13, 31, 100, 128] {
            let f = (n - 1) / 3;
            let attestation = checkpoint(7, 9);
            let roster = roster(n);
            let (key, committee) = (roster.encode(), roster.seat().unwrap());
            chain.send(PROOF_VERIFIER, register(&key));
            let mut absences = vec![("none".to_owned(), vec![])];
            if f > 0 {
                absences.push((format!("last {f}"), (n - f..n).collect()));
                absences.push((format!("scattered {f}"), scattered(n)));
            }
            for (name, absent) in absences {
                let certificate = sign(&attestation, n, &absent);
                let data = to_evm_calldata(&certificate, &attestation, &committee).unwrap();
                let execution = chain.ask(QUORUM_VERIFIER, data.clone());
                assert_eq!(word(&execution), VALID, "{n} members, absent: {name}");
                let gas = execution.result.gas();
                let run = gas.total_gas_spent() - intrinsic(&data);
                // The precompiles take 114,275, SHA-256 and modexp included 115,400; each absent
                // member an addition, its leaf and its part of the tree.
                let absent = absent.len() as u64;
                assert!((115_000..122_000 + 3_000 * absent).contains(&run), "{n}, {name}: {run}");
                let native = verify_values(&key, &attestation, &certificate);
                let native = chain.ask(PROOF_VERIFIER, native);
                assert_eq!(word(&native), 1, "the precompile says the same");
                println!(
                    "| {fork:?} | {n} | {name} | {} | {} | {run} | {} | {} |",
                    data.len(),
                    execution.gas_used(),
                    gas.floor_gas(),
                    native.gas_used(),
                );
            }
        }
    }
}

/// Members with addresses as keys give them, and weights of seven bytes: zeros in calldata cost
/// less.
fn roster(members: usize) -> Roster {
    let mut addresses: Vec<_> =
        (0..members).map(|index| Address::from_word(keccak256(index.to_be_bytes()))).collect();
    addresses.sort_unstable();
    let candidate = |(index, address): (usize, &Address)| {
        let (secret, weight) = (secret(index), 0x71_af_d4_98_d0_00_01);
        let possession = secret.prove_possession(*address);
        Candidate { address: *address, weight, key: secret.public_key(), possession }
    };
    let candidates = addresses.iter().enumerate().map(candidate).collect();
    Roster { quorum: QUORUM, epoch: EPOCH, candidates }
}

fn register(key: &[u8]) -> Vec<u8> {
    let verifying_key = Bytes::copy_from_slice(key);
    sol::registerCall { system: 0, verifyingKey: verifying_key }.abi_encode()
}

fn verify_values(
    key: &[u8],
    attestation: &Attestation,
    certificate: &QuorumCertificate,
) -> Vec<u8> {
    sol::verifyValuesCall {
        system: 0,
        keyHash: key_hash(ProofSystemId::QUORUM, key),
        values: attestation.encode().into(),
        proof: [&[1], certificate.encode().as_slice()].concat().into(),
    }
    .abi_encode()
}

#[test]
fn calldata_is_what_solidity_encodes() {
    let case = Case::new(&[1; 4], &[2]);
    let certificate = sign(&case.attestation, 4, &[2]);
    let data = to_evm_calldata(&certificate, &case.attestation, &case.committee).unwrap();
    assert_eq!(data, case.call(&case.certificate));
    let wrong = checkpoint(8, 9);
    assert!(to_evm_calldata(&certificate, &wrong, &case.committee).is_err());
}

#[test]
fn the_weight_must_exceed_two_thirds() {
    let mut chain = Chain::new(SpecId::OSAKA);
    // Absent: 1 of 3, 2 of 6, and the largest weight that is below a third.
    for (weights, expected) in [
        (vec![1, 1, 1], TOO_LITTLE_WEIGHT),
        (vec![2, 3, 1], TOO_LITTLE_WEIGHT),
        (vec![2, 3, 2], VALID),
        (vec![333, 1, 666], VALID),
        (vec![334, 1, 665], TOO_LITTLE_WEIGHT),
        (vec![u64::MAX / 3, u64::MAX / 3, u64::MAX / 3], TOO_LITTLE_WEIGHT),
        (vec![u64::MAX / 3 - 1, u64::MAX / 3 + 1, u64::MAX / 3], VALID),
    ] {
        let committee = committee(&weights);
        let attestation = checkpoint(1, 2);
        let short = sign(&attestation, 3, &[0]);
        assert_eq!(short.verify(&attestation, &committee).is_ok(), expected == VALID);
        let certificate = evm_bytes(&short, &committee);
        let data = call(&committee, &attestation.encode(), &certificate);
        assert_eq!(word(&chain.ask(QUORUM_VERIFIER, data)), expected, "{weights:?}");
    }
}

/// The form of a certificate of three members that may be too few, the first of them absent.
fn evm_bytes(certificate: &QuorumCertificate, committee: &Committee) -> Vec<u8> {
    let member = committee.members()[0];
    let mut bytes = Vec::new();
    bytes.extend(committee.total_weight().to_be_bytes());
    bytes.extend(3_u32.to_be_bytes());
    bytes.extend(committee.aggregate_key().to_eip2537());
    bytes.extend(committee.members_root());
    bytes.extend(certificate.signature.to_eip2537());
    bytes.extend([1, 0]);
    bytes.extend(member.address);
    bytes.extend(member.weight.to_be_bytes());
    bytes.extend(member.key.to_eip2537());
    bytes.extend(committee.path(0).unwrap().concat());
    bytes
}

#[test]
fn every_altered_byte_is_refused() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let case = Case::new(&[10; 7], &[1, 5]);
    assert_eq!(word(&chain.ask(QUORUM_VERIFIER, case.call(&case.certificate))), VALID);
    for at in 0..case.certificate.len() {
        for bit in [1, 0x80] {
            let mut wrong = case.certificate.clone();
            wrong[at] ^= bit;
            let status = word(&chain.ask(QUORUM_VERIFIER, case.call(&wrong)));
            match at {
                ..SIGNATURE => assert_eq!(status, OTHER_COMMITTEE, "byte {at}"),
                SIGNATURE..ABSENT => assert_eq!(status, WRONG_SIGNATURE, "byte {at}"),
                _ => assert!(![VALID, WRONG_SIGNATURE].contains(&status), "byte {at}: {status}"),
            }
        }
    }
    let attestation = case.attestation.encode();
    for at in 0..attestation.len() {
        let mut wrong = attestation.clone();
        wrong[at] ^= 1;
        let data = call(&case.committee, &wrong, &case.certificate);
        let expected = match at {
            0 => UNKNOWN_VERSION,
            1..41 => OTHER_COMMITTEE,
            _ => WRONG_SIGNATURE,
        };
        assert_eq!(word(&chain.ask(QUORUM_VERIFIER, data)), expected, "byte {at}");
    }
    let mut data = case.call(&case.certificate);
    data[4] ^= 1;
    assert_eq!(word(&chain.ask(QUORUM_VERIFIER, data)), OTHER_COMMITTEE);
}

#[test]
fn every_other_length_is_refused() {
    let mut chain = Chain::new(SpecId::PRAGUE);
    let case = Case::new(&[10; 7], &[1, 5]);
    for length in 0..case.certificate.len() {
        let status = word(&chain.ask(QUORUM_VERIFIER, case.call(&case.certificate[..length])));
        // What is cut by whole siblings has a possible length, but another root.
        assert!([MALFORMED, WRONG_MEMBERS].contains(&status), "{length}: {status}");
    }
    for more in 1..=4_096 {
        let mut long = case.certificate.clone();
        long.resize(long.len() + more, 0);
        let status = word(&chain.ask(QUORUM_VERIFIER, case.call(&long)));
        assert!([MALFORMED, WRONG_MEMBERS].contains(&status), "{more}: {status}");
        if more > 32 * 14 {
            assert_eq!(status, MALFORMED, "{more}");
        }
    }
    let attestation = case.attestation.encode();
    for attestation in [&attestation[..41], &[], &[1; 187]] {
        let data = call(&case.committee, attestation, &case.certificate);
        assert_eq!(word(&chain.ask(QUORUM_VERIFIER, data)), MALFORMED);
    }
}

#[test]
fn the_absent_can_be_neither_hidden_nor_replaced() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let case = Case::new(&[10; 7], &[1, 5]);
    let mut status = |certificate: &[u8]| word(&chain.ask(QUORUM_VERIFIER, case.call(certificate)));
    let (head, rest) = case.certificate.split_at(FIRST);
    let (absent, siblings) = rest.split_at(2 * EACH);
    let (first, second) = absent.split_at(EACH);
    let with = |count: u8, parts: &[&[u8]]| {
        let mut bytes = head.to_vec();
        bytes[ABSENT] = count;
        bytes.extend(parts.concat());
        bytes
    };
    assert_eq!(status(&with(2, &[first, second, siblings])), VALID);
    // Hidden: all signed, it says.
    assert_eq!(status(&with(0, &[])), WRONG_SIGNATURE);
    // One of two hidden, with the right path of the other.
    let path = case.committee.path(5).unwrap().concat();
    assert_eq!(status(&with(1, &[second, &path])), WRONG_SIGNATURE);
    // Said twice, in the wrong order, at another place.
    assert_eq!(status(&with(2, &[first, first, siblings])), WRONG_MEMBERS);
    assert_eq!(status(&with(3, &[first, first, second, siblings])), WRONG_MEMBERS);
    assert_eq!(status(&with(2, &[second, first, siblings])), WRONG_MEMBERS);
    for place in [0, 2, 4, 6, 7, 255] {
        let mut moved = second.to_vec();
        moved[0] = place;
        assert_eq!(status(&with(2, &[first, &moved, siblings])), WRONG_MEMBERS, "{place}");
    }
    // Behind the last place there is nobody whose key could be taken from the sum.
    for place in [7, 8, 127, 255] {
        let mut nobody = second.to_vec();
        nobody[0] = place;
        assert_eq!(status(&with(3, &[first, second, &nobody, siblings])), WRONG_MEMBERS);
    }
    // Another member who did sign, with its right path: the sum of keys is another.
    let member = Case::new(&[10; 7], &[2]);
    assert_eq!(status(&with(1, &[&member.certificate[FIRST..]])), WRONG_SIGNATURE);
    // Paths in another order, too short, too long.
    let mut swapped = siblings.to_vec();
    swapped[..64].rotate_left(32);
    assert_eq!(status(&with(2, &[first, second, &swapped])), WRONG_MEMBERS);
    assert_eq!(status(&with(2, &[first, second, &siblings[32..]])), WRONG_MEMBERS);
    assert_eq!(status(&with(2, &[first, second, siblings, &[0; 32]])), WRONG_MEMBERS);
    // More than a committee has.
    let many = vec![0; 128 * EACH];
    assert_eq!(status(&with(128, &[&many])), MALFORMED);
    let many = vec![0; 127 * EACH];
    assert_eq!(status(&with(127, &[&many])), WRONG_MEMBERS);
}

#[test]
fn points_that_are_none_of_the_group_are_refused() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let case = Case::new(&[10; 4], &[]);
    let mut status = |signature: &[u8; 128]| {
        let mut wrong = case.certificate.clone();
        wrong[SIGNATURE..ABSENT].copy_from_slice(signature);
        word(&chain.ask(QUORUM_VERIFIER, case.call(&wrong)))
    };
    assert_eq!(status(&[0; 128]), WRONG_SIGNATURE, "the point at infinity");
    // On the curve, but in another group: x = 4 of y^2 = x^3 + 4 is not of order r.
    let mut outside = [0; 128];
    outside[63] = 4;
    outside[80..].copy_from_slice(&alloy_primitives::hex!(
        "0a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706c"
    ));
    assert_eq!(status(&outside), WRONG_SIGNATURE);
    let right: [u8; 128] = case.certificate[SIGNATURE..ABSENT].try_into().unwrap();
    assert_eq!(status(&right), VALID);
    // The same point with x + p, which is not reduced.
    let mut unreduced = right;
    let p = alloy_primitives::hex!(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
    );
    let mut carry = 0;
    for at in (0..48).rev() {
        let sum = u16::from(unreduced[16 + at]) + u16::from(p[at]) + carry;
        unreduced[16 + at] = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(status(&unreduced), WRONG_SIGNATURE);
}

#[test]
fn other_signatures_are_refused() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let case = Case::new(&[10; 4], &[]);
    let hash = case.attestation.hash();
    let mut status = |signatures: &[Signature]| {
        let mut wrong = case.certificate.clone();
        let sum = Signature::aggregate(signatures).unwrap();
        wrong[SIGNATURE..ABSENT].copy_from_slice(&sum.to_eip2537());
        word(&chain.ask(QUORUM_VERIFIER, case.call(&wrong)))
    };
    let good: Vec<_> = (0..4).map(|index| secret(index).sign(hash.as_slice())).collect();
    assert_eq!(status(&good), VALID);
    assert_eq!(status(&good[..3]), WRONG_SIGNATURE, "one is missing");
    assert_eq!(status(&[good[0], good[0], good[1], good[2], good[3]]), WRONG_SIGNATURE);
    let others: Vec<_> = (0..4).map(|index| secret(index).sign(b"another statement")).collect();
    assert_eq!(status(&others), WRONG_SIGNATURE);
    // Proofs of possession are signatures in another domain.
    let possessions: Vec<_> = (0..4).map(|index| candidate(index, 1).possession).collect();
    assert_eq!(status(&possessions), WRONG_SIGNATURE);
    let foreign = secret(9).sign(hash.as_slice());
    assert_eq!(status(&[good[0], good[1], good[2], foreign]), WRONG_SIGNATURE);
}

/// Two members whose keys cancel each other out sign nothing, and without the third no key is left:
/// the equation then holds for no signature at all.
#[test]
fn keys_that_cancel_out_are_no_quorum() {
    const ORDER: U256 =
        uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);
    let opposite = ORDER - U256::from_be_bytes(secret(1).to_bytes());
    let opposite = SecretKey::from_bytes(&opposite.to_be_bytes()).unwrap();
    let secrets = [secret(0), secret(1), opposite];
    let candidates = secrets.iter().zip([1, 10, 10]).zip(1..).map(|((secret, weight), byte)| {
        let address = Address::repeat_byte(byte);
        let possession = secret.prove_possession(address);
        Candidate { address, weight, key: secret.public_key(), possession }
    });
    let committee = Committee::new(QUORUM, EPOCH, candidates.collect()).unwrap();
    let attestation = checkpoint(7, 9);
    let hash = attestation.hash();
    let good = secrets[1].sign(hash.as_slice());
    let mut signers = Signers::none(3).unwrap();
    assert!(signers.insert(1) && signers.insert(2));
    let (quorum, epoch) = (QUORUM, EPOCH);
    let certificate =
        QuorumCertificate { quorum, epoch, attestation: hash, signers, signature: good };
    assert!(certificate.verify(&attestation, &committee).is_err());
    let mut bytes = evm_bytes(&certificate, &committee);
    let mut chain = Chain::new(SpecId::OSAKA);
    for signature in [good.to_eip2537(), [0; 128]] {
        bytes[SIGNATURE..ABSENT].copy_from_slice(&signature);
        let data = call(&committee, &attestation.encode(), &bytes);
        assert_eq!(word(&chain.ask(QUORUM_VERIFIER, data)), WRONG_SIGNATURE);
    }
}

#[test]
fn other_committees_are_refused() {
    let mut chain = Chain::new(SpecId::PRAGUE);
    let case = Case::new(&[10; 4], &[]);
    let candidates = || (0..4).map(|index| candidate(index, 10)).collect::<Vec<_>>();
    let (quorum, epoch) = (case.committee.quorum(), case.committee.epoch());
    let lone = SecretKey::from_seed(&[1; 32]).unwrap();
    let address = Address::repeat_byte(0xff);
    let (key, possession) = (lone.public_key(), lone.prove_possession(address));
    let mut joined = candidates();
    joined.push(Candidate { address, weight: 10, key, possession });
    for committee in [
        Committee::new(quorum, Epoch(epoch.0 + 1), candidates()).unwrap(),
        Committee::new(QuorumId::default(), epoch, candidates()).unwrap(),
        Committee::new(quorum, epoch, joined).unwrap(),
        committee(&[10, 10, 10, 11]),
    ] {
        let data = call(&committee, &case.attestation.encode(), &case.certificate);
        assert_eq!(word(&chain.ask(QUORUM_VERIFIER, data)), OTHER_COMMITTEE);
    }
}

/// Too little gas is no verdict: the call reverts or runs out, and never says that a good
/// certificate is bad.
#[test]
fn too_little_gas_tells_nothing() {
    for fork in FORKS {
        let mut chain = Chain::new(fork);
        let case = Case::new(&[10; 7], &[1, 5]);
        let data = case.call(&case.certificate);
        let full = chain.ask(QUORUM_VERIFIER, data.clone());
        let (floor, used) = (full.result.gas().floor_gas(), full.gas_used());
        let mut reverted = 0;
        let mut least = None;
        for gas in (floor.max(intrinsic(&data))..used + 120_000).step_by(300) {
            let execution = chain.ask_with(QUORUM_VERIFIER, data.clone(), gas);
            if execution.result.is_success() {
                assert_eq!(word(&execution), VALID, "{gas}");
                least.get_or_insert(gas);
            } else if let Some(output) = execution.result.output() {
                assert_eq!(output.as_ref(), QuorumVerifier::NotEnoughGas::SELECTOR, "{gas}");
                reverted += 1;
            }
        }
        // The check itself must be able to take twice its price.
        let least = least.unwrap();
        assert!(least > used && least < used + 115_000, "{fork:?}: {least} of {used}");
        assert!(reverted > 300, "{fork:?}: {reverted}");
    }
}

proptest! {
    /// Whatever is written over a good certificate: an answer, never a revert, and never `VALID`.
    #[test]
    fn hostile_certificates_get_an_answer(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<[u8; 32]>(), 1..=32_usize), 1..6),
        length in prop::option::of(any::<prop::sample::Index>()),
        count in any::<Option<u8>>(),
    ) {
        let case = Case::new(&[10; 7], &[1, 5]);
        let mut bytes = case.certificate.clone();
        for (at, with, width) in edits {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + width);
            bytes[at..end].copy_from_slice(&with[..end - at]);
        }
        if let Some(count) = count {
            bytes[ABSENT] = count;
        }
        if let Some(length) = length {
            bytes.resize(length.index(2 * bytes.len()), 0xa5);
        }
        prop_assume!(bytes != case.certificate);
        let mut chain = Chain::new(SpecId::OSAKA);
        let execution = chain.ask(QUORUM_VERIFIER, case.call(&bytes));
        prop_assert!(execution.result.is_success(), "{:?}", execution.result);
        prop_assert_ne!(word(&execution), VALID);
        // No more than a good one costs and the calldata itself.
        let run = execution.result.gas().total_gas_spent() - intrinsic(&case.call(&bytes));
        prop_assert!(run < 260_000, "{run}");
    }

}

#[test]
fn without_the_precompiles_nothing_is_valid() {
    let mut chain = Chain::new(SpecId::CANCUN);
    let case = Case::new(&[10; 7], &[1, 5]);
    let execution = chain.ask(QUORUM_VERIFIER, case.call(&case.certificate));
    assert_eq!(word(&execution), WRONG_SIGNATURE);
}
