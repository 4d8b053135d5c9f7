use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofLimits, ProofSystemId, ProofVerifier, Work,
};

use super::{
    circuit::{Circuit, KEY_BYTES},
    proof::{PROOF_BYTES, Proof},
};
use crate::{ForeignKey, KeyError, MAX_HEADER_BYTES, MAX_PROOF_BYTES, ProofError, ZkVm, open};

/// Verifies PLONK proofs of Ziren and SP1.
///
/// Keys: a [`ForeignKey`], whose circuit key is gnark's [without lines](super::without_lines). Proofs: `docs/proofs.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlonkVerifier;

impl PlonkVerifier {
    /// As [`verify`](ProofVerifier::verify), with the reason of a refusal.
    ///
    /// # Errors
    /// [`ProofError`], the same on every machine.
    pub fn check(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<(), ProofError> {
        let (key, circuit) = parse(key)?;
        let opened = open(&key, circuit.prefix, PROOF_BYTES, claim, proof)?;
        circuit.check(&opened.inputs, &Proof::read(opened.proof)?)
    }
}

impl ProofVerifier for PlonkVerifier {
    fn id(&self) -> ProofSystemId {
        ProofSystemId::PLONK
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: MAX_KEY_BYTES as u64, proof_bytes: MAX_PROOF_BYTES as u64 }
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        let bytes = key_bytes.saturating_add(proof_bytes);
        let hashing = bytes.saturating_mul(OPERATIONS_PER_BYTE);
        Work {
            flops: OPERATIONS.saturating_add(hashing),
            peak_bytes: PEAK_BYTES.saturating_add(bytes),
        }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        match parse(key) {
            Ok(_) => Ok(()),
            Err(error) => Err(InvalidKey { reason: error.to_string() }),
        }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        Ok(self.check(key, claim, proof).is_ok())
    }
}

/// A key that may be registered.
fn parse(bytes: &[u8]) -> Result<(ForeignKey, Circuit), KeyError> {
    if bytes.len() > MAX_KEY_BYTES {
        return Err(KeyError::Size {
            part: "the key",
            expected: MAX_KEY_BYTES as u64,
            got: bytes.len() as u64,
        });
    }
    let key = ForeignKey::parse(bytes)?;
    if let ZkVm::RiscZero { .. } = key.zkvm() {
        return Err(KeyError::System { zkvm: "RISC Zero" });
    }
    key.check_parameters()?;
    let circuit = Circuit::read(key.verifying_key(), key.zkvm().input_count())?;
    Ok((key, circuit))
}

/// The header of SP1, which is that of RISC Zero less one word, and the key of the circuit.
const MAX_KEY_BYTES: usize = MAX_HEADER_BYTES - 32 + KEY_BYTES;

/// The slowest median of `cargo bench -p lazai-zkvm --bench proof` is 3 ms on one core, reading the
/// key included. A gas is a thirtieth of a microsecond and 10,000/3 operations, so a microsecond is 100,000 operations; twice
/// that leaves room for slower machines.
const OPERATIONS: u64 = 2 * 3_000 * 100_000;

/// What a chain charges for reading a byte of input; hashing one costs a quarter of it.
const OPERATIONS_PER_BYTE: u64 = 1_024;

/// Points, lines of the pairing and hashers, generously.
const PEAK_BYTES: u64 = 64 * 1024;
