use alloc::sync::Arc;
use core::fmt::Debug;

use crate::{Job, Outcome, PortError, Quote};

/// A device that runs neural networks.
///
/// # Guarantees of an implementation
/// - [`quote`](Self::quote) is pure: it depends on the job and the loaded models alone, and does no tensor work.
/// - [`run`](Self::run) is deterministic: the same job gives the same bytes on every machine and at every thread count.
/// - A job that quotes also runs, the work of its outcome never exceeds the quote, and a vector in its output has the
///   quoted number of elements.
pub trait Coprocessor: Debug + Send + Sync {
    /// What `job` will cost at most.
    ///
    /// # Errors
    /// [`PortError::Rejected`] if the job is at fault, on every machine alike; [`PortError::Fault`] if this machine is.
    fn quote(&self, job: &Job) -> Result<Quote, PortError>;

    /// Runs `job`.
    ///
    /// # Errors
    /// As [`quote`](Self::quote); a job that quotes is never rejected here.
    fn run(&self, job: &Job) -> Result<Outcome, PortError>;
}

impl<C: Coprocessor + ?Sized> Coprocessor for Arc<C> {
    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        (**self).quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        (**self).run(job)
    }
}
