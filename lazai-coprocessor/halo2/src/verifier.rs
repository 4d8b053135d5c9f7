use halo2_proofs::{
    halo2curves::bn256::Bn256,
    plonk::verify_proof,
    poly::kzg::{
        commitment::KZGCommitmentScheme, multiopen::VerifierSHPLONK, strategy::SingleStrategy,
    },
    transcript::TranscriptReadBuffer,
};
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId,
    ProofVerifier, Work,
};

use crate::{
    Halo2Error, VerifyingKey, envelope,
    transcript::{Challenge, Keccak},
};

/// The verifier of halo2 proofs, as a [`ProofVerifier`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Halo2Verifier {
    accepts_development: bool,
}

impl Halo2Verifier {
    /// Creates a verifier that refuses keys of the reference string whose secret is published.
    #[must_use]
    pub const fn new() -> Self {
        Self { accepts_development: false }
    }

    /// Creates a verifier that accepts keys of the reference string whose secret is published, so
    /// that **anybody can forge proofs**: for tests and demonstrations only.
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
        LIMITS
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        COST.work(key_bytes, proof_bytes)
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        Ok(self.key(key).map(drop)?)
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        let Claim::Statement(statement) = claim else { return Ok(false) };
        Ok(self.key(key).is_ok_and(|key| key.verify(statement, proof)))
    }
}

impl VerifyingKey {
    /// Returns whether `proof` shows `statement`; a malformed proof does not.
    #[must_use]
    pub fn verify(&self, statement: &InferenceStatement, proof: &[u8]) -> bool {
        let Some(envelope) = envelope::read(&self.public_inputs, proof) else { return false };
        let (input, output) = (&envelope.input, &envelope.output);
        if self.public_inputs.difference(statement, input, output).is_some() {
            return false;
        }
        let instance = self.public_inputs.instance(statement, input, output);
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

/// Keys have at most 64 columns of a kind, most of them far fewer; proofs hold the integers of a
/// run.
const LIMITS: ProofLimits = ProofLimits { key_bytes: 1 << 14, proof_bytes: 1 << 19 };

/// The cost at 100,000 operations for a microsecond of one core (docs/gas.md).
const COST: ProofCost = ProofCost {
    operations: 100_000_000,
    // A column of 32 bytes took 0.17 ms in circuits of 30 and of 59 columns (docs/benchmarks.md);
    // this is one and a half times as much.
    operations_per_key_byte: 800_000,
    // The integers are hashed, packed and hashed again.
    operations_per_proof_byte: 4_096,
    peak_bytes: 0,
    peak_bytes_per_key_byte: 64,
    peak_bytes_per_proof_byte: 64,
};
