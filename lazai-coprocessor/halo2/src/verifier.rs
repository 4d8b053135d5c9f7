use std::{borrow::Cow, panic, thread};

use alloy_primitives::B256;
use halo2_proofs::{
    halo2curves::bn256::Bn256,
    plonk::verify_proof,
    poly::kzg::{
        commitment::KZGCommitmentScheme, multiopen::VerifierSHPLONK, strategy::SingleStrategy,
    },
};
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, PortError, ProofCost, ProofLimits, ProofSystemId,
    ProofVerifier, Work,
};
use rayon::ThreadPoolBuilder;

use crate::{
    Halo2Error, SrsError, SrsVerifier, VerifyingKey, envelope,
    key::MAX_INTEGERS,
    public_inputs::element,
    shape::Shape,
    transcript::{Challenge, Keccak},
};

/// The verifier of halo2 proofs, as a [`ProofVerifier`].
///
/// It takes keys of reference strings that it knows alone, since whoever knows the secret of a
/// string can forge proofs under all its keys. All nodes of a chain must know the same strings.
#[derive(Clone, Debug)]
pub struct Halo2Verifier {
    strings: Cow<'static, [B256]>,
}

impl Default for Halo2Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Halo2Verifier {
    /// Creates a verifier that accepts keys of [ceremonies that are known](SrsVerifier::ceremony).
    ///
    /// # Panics
    /// If this process cannot start a thread.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Cow::Borrowed(&[SrsVerifier::PERPETUAL_POWERS_OF_TAU]))
    }

    /// Creates a verifier that accepts keys of the reference strings with these
    /// [digests](SrsVerifier::digest), and no others.
    ///
    /// # Panics
    /// If this process cannot start a thread.
    #[must_use]
    pub fn accepting(digests: &[B256]) -> Self {
        Self::of(Cow::Owned(digests.to_vec()))
    }

    /// Creates a verifier that accepts keys of the reference string whose secret is published
    /// besides those of ceremonies, so that **anybody can forge proofs**: for tests and
    /// demonstrations only.
    ///
    /// # Panics
    /// If this process cannot start a thread.
    #[must_use]
    pub fn accepting_development_keys() -> Self {
        const STRINGS: &[B256] = &[SrsVerifier::PERPETUAL_POWERS_OF_TAU, SrsVerifier::DEVELOPMENT];
        Self::of(Cow::Borrowed(STRINGS))
    }

    fn of(strings: Cow<'static, [B256]>) -> Self {
        // Starts the pool of the process, unless the host has, because halo2 asks for its size.
        // Were it started in a check, and no thread could be had then, the check would panic, and a
        // panic refuses a proof that other machines accept.
        let _started = ThreadPoolBuilder::new().build_global();
        let _threads = rayon::current_num_threads();
        Self { strings }
    }

    fn key(&self, key: &[u8]) -> Result<VerifyingKey, Halo2Error> {
        let key = VerifyingKey::from_bytes(key)?;
        let digest = key.srs.digest();
        if self.strings.contains(&digest) {
            return Ok(key);
        }
        Err(match key.srs.is_development() {
            true => SrsError::DevelopmentSecret,
            false => SrsError::Unknown { digest },
        }
        .into())
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
        Ok(on_one_thread(|| self.key(key).map(drop))?)
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        let Claim::Statement(statement) = claim else { return Ok(false) };
        Ok(on_one_thread(|| self.key(key).is_ok_and(|key| key.shows(statement, proof))))
    }
}

impl VerifyingKey {
    /// Returns whether `proof` shows `statement`; a malformed proof does not.
    #[must_use]
    pub fn verify(&self, statement: &InferenceStatement, proof: &[u8]) -> bool {
        on_one_thread(|| self.shows(statement, proof))
    }

    fn shows(&self, statement: &InferenceStatement, proof: &[u8]) -> bool {
        let Some(envelope) = envelope::read(&self.public_inputs, proof) else { return false };
        // What follows hashes all integers.
        if envelope.proof.len() != self.shape.proof_bytes() {
            return false;
        }
        let (input, output) = (&envelope.input, &envelope.output);
        if self.public_inputs.difference(statement, input, output).is_some() {
            return false;
        }
        let instance = self.public_inputs.instance(statement, input, output);
        let params = self.srs.params(self.shape.k);
        let mut transcript = Keccak::new(envelope.proof, element(self.hash()));
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

/// Runs `check` in a pool of one thread.
///
/// halo2 cuts a sum of points into as many pieces as the pool of the process has threads, and does
/// more work the more they are; and whoever fills that pool would delay a block. A key is read here
/// as well: its domain takes transforms. Where no thread can be had, the check runs on the
/// caller's, with the pool that a [`Halo2Verifier`] has started, to the same result.
fn on_one_thread<T: Send>(check: impl Fn() -> T + Send + Sync) -> T {
    let in_pool = || match ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(&check),
        Err(_) => check(),
    };
    if rayon::current_thread_index().is_none() {
        return in_pool();
    }
    // A worker of a pool begins other tasks of its pool while it waits for another one.
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, in_pool) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)),
        Err(_) => check(),
    })
}

/// Keys have at most 64 columns of a kind, most of them far fewer. A proof holds the integers of a
/// run, at most 2^16 that were read and as many that were written, and at most 64 columns.
const LIMITS: ProofLimits = ProofLimits {
    key_bytes: 1 << 14,
    proof_bytes: 1 + 2 * 4 * MAX_INTEGERS as u64 + Shape::MOST.proof_bytes() as u64,
};

/// The cost at 100,000 operations for a microsecond of one core (docs/gas.md).
const COST: ProofCost = ProofCost {
    operations: 100_000_000,
    // Keys of 1 to 64 columns of each kind took at most 62 microseconds of one thread for a
    // commitment of 32 bytes, the columns of the proof included (`cargo bench -p lazvm --bench
    // price`); this is twice as much.
    operations_per_key_byte: 400_000,
    // A permutation of the digest, for 56 bytes of integers of 32 bits, took 14.9 microseconds
    // (docs/benchmarks.md), which is 0.27 a byte; this is twice as much. The bytes of the proof
    // itself cost less, but what a byte is follows from the key, which is not at hand.
    operations_per_proof_byte: 54_000,
    peak_bytes: 0,
    peak_bytes_per_key_byte: 64,
    peak_bytes_per_proof_byte: 64,
};
