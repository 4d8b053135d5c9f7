//! A researcher's own proof system: `y = Σ w·x` for weights that nobody sees.
//!
//! What it proves: whoever made the proof knows weights `w` and a blinding `r` with `key = r·H + Σ
//! w·G`, and `y = Σ w·x` modulo the order of secp256k1, for the `x` and `y` of the statement. One
//! key stands for one vector of weights, since to open it to two would solve a discrete logarithm:
//! all answers under a key come from the same model. Beyond the answers, proofs say nothing about
//! the weights. It is a sigma protocol (Schnorr 1991, for the linear map from `(w, r)` to `(r·H + Σ
//! w·G, Σ w·x)`), made non-interactive by a hash over key, statement and commitments.
//!
//! What it does not prove: that weights are small. Modulo the order, huge weights may give any
//! answer, though the same ones to everybody. And enough answers tell the weights, as those of any
//! linear model do.

use core::{fmt, iter};

use alloy_primitives::B256;
use k256::{ProjectivePoint as Point, Scalar, elliptic_curve::group::GroupEncoding};
use lazai_api_types::{
    Claim, InferenceStatement, InvalidKey, Job, PortError, ProofLimits, ProofSystem, ProofSystemId,
    ProofVerifier, Rejection, Work,
};

use crate::{
    group::{generator, hash, integer, point, scalar},
    linear::{self, MAX_FEATURES},
};

/// The system with the secrets of a prover; one that only verifies has none, and is the default.
#[derive(Clone, Default)]
pub(crate) struct Hidden {
    pub(crate) weights: Vec<i32>,
    pub(crate) seed: B256,
}

impl ProofVerifier for Hidden {
    fn id(&self) -> ProofSystemId {
        ProofSystemId(1_001)
    }

    fn limits(&self) -> ProofLimits {
        ProofLimits { key_bytes: 33, proof_bytes: (1 + 36 * (2 + MAX_FEATURES)) as u64 }
    }

    /// 0.2 ms a term, at 100,000 operations a microsecond.
    fn work(&self, _: u64, proof_bytes: u64) -> Work {
        Work { flops: (1 + proof_bytes / 36) * 20_000_000, peak_bytes: 4_096 + 4 * proof_bytes }
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        point(key).map(drop).ok_or(InvalidKey::new(1, &"expected a finite point"))
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        Ok(matches!(claim, Claim::Statement(run) if check(key, run, proof).is_some()))
    }
}

impl ProofSystem for Hidden {
    type Prepared = Vec<u8>;

    fn prepare(&self, _: &Job) -> Result<Vec<u8>, PortError> {
        let terms: Vec<_> = self.secrets().map(|secret| (0, secret)).collect();
        Ok(image(&terms).0.to_bytes().to_vec())
    }

    fn key<'p>(&self, prepared: &'p Vec<u8>) -> &'p [u8] {
        prepared
    }

    fn prove(
        &self,
        key: &Vec<u8>,
        job: &Job,
        run: &InferenceStatement,
    ) -> Result<Vec<u8>, PortError> {
        let input = linear::features(job).unwrap_or_default();
        let holds =
            |y: &i32| *run == linear::statement(linear::model(key), &input, *y, run.context);
        let answer = linear::run(&self.weights, &input).filter(holds);
        let answer = answer.ok_or(Rejection::Unprovable { what: "a false statement" })?;
        // Fresh for each statement: two proofs with the same masks would tell the weights.
        let mask = |index: u64| self.secret(run.hash(), index);
        let masks: Vec<_> = iter::once(&0).chain(&input).copied().zip((0..).map(mask)).collect();
        let c = challenge(key, run, image(&masks));
        let z = masks.iter().zip(self.secrets()).map(|((x, mask), w)| (*x, *mask + c * w));
        let terms = iter::once((answer.cast_unsigned(), c)).chain(z);
        let bytes = terms.flat_map(|(x, z)| [&x.to_be_bytes()[..], &z.to_bytes()].concat());
        Ok(iter::once(1).chain(bytes).collect())
    }
}

impl Hidden {
    /// The blinding, then the weights.
    fn secrets(&self) -> impl Iterator<Item = Scalar> {
        let weights = self.weights.iter().map(|weight| integer(*weight));
        iter::once(self.secret(B256::ZERO, 0)).chain(weights)
    }

    fn secret(&self, purpose: B256, index: u64) -> Scalar {
        hash(&[b"hidden linear: secret", &self.seed.0, &purpose.0, &index.to_be_bytes()])
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// Reads `1 ‖ y ‖ c ‖ 0 ‖ z[0] ‖ x[1] ‖ z[1] ‖ …`, and checks that `c` is the hash of the
/// commitments that it implies.
fn check(key: &[u8], run: &InferenceStatement, proof: &[u8]) -> Option<()> {
    let [1, rest @ ..] = proof else { return None };
    let (chunks, []) = rest.as_chunks::<36>() else { return None };
    let term = |chunk: &[u8; 36]| {
        let (x, z) = chunk.split_first_chunk()?;
        Some((u32::from_be_bytes(*x), scalar(z.try_into().ok()?)?))
    };
    let terms = chunks.iter().map(term).collect::<Option<Vec<_>>>()?;
    let [(y, c), terms @ ..] = &*terms else { return None };
    let [(0, _), inputs @ ..] = terms else { return None };
    let (inputs, y): (Vec<_>, _) = (inputs.iter().map(|(x, _)| *x).collect(), y.cast_signed());
    let (points, values) = image(terms);
    let implied = (points - point(key)? * c, values - integer(y) * c);
    let expected = linear::statement(linear::model(key), &inputs, y, run.context);
    (expected == *run && challenge(key, run, implied) == *c).then_some(())
}

/// `(r·H + Σ w·G, Σ w·x)` of the terms `(0, r), (x, w), …`: what is committed, and what is claimed
/// of it.
fn image(terms: &[(u32, Scalar)]) -> (Point, Scalar) {
    let points = (0..).zip(terms).map(|(index, (_, w))| generator(index) * w);
    (points.sum(), terms.iter().map(|(x, w)| Scalar::from(*x) * w).sum())
}

fn challenge(key: &[u8], run: &InferenceStatement, (point, value): (Point, Scalar)) -> Scalar {
    hash(&[b"hidden linear: challenge", key, &run.hash().0, &point.to_bytes(), &value.to_bytes()])
}
