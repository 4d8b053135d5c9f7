use halo2_proofs::{
    halo2curves::bn256::Bn256,
    plonk::verify_proof,
    poly::kzg::{
        commitment::KZGCommitmentScheme, multiopen::VerifierSHPLONK, strategy::SingleStrategy,
    },
    transcript::TranscriptReadBuffer,
};
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, PortError, ProofLimits, ProofSystemId, ProofVerifier,
    Work,
};

use super::{
    Halo2Error, VerifyingKey, envelope,
    transcript::{Challenge, Keccak},
};

/// Checks halo2 proofs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Halo2Verifier {
    accepts_development: bool,
}

impl Halo2Verifier {
    /// Refuses keys of the reference string whose secret is published.
    #[must_use]
    pub const fn new() -> Self {
        Self { accepts_development: false }
    }

    /// Accepts keys of the reference string whose secret is published, so that **anybody can forge proofs**: for tests and
    /// demonstrations alone.
    #[must_use]
    pub const fn accepting_development_keys() -> Self {
        Self { accepts_development: true }
    }

    fn key(self, key: &[u8]) -> Result<VerifyingKey, Halo2Error> {
        let key = VerifyingKey::from_bytes(key)?;
        if key.srs.is_development() && !self.accepts_development {
            return Err(super::SrsError::DevelopmentSecret.into());
        }
        Ok(key)
    }
}

impl ProofVerifier for Halo2Verifier {
    fn id(&self) -> ProofSystemId {
        ProofSystemId::HALO2
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 1 << 14, proof_bytes: 1 << 19 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        let key = key_bytes.saturating_mul(KEY_BYTE_OPERATIONS);
        let proof = proof_bytes.saturating_mul(PROOF_BYTE_OPERATIONS);
        let flops = OPERATIONS.saturating_add(key).saturating_add(proof);
        Work { flops, peak_bytes: key_bytes.saturating_add(proof_bytes).saturating_mul(64) }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        let max = self.limits().key_bytes;
        if key.len() as u64 > max {
            let reason = format!("it has {} bytes, expected at most {max}", key.len());
            return Err(InvalidKey { reason });
        }
        self.key(key)?;
        Ok(())
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        let limits = self.limits();
        let Claim::Statement(statement) = claim else { return Ok(false) };
        if key.len() as u64 > limits.key_bytes || proof.len() as u64 > limits.proof_bytes {
            return Ok(false);
        }
        Ok(self.key(key).is_ok_and(|key| key.verify(statement, proof)))
    }
}

impl VerifyingKey {
    /// Whether `proof` shows `statement`; a malformed proof does not.
    #[must_use]
    pub fn verify(&self, statement: &InferenceStatement, proof: &[u8]) -> bool {
        let Some(envelope) = envelope::read(&self.shown, proof) else { return false };
        let (input, output) = (&envelope.input, &envelope.output);
        if self.shown.difference(statement, input, output).is_some() {
            return false;
        }
        let instance = self.shown.instance(statement, input, output);
        let params = self.srs.params(self.shape.k);
        let mut transcript = <Keccak<_> as TranscriptReadBuffer<_, _, _>>::init(envelope.proof);
        let verified = verify_proof::<
            KZGCommitmentScheme<Bn256>,
            VerifierSHPLONK<'_, Bn256>,
            Challenge,
            _,
            _,
        >(
            &params,
            &self.halo2,
            SingleStrategy::new(&params),
            &[&[&instance]],
            &mut transcript,
        );
        verified.is_ok() && transcript.rest().is_empty()
    }
}

/// Operations of a check beside those that follow, at 100,000 for a microsecond of one core (docs/gas.md).
const OPERATIONS: u64 = 100_000_000;
/// Operations for each byte of the key: a column, of 32 bytes, took 0.17 ms in circuits of 30 and of 59 columns (docs/benchmarks.md);
/// this is one and a half times as much.
const KEY_BYTE_OPERATIONS: u64 = 800_000;
/// Operations for each byte of a proof and its integers, which are hashed, packed and hashed again.
const PROOF_BYTE_OPERATIONS: u64 = 4_096;
