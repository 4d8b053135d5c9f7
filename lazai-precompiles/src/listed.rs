//! What the chain lists and this machine has: its models behind a device, its proof systems.

use alloc::boxed::Box;
use core::fmt;

use lazai_api_types::{
    Coprocessor, Fault, FaultKind, GuardedVerifier, Job, PortError, PreparedJob, ProofSystemId,
    ProofVerifiers, Quote, Rejection, Work,
};

use crate::{Listing, Settings, meter::Stop, missing::lacks, revert::RevertReason};

/// A device with the models that the chain lists, no more and no fewer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListedDevice<'a> {
    device: &'a dyn Coprocessor,
    settings: &'a Settings,
}

impl<'a> ListedDevice<'a> {
    pub(crate) const fn new(device: &'a dyn Coprocessor, settings: &'a Settings) -> Self {
        Self { device, settings }
    }

    pub(crate) fn reading_work(self, job: &Job) -> Result<Work, Stop> {
        // Before the device is asked: it may have models that the chain does not.
        if self.settings.has_model(job.model) == Some(false) {
            let unknown = Rejection::UnknownModel { model: job.model };
            return Err(RevertReason::Rejected(unknown).into());
        }
        self.listed(job, self.device.reading_work(job))
    }

    pub(crate) fn quote(self, job: &Job) -> Result<Quote, Stop> {
        self.listed(job, self.device.quote(job))
    }

    pub(crate) fn prepare<'j>(self, job: &'j Job) -> Result<Box<dyn PreparedJob + 'j>, Stop>
    where
        'a: 'j,
    {
        self.listed(job, self.device.prepare(job))
    }

    /// A listed model exists, so a device that does not know it is at fault and not the job.
    fn listed<T>(self, job: &Job, answer: Result<T, PortError>) -> Result<T, Stop> {
        answer.map_err(|error| match error {
            PortError::Rejected(Rejection::UnknownModel { .. })
                if self.settings.has_model(job.model) == Some(true) =>
            {
                missing(FaultKind::ModelUnavailable, "model", &job.model)
            }
            error => error.into(),
        })
    }
}

/// Returns the verifier of a system that the chain has.
pub(crate) fn listed_verifier<'a>(
    verifiers: &'a ProofVerifiers,
    systems: &Listing<ProofSystemId>,
    system: ProofSystemId,
) -> Result<GuardedVerifier<'a>, Stop> {
    let unknown = RevertReason::UnknownProofSystem { system };
    match (systems.has(&system), verifiers.find(system)) {
        (Some(false), _) | (None, None) => Err(unknown.into()),
        (Some(true), None) => Err(missing(FaultKind::Internal, "proof system", &system.0)),
        (_, Some(verifier)) => Ok(verifier),
    }
}

fn missing(kind: FaultKind, what: &str, name: &dyn fmt::Display) -> Stop {
    Stop::Fault(Fault { kind, message: lacks(what, name) })
}
