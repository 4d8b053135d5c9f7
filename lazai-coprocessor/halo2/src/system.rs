use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use lazai_api_types::{
    Claim, Coprocessor, InferenceStatement, InvalidKey, Job, PortError, Prompt, ProofLimits,
    ProofSystem, ProofSystemId, ProofVerifier, Rejection, Task, Work,
};

use super::{Goal, Halo2Error, Halo2Verifier, ProvingKey, Srs, SrsError};
use lazai_coprocessor::{Cpu, model::Model, trace::Input};

/// Proves jobs of language models: scores and embeddings of a prompt of tokens.
///
/// A prompt of text is not proved, because its tokenization is not; ask for its tokens first.
#[derive(Debug)]
pub struct Halo2<S> {
    device: Arc<Cpu>,
    source: S,
    strings: Mutex<BTreeMap<u32, Arc<Srs>>>,
    verifier: Halo2Verifier,
}

/// Where reference strings come from, by the logarithm of their powers.
pub trait SrsSource: core::fmt::Debug + Send + Sync {
    /// A string of `2^k` powers.
    ///
    /// # Errors
    /// [`SrsError`] if there is none.
    fn srs(&self, k: u32) -> Result<Srs, SrsError>;
}

impl<S: SrsSource> Halo2<S> {
    /// Proves runs of the models of `device`.
    #[must_use]
    pub const fn new(device: Arc<Cpu>, source: S, verifier: Halo2Verifier) -> Self {
        Self { device, source, strings: Mutex::new(BTreeMap::new()), verifier }
    }

    fn string(&self, k: u32) -> Result<Arc<Srs>, SrsError> {
        let mut strings = self.strings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(srs) = strings.get(&k) {
            return Ok(Arc::clone(srs));
        }
        let srs = Arc::new(self.source.srs(k)?);
        strings.insert(k, Arc::clone(&srs));
        Ok(srs)
    }

    fn model(&self, job: &Job) -> Result<&Model, PortError> {
        let unknown = Rejection::UnknownModel { model: job.model };
        self.device.model(job.model).ok_or(PortError::Rejected(unknown))
    }
}

/// The tokens of a job, and what a proof shows of its run.
fn read(job: &Job) -> Result<(Vec<u32>, Goal), PortError> {
    let (prompt, goal) = match &job.task {
        Task::Embed { prompt } => (prompt, Goal::Embedding),
        Task::Logits { prompt } => (prompt, Goal::Values),
        _ => return Err(unsupported("a proof of this task")),
    };
    match prompt {
        Prompt::Tokens(tokens) => Ok((tokens.iter().map(|token| token.0).collect(), goal)),
        Prompt::Text(_) => Err(unsupported("a proof of a prompt that is text")),
    }
}

const fn unsupported(task: &'static str) -> PortError {
    PortError::Rejected(Rejection::Unsupported { task })
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

/// Keys of one network and one shape of its runs.
#[derive(Debug)]
pub struct Prepared {
    key: ProvingKey,
    verifying: Vec<u8>,
}

impl<S: SrsSource> ProofSystem for Halo2<S> {
    type Prepared = Prepared;

    fn prepare(&self, job: &Job) -> Result<Prepared, PortError> {
        let model = self.model(job)?;
        let (tokens, goal) = read(job)?;
        let work = self.device.quote(job)?.work;
        let string = |k| self.string(k).map(|srs| srs.as_ref().clone());
        let input = Input::Tokens(&tokens);
        let key = ProvingKey::new(model.network(), goal, input, Some(work), string, &mut |_| {})?;
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
        let (tokens, _) = read(job)?;
        let srs = self.string(prepared.key.verifying().k()).map_err(Halo2Error::from)?;
        let input = Input::Tokens(&tokens);
        let context = statement.context;
        let proof = prepared.key.prove(model.network(), input, context, &srs, &mut |_| {})?;
        if proof.statement != *statement {
            return Err(unsupported("a proof of a statement that is not true of this job"));
        }
        Ok(proof.bytes)
    }
}

impl<F: Fn(u32) -> Result<Srs, SrsError> + Send + Sync> SrsSource for Source<F> {
    fn srs(&self, k: u32) -> Result<Srs, SrsError> {
        (self.0)(k)
    }
}

/// A function as a source of reference strings.
pub struct Source<F>(pub F);

impl<F> core::fmt::Debug for Source<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Source")
    }
}
