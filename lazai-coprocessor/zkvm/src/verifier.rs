//! The way from bytes to the equation, which the verifiers of both systems share.

use ark_bn254::Fr;
use lazai_api_types::{Claim, ProofCost};

use crate::{KeyError, ProofError, ZkVm, ZkvmKey, open};

/// The verifying key of a circuit that wraps the proofs of zkVMs, in one proof system.
pub(crate) trait CircuitKey: Sized {
    /// Bytes of the largest [`ZkvmKey`] that holds such a key.
    const MAX_KEY_BYTES: usize;
    /// Bytes of a proof of the circuit.
    const PROOF_BYTES: usize;

    /// Refuses zkVMs that have no proofs of this system.
    fn check_zkvm(zkvm: &ZkVm) -> Result<(), KeyError>;

    /// Reads the circuit's part of a key, and refuses it if anybody could forge proofs under it.
    fn read(key: &ZkvmKey) -> Result<Self, KeyError>;

    /// Returns the bytes with which every proof under the key starts.
    fn prefix(&self) -> [u8; 4];

    /// Checks the equation of the system.
    fn check(&self, inputs: &[Fr], proof: &[u8]) -> Result<(), ProofError>;
}

/// Reads a key that may be registered. Each zkVM has one size of key, so a longer one is refused.
pub(crate) fn parse<C: CircuitKey>(bytes: &[u8]) -> Result<(ZkvmKey, C), KeyError> {
    let key = ZkvmKey::parse(bytes)?;
    C::check_zkvm(key.zkvm())?;
    key.check_parameters()?;
    let circuit = C::read(&key)?;
    Ok((key, circuit))
}

/// Checks that `proof` shows `claim` under `key`, all from bytes.
pub(crate) fn check<C: CircuitKey>(
    key: &[u8],
    claim: Claim<'_>,
    proof: &[u8],
) -> Result<(), ProofError> {
    let (key, circuit) = parse::<C>(key)?;
    let opened = open(&key, circuit.prefix(), C::PROOF_BYTES, claim, proof)?;
    circuit.check(&opened.inputs, opened.proof)
}

/// Returns the cost of a check whose time on one core, key included, is `microseconds`.
///
/// A gas is a thirtieth of a microsecond and 10,000/3 operations, so a microsecond is 100,000
/// operations; twice that leaves room for slower machines.
pub(crate) const fn cost(microseconds: u64) -> ProofCost {
    ProofCost {
        operations: 2 * microseconds * 100_000,
        operations_per_key_byte: OPERATIONS_PER_BYTE,
        operations_per_proof_byte: OPERATIONS_PER_BYTE,
        peak_bytes: PEAK_BYTES,
        peak_bytes_per_key_byte: 1,
        peak_bytes_per_proof_byte: 1,
    }
}

/// Refuses the key of a circuit that has another size.
pub(crate) const fn check_size(bytes: &[u8], expected: usize) -> Result<(), KeyError> {
    if bytes.len() == expected {
        return Ok(());
    }
    Err(KeyError::Size {
        part: "the key of the circuit",
        expected: expected as u64,
        got: bytes.len() as u64,
    })
}

/// Implements the port for the unit struct of a system.
macro_rules! proof_verifier {
    ($verifier:ty, $circuit:ty, $id:expr, $cost:expr) => {
        impl $verifier {
            /// Does what [`verify`](ProofVerifier::verify) does, and returns the reason of a
            /// refusal.
            ///
            /// # Errors
            /// [`ProofError`], the same on every machine.
            pub fn check(
                &self,
                key: &[u8],
                claim: Claim<'_>,
                proof: &[u8],
            ) -> Result<(), ProofError> {
                $crate::verifier::check::<$circuit>(key, claim, proof)
            }
        }

        impl ProofVerifier for $verifier {
            fn id(&self) -> ProofSystemId {
                $id
            }

            fn limits(&self) -> ProofLimits {
                ProofLimits {
                    key_bytes: <$circuit>::MAX_KEY_BYTES as u64,
                    proof_bytes: $crate::MAX_PROOF_BYTES as u64,
                }
            }

            fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
                $cost.work(key_bytes, proof_bytes)
            }

            fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
                match $crate::verifier::parse::<$circuit>(key) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(InvalidKey::new(error.code(), &error)),
                }
            }

            fn verify(
                &self,
                key: &[u8],
                claim: Claim<'_>,
                proof: &[u8],
            ) -> Result<bool, PortError> {
                Ok(self.check(key, claim, proof).is_ok())
            }
        }
    };
}

pub(crate) use proof_verifier;

/// What a chain charges for reading a byte of input; hashing one costs a quarter of it.
const OPERATIONS_PER_BYTE: u64 = 1_024;

/// Points, lines of the pairing and hashers, generously.
const PEAK_BYTES: u64 = 64 * 1024;
