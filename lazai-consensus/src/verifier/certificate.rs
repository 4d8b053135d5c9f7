use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId, ProofVerifier, Work,
    codec::DecodeError,
};

use super::{QuorumVerifierError, committee_cache::CommitteeCache};
use crate::{
    Attestation, Fact, MAX_CERTIFICATE_BYTES, MAX_ROSTER_BYTES, QuorumCertificate, vote::concerns,
};

/// Verifies certificates of quorums as proofs of the system [`ProofSystemId::QUORUM`].
///
/// Keys are the bytes of a [`Roster`](crate::Roster). A proof is the byte 1 and an encoded
/// [`QuorumCertificate`]. A claim of a run is shown by a certificate of [`Fact::Workflow`] about
/// it, in the quorum and the epoch of the key; a claim of values by one of the [`Attestation`]
/// whose canonical bytes the values are.
///
/// Rosters that were found right are remembered, the last 64 by the hash of their bytes, so that
/// their proofs of possession are not checked for each certificate. No answer depends on what is
/// remembered.
#[derive(Debug, Default)]
pub struct QuorumVerifier {
    committees: CommitteeCache,
}

impl QuorumVerifier {
    /// Creates a verifier with an empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Verifies as [`verify`](ProofVerifier::verify) does, with the reason of a refusal.
    ///
    /// # Errors
    /// [`QuorumVerifierError`], the same on every machine.
    pub fn check(
        &self,
        key: &[u8],
        claim: Claim<'_>,
        proof: &[u8],
    ) -> Result<(), QuorumVerifierError> {
        bounded("proof", proof, MAX_PROOF_BYTES)?;
        let body = match proof.split_first() {
            Some((&ENVELOPE, body)) => body,
            Some((&got, _)) => return Err(DecodeError::Version { expected: ENVELOPE, got }.into()),
            None => return Err(DecodeError::Truncated { got: 0 }.into()),
        };
        // Before the roster, which takes longest.
        let certificate = QuorumCertificate::decode(body)?;
        bounded("key", key, MAX_ROSTER_BYTES)?;
        let committee = self.committees.get_or_verify(key)?;
        let attestation = match claim {
            Claim::Statement(run) => Attestation {
                quorum: committee.quorum(),
                epoch: committee.epoch(),
                fact: Fact::Workflow { run: *run },
            },
            Claim::Values(values) => Attestation::decode(values)?,
        };
        concerns(&attestation, &committee)?;
        Ok(certificate.verify(&attestation, &committee)?)
    }
}

impl ProofVerifier for QuorumVerifier {
    fn id(&self) -> ProofSystemId {
        ProofSystemId::QUORUM
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: MAX_ROSTER_BYTES as u64, proof_bytes: MAX_PROOF_BYTES as u64 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        COST.work(key_bytes, proof_bytes)
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        let admitted =
            bounded("key", key, MAX_ROSTER_BYTES).and_then(|()| self.committees.get_or_verify(key));
        match admitted {
            Ok(_) => Ok(()),
            Err(error) => Err(InvalidKey::new(error.code(), &error)),
        }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        Ok(self.check(key, claim, proof).is_ok())
    }
}

const fn bounded(part: &'static str, bytes: &[u8], max: usize) -> Result<(), QuorumVerifierError> {
    if bytes.len() > max {
        let (max, got) = (max as u64, bytes.len() as u64);
        return Err(QuorumVerifierError::Size { part, max, got });
    }
    Ok(())
}

/// Most bytes of a proof: the envelope's version and the longest certificate.
const MAX_PROOF_BYTES: usize = 1 + MAX_CERTIFICATE_BYTES;

/// The cost of a check, at 100,000 operations for a microsecond of one core: a gas is a thirtieth
/// of a microsecond and 10,000/3 operations.
const COST: ProofCost = ProofCost {
    // Decoding a certificate, hashing the key and the check took 0.9 ms of one core's time (`cargo
    // bench -p lazai-consensus --bench certificates`), rounded up to 1; twice that leaves room for
    // slower machines.
    operations: 2 * 1_000 * 100_000,
    // A member of 172 bytes took 0.40 ms, for a key in G2, a point in G1 and the proof of
    // possession; this is twice as much, which also pays for naming a member whose proof is false.
    // It is charged for each certificate, since a node that has just started remembers no roster.
    operations_per_key_byte: 470_000,
    // What a chain charges for reading a byte of input.
    operations_per_proof_byte: 1_024,
    // Points, lines of the pairing and hashers, generously.
    peak_bytes: 64 * 1024,
    // A member takes 172 bytes as it is written, then 400 as a candidate, 224 as a member, and 600
    // while its proof is checked.
    peak_bytes_per_key_byte: 8,
    peak_bytes_per_proof_byte: 0,
};

/// The version of the envelope of a proof.
const ENVELOPE: u8 = 1;
