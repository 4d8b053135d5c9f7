use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use lazai_api_types::{
    Claim, Coprocessor, InferenceStatement, InvalidKey, Job, Output, PortError, ProofLimits,
    ProofSystem, ProofSystemId, ProofVerifier, Rejection, Work,
};
use lazai_coprocessor::{Cpu, model::Model, trace::Input};

use crate::{
    Halo2Error, Halo2Verifier, ProvedOutput, ProvingKey, Srs, SrsError, proved_job::ProvedJob,
};

/// The proof system for jobs of language models: logits, embeddings and greedy tokens of a prompt
/// of tokens.
///
/// A prompt of text is refused, because its tokenization is not proved; tokenize it first.
#[derive(Debug)]
pub struct Halo2<S> {
    device: Arc<Cpu>,
    source: S,
    cache: Mutex<BTreeMap<u32, Arc<Srs>>>,
    verifier: Halo2Verifier,
}

/// A source of reference strings, by the binary logarithm of their powers.
pub trait SrsSource: core::fmt::Debug + Send + Sync {
    /// Returns a string of `2^k` powers.
    ///
    /// # Errors
    /// [`SrsError`] if there is none.
    fn srs(&self, k: u32) -> Result<Srs, SrsError>;
}

impl<S: SrsSource> Halo2<S> {
    /// Creates a proof system for the models of `device`.
    #[must_use]
    pub const fn new(device: Arc<Cpu>, source: S, verifier: Halo2Verifier) -> Self {
        Self { device, source, cache: Mutex::new(BTreeMap::new()), verifier }
    }

    fn cached_srs(&self, k: u32) -> Result<Arc<Srs>, SrsError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(srs) = cache.get(&k) {
            return Ok(Arc::clone(srs));
        }
        let srs = Arc::new(self.source.srs(k)?);
        cache.insert(k, Arc::clone(&srs));
        Ok(srs)
    }

    fn model(&self, job: &Job) -> Result<&Model, PortError> {
        let unknown = Rejection::UnknownModel { model: job.model };
        self.device.model(job.model).ok_or(PortError::Rejected(unknown))
    }
}

impl<S: SrsSource> ProofVerifier for Halo2<S> {
    fn id(&self) -> ProofSystemId {
        self.verifier.id()
    }

    fn limits(&self) -> ProofLimits {
        self.verifier.limits()
    }

    fn work(&self, key_bytes: u64, proof_bytes: u64) -> Work {
        self.verifier.work(key_bytes, proof_bytes)
    }

    fn admit(&self, key: &[u8]) -> Result<(), InvalidKey> {
        self.verifier.admit(key)
    }

    fn verify(&self, key: &[u8], claim: Claim<'_>, proof: &[u8]) -> Result<bool, PortError> {
        self.verifier.verify(key, claim, proof)
    }
}

/// The keys of one network and one shape of its runs.
#[derive(Debug)]
pub struct Prepared {
    key: ProvingKey,
    verifying: Vec<u8>,
}

impl<S: SrsSource> ProofSystem for Halo2<S> {
    type Prepared = Prepared;

    fn prepare(&self, job: &Job) -> Result<Prepared, PortError> {
        let model = self.model(job)?;
        let string = |k| self.cached_srs(k).map(|srs| srs.as_ref().clone());
        let key = ProvingKey::for_job(model, job, string, &mut |_| {})?;
        let verifying = key.verifying().to_bytes();
        Ok(Prepared { key, verifying })
    }

    fn key<'p>(&self, prepared: &'p Prepared) -> &'p [u8] {
        &prepared.verifying
    }

    fn prove(
        &self,
        prepared: &Prepared,
        job: &Job,
        statement: &InferenceStatement,
    ) -> Result<Vec<u8>, PortError> {
        let model = self.model(job)?;
        let proved = ProvedJob::new(job)?;
        // Only a run tells the tokens that the network reads after the prompt.
        let output = match proved.proved_output {
            ProvedOutput::GreedyTokens(_) => self.device.run(job)?.output,
            ProvedOutput::Embedding | ProvedOutput::Logits => Output::Tokens(Vec::new()),
        };
        let tokens = proved.read(&output);
        let srs = self.cached_srs(prepared.key.verifying().k()).map_err(Halo2Error::from)?;
        let input = Input::Tokens(&tokens);
        let context = statement.context;
        let proof = prepared.key.prove(model.network(), input, context, &srs, &mut |_| {})?;
        if proof.statement != *statement {
            let what = "a statement that is not true of this job";
            return Err(Rejection::Unprovable { what }.into());
        }
        Ok(proof.bytes)
    }
}

impl<F: Fn(u32) -> Result<Srs, SrsError> + Send + Sync> SrsSource for SrsFn<F> {
    fn srs(&self, k: u32) -> Result<Srs, SrsError> {
        (self.0)(k)
    }
}

/// A function as a source of reference strings.
pub struct SrsFn<F>(pub F);

impl<F> core::fmt::Debug for SrsFn<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SrsFn")
    }
}
