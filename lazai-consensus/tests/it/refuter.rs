//! A proof of the true result refutes a certified wrong one.

use std::sync::Arc;

use alloy_primitives::B256;
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, ModelId, PortError, ProofLimits, ProofSystemId,
    ProofVerifier, ProofVerifiers, Work,
};
use lazai_consensus::{
    Evidence, EvidenceError, Fact, ProofRefuter, Refutation, Refuter, bls::PublicKey,
    bls::Signature,
};

use crate::support::{attestation, certificate, committee, secret};

/// The smallest real proof system: one prover, whose public key is the verifying key, signs what is
/// true.
#[derive(Debug)]
struct Notary;

impl ProofVerifier for Notary {
    fn id(&self) -> ProofSystemId {
        ProofSystemId(1_000)
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 96, proof_bytes: 48 }
    }

    fn work(&self, _: u64, _: u64) -> Work {
        Work::default()
    }

    fn admit(&self, _: &[u8]) -> Result<(), InvalidKey> {
        Ok(())
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        let (Ok(key), Ok(proof)) = (key.try_into(), proof.try_into()) else { return Ok(false) };
        let (Ok(key), Ok(proof)) = (PublicKey::from_bytes(key), Signature::from_bytes(proof))
        else {
            return Ok(false);
        };
        let Claim::Statement(run) = claim else { return Ok(false) };
        Ok(proof.verify(run.hash().as_slice(), &key))
    }
}

const SYSTEM: ProofSystemId = ProofSystemId(1_000);

const fn run(output: u8) -> InferenceStatement {
    InferenceStatement {
        model: ModelId(B256::repeat_byte(1)),
        input: B256::repeat_byte(2),
        output: B256::repeat_byte(output),
        work: Work { flops: 10, peak_bytes: 20 },
        context: B256::repeat_byte(4),
    }
}

fn refuter() -> ProofRefuter {
    let mut verifiers = ProofVerifiers::default();
    verifiers.insert(Arc::new(Notary)).unwrap();
    let key = secret(50).public_key().to_bytes().to_vec();
    ProofRefuter::new(verifiers).trust(run(0).model, SYSTEM, key)
}

/// The notary's word that the output is `proved`, presented as a proof of `claimed`.
fn refutation(proved: u8, claimed: u8, system: ProofSystemId) -> Vec<u8> {
    let proof = secret(50).sign(run(proved).hash().as_slice()).to_bytes();
    let InferenceStatement { output, work, .. } = run(claimed);
    Refutation { system, output, work, proof: &proof }.encode()
}

#[test]
fn signers_of_a_wrong_result_are_convicted() {
    let committee = committee(&[1; 4]);
    let certified = attestation(Fact::Workflow { run: run(9) });
    let certified = Box::new((certified, certificate(&certified, &[0, 1, 2], 4)));
    let refutation = refutation(3, 3, SYSTEM);
    let evidence = Evidence::FalseValidity { certified, refutation };
    assert_eq!(evidence.verify(&committee, &refuter()).unwrap().weight, 3);
}

#[test]
fn a_true_result_stands() {
    let judge = |output, refutation: &[u8]| {
        refuter().refutes(&attestation(Fact::Workflow { run: run(output) }), refutation)
    };
    // The proof is of the very result that was certified.
    assert_eq!(judge(3, &refutation(3, 3, SYSTEM)), Ok(false));
    // The proof is of the same result, at the prices of another version.
    let work = Work { flops: 11, peak_bytes: 20 };
    let dearer = attestation(Fact::Workflow { run: InferenceStatement { work, ..run(3) } });
    assert_eq!(refuter().refutes(&dearer, &refutation(3, 3, SYSTEM)), Ok(false));
    // The proof is of another result than it says.
    assert_eq!(judge(9, &refutation(9, 3, SYSTEM)), Ok(false));
    let bytes = refutation(3, 3, SYSTEM);
    for length in 0..bytes.len() {
        assert_eq!(judge(9, &bytes[..length]), Ok(false));
    }
    let decision = attestation(Fact::Decision { proposal: B256::ZERO, approved: true });
    assert_eq!(refuter().refutes(&decision, &bytes), Ok(false));
    assert_eq!(judge(9, &bytes), Ok(true));
}

#[test]
fn an_unknown_system_is_no_verdict() {
    let certified = attestation(Fact::Workflow { run: run(9) });
    let verdict = refuter().refutes(&certified, &refutation(3, 3, ProofSystemId(2)));
    assert!(matches!(verdict, Err(EvidenceError::Undecided { .. })));
    let stranger = ProofRefuter::default().refutes(&certified, &refutation(3, 3, SYSTEM));
    assert!(matches!(stranger, Err(EvidenceError::Undecided { .. })));
}
