use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{error::Error, fmt};
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::B256;
use lazai_api_types::{Coprocessor, Job};
use lazai_availability::{
    AuditAnswer, AuditPlan, DatasetCommitment, InconsistencyProof, Manifest, RestoreError,
    ShardStore, StoreError, decode, repair,
};
use lazai_consensus::{Attestation, Epoch, Fact, QuorumCertificate};

use crate::{
    CertificateStore, DataPolicy, DataView, Effect, EffectResult, KeepError, LedgerError,
    RestoreFailure, Shards, Verdict, ledger::AnyLedger,
};

/// Does the slow work of a member: its disk, its policies, its models. Any thread may use it.
pub struct Worker {
    store: Mutex<Box<dyn ShardStore + Send>>,
    ledger: Mutex<AnyLedger>,
    policies: Vec<Box<dyn DataPolicy>>,
    coprocessor: Option<Arc<dyn Coprocessor>>,
}

impl Worker {
    /// Creates a worker on these stores, without policies and models.
    pub fn new(
        store: impl ShardStore + Send + 'static,
        ledger: impl CertificateStore + 'static,
    ) -> Self {
        Self {
            store: Mutex::new(Box::new(store)),
            ledger: Mutex::new(Box::new(ledger)),
            policies: Vec::new(),
            coprocessor: None,
        }
    }

    /// Adds a policy by which datasets are judged. The member abstains from datasets under other
    /// policies.
    #[must_use]
    pub fn with_policy(mut self, policy: impl DataPolicy + 'static) -> Self {
        self.policies.push(Box::new(policy));
        self
    }

    /// Sets the coprocessor on which jobs are run again. Without one, the member abstains from
    /// workflows.
    #[must_use]
    pub fn with_coprocessor(mut self, coprocessor: Arc<dyn Coprocessor>) -> Self {
        self.coprocessor = Some(coprocessor);
        self
    }

    /// Returns what is on disk, for the member to start with.
    ///
    /// # Errors
    /// [`LedgerError`] if the certificates cannot be read.
    pub fn recover(&self) -> Result<Recovered, LedgerError> {
        let (certificates, pledges) = {
            let ledger = lock(&self.ledger);
            (ledger.all()?, ledger.pledges()?)
        };
        let store = lock(&self.store);
        let manifests = store.datasets().into_iter();
        // One that is damaged is fetched again.
        let manifests = manifests.filter_map(|root| store.manifest(root).ok()).collect();
        Ok(Recovered { certificates, manifests, pledges })
    }

    /// Gives access to the store of shards, to publish datasets and to test what is held.
    pub fn with_store<T>(&self, run: impl FnOnce(&mut (dyn ShardStore + Send)) -> T) -> T {
        run(lock(&self.store).as_mut())
    }

    /// Does the work of an effect. Blocks; a model may take minutes.
    pub fn run(&self, effect: Effect) -> EffectResult {
        match effect {
            Effect::Answer { epoch, plan } => {
                EffectResult::Answered { epoch, answer: self.answer(&plan) }
            }
            Effect::Forget { root } => {
                let result = match lock(&self.store).remove(root) {
                    Ok(()) | Err(StoreError::NoDataset { .. }) => {
                        lock(&self.ledger).forget(root).map_err(|error| error.to_string())
                    }
                    Err(error) => Err(reason(&error)),
                };
                EffectResult::Forgotten { root, result }
            }
            Effect::Judge { attestation, manifest, shards } => {
                self.judge(attestation, &manifest, &shards)
            }
            Effect::Keep { root, shard, from } => {
                let (stripe, index) = (shard.stripe, shard.index);
                let result = lock(&self.store).put(root, shard).map_err(|error| match error {
                    StoreError::Shard(error) => KeepError::Wrong(error),
                    error => KeepError::Fault(reason(&error)),
                });
                EffectResult::Kept { root, stripe, index, from, result }
            }
            Effect::Load { root, stripe, index, to } => {
                let shard = lock(&self.store).shard(root, stripe, index).ok().flatten();
                let shard = shard.map(|shard| shard.shard().encode());
                EffectResult::Loaded { root, to, shard }
            }
            Effect::Prepare { manifest, wanted } => {
                let root = manifest.root();
                let mut store = lock(&self.store);
                let added = store.add(Arc::unwrap_or_clone(manifest));
                let missing = added.and_then(|()| store.lost(root, &mut wanted.into_iter()));
                EffectResult::Prepared { root, missing: missing.map_err(|error| reason(&error)) }
            }
            Effect::Record { attestation, certificate } => {
                let result = lock(&self.ledger).keep(&attestation, &certificate);
                let result = result.map_err(|error| error.to_string());
                EffectResult::Recorded { attestation, certificate, result }
            }
            Effect::Refute { attestation, commitment, proof, from } => {
                let proof = InconsistencyProof::decode(&proof, &commitment);
                let error = proof.and_then(|proof| proof.verify(&commitment)).err();
                let verdict = if error.is_none() { ACCEPT } else { Verdict::Reject };
                let forger = error.map(|error| (from, error));
                EffectResult::Judged { attestation, verdict, forger, inconsistency: None }
            }
            Effect::Rerun { attestation, job } => {
                let verdict = self.rerun(&attestation, &job);
                EffectResult::Judged { attestation, verdict, forger: None, inconsistency: None }
            }
            Effect::Restore { manifest, shards, keep } => {
                let result = self.restore(&manifest, &shards, &keep);
                EffectResult::Restored { root: manifest.root(), keep, result }
            }
            Effect::Pledge { attestation } => {
                let result = match attestation.fact {
                    Fact::Available { root, until_epoch, .. } => {
                        let kept = lock(&self.ledger).pledge(root, until_epoch);
                        kept.map_err(|error| error.to_string())
                    }
                    _ => Ok(()),
                };
                EffectResult::Pledged { attestation, result }
            }
        }
    }

    fn answer(&self, plan: &AuditPlan) -> Vec<u8> {
        let store = lock(&self.store);
        let open = |commitment: &DatasetCommitment, place| {
            store.open_leaf(commitment.root(), place).ok().flatten()
        };
        AuditAnswer::collect(plan, open).encode()
    }

    fn judge(
        &self,
        attestation: Attestation,
        manifest: &Manifest,
        shards: &Shards,
    ) -> EffectResult {
        let (mut verdict, mut inconsistency) = (Verdict::Abstain, None);
        if let Fact::Valid { dataset, version, policy, .. } = attestation.fact {
            match self.restore(manifest, shards, &[]) {
                Ok(bytes) => {
                    let commitment = manifest.commitment();
                    let view = DataView { dataset, version, commitment, bytes: &bytes };
                    let judge = self.policies.iter().find(|judge| judge.id() == policy);
                    verdict = judge.map_or(Verdict::Abstain, |judge| judge.judge(&view));
                }
                Err(RestoreFailure::Inconsistent(proof)) => inconsistency = Some(proof),
                Err(RestoreFailure::Fault(_)) => {}
            }
        }
        EffectResult::Judged { attestation, verdict, forger: None, inconsistency }
    }

    fn rerun(&self, attestation: &Attestation, job: &Job) -> Verdict {
        let (Fact::Workflow { run }, Some(coprocessor)) = (attestation.fact, &self.coprocessor)
        else {
            return Verdict::Abstain;
        };
        // Whether this machine failed or the job is at fault: nothing was run, so nothing can be
        // said of its output.
        let Ok(outcome) = coprocessor.run(job) else { return Verdict::Abstain };
        if outcome.output.hash() == run.output && outcome.work == run.work {
            ACCEPT
        } else {
            Verdict::Reject
        }
    }

    fn restore(
        &self,
        manifest: &Manifest,
        mut shards: &Shards,
        keep: &[(u32, u16)],
    ) -> Result<Vec<u8>, RestoreFailure> {
        let mut bytes = Vec::new();
        let fail = |error: RestoreError| match error {
            RestoreError::Inconsistent { proof, .. } => RestoreFailure::Inconsistent(proof),
            error => RestoreFailure::Fault(error.to_string()),
        };
        if keep.is_empty() {
            decode(manifest, &mut shards, &mut bytes).map_err(fail)?;
        }
        for (stripe, index) in keep {
            let shard = repair(manifest, &mut shards, *stripe, *index).map_err(fail)?;
            let kept = lock(&self.store).put(manifest.root(), shard);
            kept.map_err(|error| RestoreFailure::Fault(reason(&error)))?;
        }
        Ok(bytes)
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").field("policies", &self.policies).finish_non_exhaustive()
    }
}

/// What a member finds on its disk when it starts.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The certificates that the member has kept, with their attestations.
    pub certificates: Vec<(Attestation, QuorumCertificate)>,
    /// The manifests of the datasets of which it keeps shards.
    pub manifests: Vec<Arc<Manifest>>,
    /// The roots of the datasets that it has pledged to keep, with the last epoch of each.
    pub pledges: Vec<(B256, Epoch)>,
}

/// Returns the message of an error, followed by those of its causes.
fn reason(error: &StoreError) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A panic of another thread leaves no half-done work behind: the stores write files as a whole.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The verdict on what is true or false, without grades.
const ACCEPT: Verdict = Verdict::Accept { score: u16::MAX };
