use lazai_api_types::{
    Claim, InvalidKey, PortError, ProofLimits, ProofSystemId, ProofVerifier, Work,
};
use sha2::{Digest, Sha256};

use super::circuit::{Circuit, PROOF_BYTES};
use crate::{
    ForeignKey, KeyError, MAX_HEADER_BYTES, MAX_PROOF_BYTES, ProofError, ZkVm, open, selector,
};

/// Verifies Groth16 proofs of Ziren, SP1 and RISC Zero.
///
/// Keys: a [`ForeignKey`], whose circuit key has gnark's encoding for Ziren and SP1, and that of `docs/proofs.md` for RISC
/// Zero. Proofs: `docs/proofs.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Groth16Verifier;

impl Groth16Verifier {
    /// As [`verify`](ProofVerifier::verify), with the reason of a refusal.
    ///
    /// # Errors
    /// [`ProofError`], the same on every machine.
    pub fn check(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<(), ProofError> {
        let key = Key::parse(key)?;
        let opened = open(&key.program, key.prefix, PROOF_BYTES, claim, proof)?;
        key.circuit.check(&opened.inputs, opened.proof)
    }
}

impl ProofVerifier for Groth16Verifier {
    fn id(&self) -> ProofSystemId {
        ProofSystemId::GROTH16
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
        match Key::parse(key) {
            Ok(_) => Ok(()),
            Err(error) => Err(InvalidKey { reason: error.to_string() }),
        }
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        Ok(self.check(key, claim, proof).is_ok())
    }
}

/// A key that may be registered.
struct Key {
    program: ForeignKey,
    circuit: Circuit,
    /// What every proof under the key begins with.
    prefix: [u8; 4],
}

impl Key {
    fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > MAX_KEY_BYTES {
            return Err(KeyError::Size {
                part: "the key",
                expected: MAX_KEY_BYTES as u64,
                got: bytes.len() as u64,
            });
        }
        let program = ForeignKey::parse(bytes)?;
        program.check_parameters()?;
        let (key, inputs) = (program.verifying_key(), program.zkvm().input_count());
        let (circuit, prefix) = match *program.zkvm() {
            ZkVm::Sp1 { .. } | ZkVm::Ziren => {
                let digest = Sha256::digest(key);
                (Circuit::from_gnark(key, inputs)?, digest.first_chunk().copied())
            }
            ZkVm::RiscZero { control_root, control_id } => {
                (Circuit::from_uncompressed(key, inputs)?, selector(control_root, control_id, key))
            }
        };
        let prefix = prefix.unwrap_or_default();
        Ok(Self { program, circuit, prefix })
    }
}

/// The largest header, and RISC Zero's key behind it.
const MAX_KEY_BYTES: usize = MAX_HEADER_BYTES + 64 + 3 * 128 + 6 * 64;

/// The slowest median of `cargo bench -p lazai-zkvm --bench proof` is 2 ms on one core, reading the
/// key included. A gas is a thirtieth of a microsecond and 10,000/3 operations, so a microsecond is 100,000 operations; twice
/// that leaves room for slower machines.
const OPERATIONS: u64 = 2 * 2_000 * 100_000;

/// What a chain charges for reading a byte of input; hashing one costs a quarter of it.
const OPERATIONS_PER_BYTE: u64 = 1_024;

/// Points, lines of the pairing and hashers, generously.
const PEAK_BYTES: u64 = 64 * 1024;
