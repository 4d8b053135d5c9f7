//! Certificates through the precompile that checks proofs.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use lazai_api_types::{
    Claim, InferenceStatement, ModelId, ProofSystemId, ProofVerifier, Work, codec::DecodeError,
    key_hash,
};
use lazai_consensus::{
    Attestation, Candidate, Committee, CommitteeError, Epoch, Fact, MAX_MEMBERS, QuorumCertificate,
    QuorumId, Roster,
    verifier::{QuorumVerifier, QuorumVerifierError},
};
use lazai_precompiles::{
    abi::{self, ILazProofVerifier as sol, SolCall},
    address::PROOF_VERIFIER,
};
use lazvm::{Execution, revm::primitives::hardfork::SpecId};
use proptest::prelude::*;

use super::chain::{Chain, intrinsic};
use crate::support::{EPOCH, QUORUM, attestation, candidate, certificate, checkpoint};

fn roster(members: usize) -> Roster {
    let candidates = (0..members).map(|index| candidate(index, 10)).collect();
    Roster { quorum: QUORUM, epoch: EPOCH, candidates }
}

const fn run() -> InferenceStatement {
    InferenceStatement {
        model: ModelId(B256::repeat_byte(1)),
        input: B256::repeat_byte(2),
        output: B256::repeat_byte(3),
        work: Work { flops: 4, peak_bytes: 5 },
        context: B256::repeat_byte(6),
    }
}

fn envelope(certificate: &QuorumCertificate) -> Vec<u8> {
    [&[1], certificate.encode().as_slice()].concat()
}

/// What three of four members say, in the quorum and epoch of the roster.
fn certify(fact: Fact) -> (Attestation, Vec<u8>) {
    let attestation = attestation(fact);
    (attestation, envelope(&certificate(&attestation, &[0, 1, 3], 4)))
}

fn register(system: ProofSystemId, key: &[u8]) -> Vec<u8> {
    let verifying_key = Bytes::copy_from_slice(key);
    sol::registerCall { system: system.0, verifyingKey: verifying_key }.abi_encode()
}

fn verify_run(key: &[u8], run: &InferenceStatement, proof: &[u8]) -> Vec<u8> {
    let InferenceStatement { model, input, output, work, context } = *run;
    let statement = abi::Statement {
        model: model.0,
        input,
        output,
        flops: work.flops,
        peakBytes: work.peak_bytes,
        context,
    };
    let key_hash = key_hash(ProofSystemId::QUORUM, key);
    let proof = Bytes::copy_from_slice(proof);
    sol::verifyCall { system: 0, keyHash: key_hash, statement, proof }.abi_encode()
}

fn verify_values(system: ProofSystemId, key: &[u8], values: &[u8], proof: &[u8]) -> Vec<u8> {
    sol::verifyValuesCall {
        system: system.0,
        keyHash: key_hash(system, key),
        values: Bytes::copy_from_slice(values),
        proof: Bytes::copy_from_slice(proof),
    }
    .abi_encode()
}

#[track_caller]
fn is_valid(execution: &Execution) -> bool {
    assert!(execution.result.is_success(), "{:?}", execution.result);
    sol::verifyCall::abi_decode_returns(execution.result.output().unwrap()).unwrap()
}

#[test]
fn certificates_are_proofs_of_runs_and_of_attestations() {
    let mut chain = Chain::new(SpecId::PRAGUE);
    let key = roster(4).encode();
    let registered = chain.send(PROOF_VERIFIER, register(ProofSystemId::QUORUM, &key));
    assert_eq!(
        registered.result.output().unwrap().as_ref(),
        key_hash(ProofSystemId::QUORUM, &key).as_slice()
    );

    let (workflow, proof) = certify(Fact::Workflow { run: run() });
    assert!(is_valid(&chain.ask(PROOF_VERIFIER, verify_run(&key, &run(), &proof))));
    let values = workflow.encode();
    let call = verify_values(ProofSystemId::QUORUM, &key, &values, &proof);
    assert!(is_valid(&chain.ask(PROOF_VERIFIER, call)));
    let other = InferenceStatement { output: B256::ZERO, ..run() };
    assert!(!is_valid(&chain.ask(PROOF_VERIFIER, verify_run(&key, &other, &proof))));

    let (decision, proof) = certify(Fact::Decision { proposal: B256::ZERO, approved: true });
    let call = verify_values(ProofSystemId::QUORUM, &key, &decision.encode(), &proof);
    assert!(is_valid(&chain.ask(PROOF_VERIFIER, call)));
    assert!(!is_valid(&chain.ask(PROOF_VERIFIER, verify_run(&key, &run(), &proof))));
}

#[test]
fn what_is_charged_is_what_was_quoted() {
    let mut chain = Chain::new(SpecId::OSAKA);
    let key = roster(4).encode();
    let quote = sol::quoteRegisterCall { system: 0, keyBytes: key.len() as u64 }.abi_encode();
    let quoted = chain.ask(PROOF_VERIFIER, quote);
    let quoted =
        sol::quoteRegisterCall::abi_decode_returns(quoted.result.output().unwrap()).unwrap();
    let data = register(ProofSystemId::QUORUM, &key);
    let before = intrinsic(&data);
    let paid = chain.send(PROOF_VERIFIER, data);
    assert_eq!(
        (paid.gas_ai(), paid.gas_inference()),
        (quoted.price.gasAI, quoted.price.gasInference)
    );
    assert_eq!(paid.gas_evm(), before + quoted.gasEvm);

    let (attestation, proof) = certify(Fact::Checkpoint { height: 1, state_root: B256::ZERO });
    let values = attestation.encode();
    let quote = sol::quoteCall {
        system: 0,
        keyBytes: key.len() as u64,
        valuesBytes: values.len() as u64,
        proofBytes: proof.len() as u64,
    };
    let quoted = chain.ask(PROOF_VERIFIER, quote.abi_encode());
    let quoted = sol::quoteCall::abi_decode_returns(quoted.result.output().unwrap()).unwrap();
    let data = verify_values(ProofSystemId::QUORUM, &key, &values, &proof);
    let before = intrinsic(&data);
    let paid = chain.ask(PROOF_VERIFIER, data);
    assert!(is_valid(&paid));
    assert_eq!(
        (paid.gas_ai(), paid.gas_inference()),
        (quoted.price.gasAI, quoted.price.gasInference)
    );
    assert_eq!(paid.gas_evm(), before + quoted.gasEvm);
}

#[test]
fn the_largest_committee_fits_a_transaction() {
    let mut chain = Chain::new(SpecId::PRAGUE);
    let key = roster(MAX_MEMBERS).encode();
    assert_eq!(key.len() as u64, QuorumVerifier::new().limits().key_bytes);
    let registered = chain.send(PROOF_VERIFIER, register(ProofSystemId::QUORUM, &key));
    assert!(registered.result.is_success(), "{:?}", registered.result);
    let attestation = checkpoint(1, 2);
    let members: Vec<_> = (0..MAX_MEMBERS).collect();
    let proof = envelope(&certificate(&attestation, &members, 128));
    assert_eq!(proof.len() as u64, QuorumVerifier::new().limits().proof_bytes);
    let call = verify_values(ProofSystemId::QUORUM, &key, &attestation.encode(), &proof);
    assert!(is_valid(&chain.ask(PROOF_VERIFIER, call)));
}

/// Keys and proofs have one encoding, and signatures no random part: what is made today is, byte
/// for byte, what was made before. `LAZVM_WRITE_TESTDATA=1` writes the files again.
#[test]
fn a_golden_certificate_verifies_under_its_roster() {
    let (key, (_, proof)) = (roster(4).encode(), certify(Fact::Workflow { run: run() }));
    let golden = [
        ("quorum_key.bin", &key, include_bytes!("../../../testdata/quorum_key.bin").as_slice()),
        ("quorum_proof.bin", &proof, include_bytes!("../../../testdata/quorum_proof.bin")),
    ];
    for (name, bytes, expected) in golden {
        if std::env::var_os("LAZVM_WRITE_TESTDATA").is_some() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
            std::fs::write(folder.join(name), bytes).unwrap();
            continue;
        }
        assert_eq!(bytes, expected, "{name}");
    }
    let verifier = QuorumVerifier::new();
    assert_eq!(verifier.verify(&key, Claim::Statement(&run()), &proof), Ok(true));
}

/// A changed number here is a change of consensus.
#[test]
fn codes_of_refused_rosters_are_golden() {
    let address = Address::ZERO;
    let committee = [
        CommitteeError::DuplicateKey { address },
        CommitteeError::DuplicateMember { address },
        CommitteeError::NoKey,
        CommitteeError::Possession { address },
        CommitteeError::Size { got: 0, max: 1 },
        CommitteeError::WeightOverflow,
        CommitteeError::ZeroWeight { address },
    ];
    for (error, code) in committee.into_iter().zip(0x201..) {
        assert_eq!(QuorumVerifierError::from(error).code(), code, "{error}");
    }
    let error = QuorumVerifierError::from(DecodeError::Version { expected: 1, got: 2 });
    assert_eq!(error.code(), 0x107);
    assert_eq!(QuorumVerifierError::Size { part: "key", max: 1, got: 2 }.code(), 0x300);
}

#[test]
fn rosters_that_are_none_are_not_admitted() {
    let verifier = QuorumVerifier::new();
    let good = roster(4);
    assert_eq!(verifier.admit(&good.encode()), Ok(()));
    let refused = |roster: &Roster| verifier.admit(&roster.encode()).unwrap_err().code;
    // A made-up key that would cancel the others out cannot show its secret.
    let mut rogue = good.clone();
    rogue.candidates[2].possession = rogue.candidates[1].possession;
    assert_eq!(refused(&rogue), 0x204);
    let mut copied = good.clone();
    copied.candidates[2].key = copied.candidates[1].key;
    copied.candidates[2].possession = copied.candidates[1].possession;
    assert_eq!(refused(&copied), 0x201);
    let mut idle = good.clone();
    idle.candidates[0].weight = 0;
    assert_eq!(refused(&idle), 0x207);
    let empty = Roster { candidates: vec![], ..good };
    assert_eq!(refused(&empty), 0x205);
    let mut unordered = good.encode();
    let (first, second) = unordered[43..43 + 2 * 172].split_at_mut(172);
    first.swap_with_slice(second);
    assert!(verifier.admit(&unordered).is_err());
    assert_eq!(verifier.admit(&[]).unwrap_err().code, 0x105);
    assert_eq!(verifier.admit(&[1; 1 << 16]).unwrap_err().code, 0x300);
    for candidate in [good.candidates.len() - 1, 0] {
        let mut bytes = good.encode();
        bytes[43 + 172 * candidate + 28] ^= 1;
        assert!(verifier.admit(&bytes).is_err(), "a bit of the key of {candidate}");
    }
}

/// Every byte of key, claim and proof: one bit of it changes the answer, through the same verifier
/// that knows the right roster.
#[test]
fn every_altered_byte_is_refused() {
    let verifier = QuorumVerifier::new();
    let key = roster(4).encode();
    let (attestation, proof) = certify(Fact::Workflow { run: run() });
    let values = attestation.encode();
    let asks = |key: &[u8], values: &[u8], proof: &[u8]| {
        verifier.verify(key, Claim::Values(values), proof).unwrap()
    };
    assert!(asks(&key, &values, &proof));
    for bit in [1, 0x10, 0x80] {
        for at in 0..key.len() {
            let mut wrong = key.clone();
            wrong[at] ^= bit;
            // Weights are no one's signature: the key's name binds them.
            let is_weight = at >= 43 && (20..28).contains(&((at - 43) % 172));
            if !is_weight {
                assert!(!asks(&wrong, &values, &proof), "byte {at} of the key");
            }
        }
        for at in 0..values.len() {
            let mut wrong = values.clone();
            wrong[at] ^= bit;
            assert!(!asks(&key, &wrong, &proof), "byte {at} of the values");
        }
        for at in 0..proof.len() {
            let mut wrong = proof.clone();
            wrong[at] ^= bit;
            assert!(!asks(&key, &values, &wrong), "byte {at} of the proof");
            let claim = Claim::Statement(&run());
            assert!(!verifier.verify(&key, claim, &wrong).unwrap(), "byte {at} of the proof");
        }
    }
    for length in 0..proof.len() {
        assert!(!asks(&key, &values, &proof[..length]));
    }
    for length in 0..values.len() {
        assert!(!asks(&key, &values[..length], &proof));
    }
    for length in (0..key.len()).step_by(13) {
        assert!(!asks(&key[..length], &values, &proof));
    }
    for part in [&key, &values, &proof] {
        let mut long = part.clone();
        long.push(0);
        let pick =
            |other: &Vec<u8>| if core::ptr::eq(part, other) { long.clone() } else { other.clone() };
        assert!(!asks(&pick(&key), &pick(&values), &pick(&proof)));
    }
    assert!(asks(&key, &values, &proof), "what was asked in between changed nothing");
}

#[test]
fn other_committees_and_epochs_prove_nothing() {
    let verifier = QuorumVerifier::new();
    let (right, proof) = certify(Fact::Workflow { run: run() });
    let good = roster(4);
    let check = |roster: &Roster, attestation: &Attestation, proof: &[u8]| {
        verifier.check(&roster.encode(), Claim::Values(&attestation.encode()), proof)
    };
    assert_eq!(check(&good, &right, &proof), Ok(()));
    let next = Roster { epoch: Epoch(EPOCH.0 + 1), ..good.clone() };
    assert!(matches!(check(&next, &right, &proof), Err(QuorumVerifierError::Attestation(_))));
    let claim = Claim::Statement(&run());
    assert!(matches!(
        verifier.check(&next.encode(), claim, &proof),
        Err(QuorumVerifierError::Certificate(_))
    ));
    let other = Roster { quorum: QuorumId::default(), ..good.clone() };
    assert!(matches!(check(&other, &right, &proof), Err(QuorumVerifierError::Attestation(_))));
    // The members sign an attestation of another quorum: they may, but nobody has to believe them.
    let foreign = Attestation { quorum: QuorumId::default(), ..right };
    let mut forged = certificate(&foreign, &[0, 1, 2, 3], 4);
    forged.quorum = QUORUM;
    assert!(matches!(
        check(&good, &foreign, &envelope(&forged)),
        Err(QuorumVerifierError::Attestation(_))
    ));
    assert!(check(&roster(5), &right, &proof).is_err());
    let mut heavy = good.clone();
    heavy.candidates[2].weight = 20;
    // Three of four weigh 30 of 50 now.
    assert!(matches!(check(&heavy, &right, &proof), Err(QuorumVerifierError::Certificate(_))));
    let two = certificate(&right, &[0, 1], 4);
    assert!(matches!(
        check(&good, &right, &envelope(&two)),
        Err(QuorumVerifierError::Certificate(_))
    ));
}

#[test]
fn a_key_that_was_refused_stays_refused() {
    let (attestation, proof) = certify(Fact::Workflow { run: run() });
    let values = attestation.encode();
    let mut forged = roster(4);
    forged.candidates[2].possession = forged.candidates[0].possession;
    let (good, forged) = (roster(4).encode(), forged.encode());
    let verifier = QuorumVerifier::new();
    for _ in 0..3 {
        assert!(verifier.admit(&forged).is_err());
        assert_eq!(verifier.verify(&forged, Claim::Values(&values), &proof), Ok(false));
        assert_eq!(verifier.verify(&good, Claim::Values(&values), &proof), Ok(true));
    }
}

/// Threads that use one verifier get the answers that each would get alone.
#[test]
fn answers_do_not_depend_on_who_else_asks() {
    let verifier = Arc::new(QuorumVerifier::new());
    let (attestation, proof) = certify(Fact::Workflow { run: run() });
    std::thread::scope(|scope| {
        for thread in 0..2_u64 {
            let (verifier, proof) = (Arc::clone(&verifier), &proof);
            scope.spawn(move || {
                for round in 0..20 {
                    let epoch = Epoch(EPOCH.0 + (thread + round) % 3);
                    let key = Roster { epoch, ..roster(4) }.encode();
                    let attestation = Attestation { epoch, ..attestation };
                    let claim = attestation.encode();
                    let valid = verifier.verify(&key, Claim::Values(&claim), proof).unwrap();
                    assert_eq!(valid, epoch == EPOCH);
                }
            });
        }
    });
}

#[test]
fn work_grows_with_what_is_checked() {
    let verifier = QuorumVerifier::new();
    let limits = verifier.limits();
    let mut last = verifier.work(0, 0);
    for step in 1..=100 {
        let (key, proof) = (limits.key_bytes * step / 100, limits.proof_bytes * step / 100);
        for work in [verifier.work(key, 0), verifier.work(0, proof)] {
            assert!(work.flops <= verifier.work(key, proof).flops);
            assert!(work.peak_bytes <= verifier.work(key, proof).peak_bytes);
        }
        let work = verifier.work(key, proof);
        assert!(work.flops >= last.flops && work.peak_bytes >= last.peak_bytes);
        last = work;
    }
    assert!(verifier.work(u64::MAX, u64::MAX).flops == u64::MAX);
}

proptest! {
    #[test]
    fn random_bytes_prove_nothing(
        key in prop::collection::vec(any::<u8>(), 0..300),
        values in prop::collection::vec(any::<u8>(), 0..1_200),
        proof in prop::collection::vec(any::<u8>(), 0..400),
        versions in any::<bool>(),
    ) {
        let (mut key, mut values, mut proof) = (key, values, proof);
        if versions {
            for bytes in [&mut key, &mut values, &mut proof] {
                if let Some(first) = bytes.first_mut() {
                    *first = 1;
                }
            }
        }
        let good = roster(1).encode();
        // A key of another system: that of openings of datasets.
        let opening = [1, 0, 3, 0, 7, 1, 0, 0, 0];
        for claim in [Claim::Values(&values), Claim::Statement(&run())] {
            for key in [&key, &good, opening.as_slice()] {
                prop_assert_eq!(QuorumVerifier::new().verify(key, claim, &proof), Ok(false));
            }
        }
        prop_assert!(QuorumVerifier::new().admit(&key).is_err());
    }
}

/// The committee of the roster is the one that other parts of the crate make.
#[test]
fn a_roster_is_a_committee() {
    let candidates: Vec<Candidate> = roster(4).candidates;
    let committee = Committee::new(QUORUM, EPOCH, candidates).unwrap();
    assert_eq!(Roster::decode(&roster(4).encode()).unwrap().seat(), Ok(committee));
}
