use alloc::{boxed::Box, sync::Arc};
use core::fmt::Debug;

use crate::{Job, Outcome, PortError, Quote, Work};

/// A device that runs neural networks.
///
/// # Guarantees of an implementation
/// - [`reading_work`](Self::reading_work) and [`quote`](Self::quote) are pure: they depend on the
///   job and the loaded models alone, and do no tensor work.
/// - [`run`](Self::run) is deterministic: the same job gives the same bytes on every machine and at
///   every thread count.
/// - A job that quotes also runs, the work of its outcome never exceeds the quote, and a vector in
///   its output has the quoted number of elements.
pub trait Coprocessor: Debug + Send + Sync {
    /// Returns the work of reading `job`, which is charged before [`quote`](Self::quote) or
    /// [`prepare`](Self::prepare) reads it.
    ///
    /// It depends on lengths and on the loaded models alone, contains [`Job::intrinsic_work`], and
    /// is contained in the quote. Gas follows from it, so every device of a chain must return the
    /// same: `Model::reading_work` of `lazai-coprocessor` where models are run, the inner device's
    /// where one wraps another, and [`Job::intrinsic_work`] where reading costs nothing more.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn reading_work(&self, job: &Job) -> Result<Work, PortError>;

    /// Quotes the most that `job` will cost, without running it.
    ///
    /// # Errors
    /// [`PortError::Rejected`] if the job is at fault, on every machine alike; [`PortError::Fault`]
    /// if this machine is.
    fn quote(&self, job: &Job) -> Result<Quote, PortError>;

    /// Runs `job`.
    ///
    /// # Errors
    /// As [`quote`](Self::quote); a job that quotes is never rejected here.
    fn run(&self, job: &Job) -> Result<Outcome, PortError>;

    /// Reads and checks `job` once, for its quote and its run.
    ///
    /// By default it asks [`quote`](Self::quote) now and [`run`](Self::run) later. A device that
    /// would read the job twice then, such as a tokenizer its text, overrides it; quotes, outcomes
    /// and errors must stay the same.
    ///
    /// # Errors
    /// As [`quote`](Self::quote).
    fn prepare<'a>(&'a self, job: &'a Job) -> Result<Box<dyn PreparedJob + 'a>, PortError> {
        let quote = self.quote(job)?;
        Ok(Box::new(QuotedJob { device: self, job, quote }))
    }
}

/// A job that a [`Coprocessor`] has read and checked, with its price.
pub trait PreparedJob: Debug {
    /// Returns what the job will cost at most, as [`Coprocessor::quote`] does.
    fn quote(&self) -> Quote;

    /// Runs the job.
    ///
    /// # Errors
    /// As [`Coprocessor::run`]; the job is never rejected here.
    fn run(self: Box<Self>) -> Result<Outcome, PortError>;
}

/// A job of a device that prepares nothing but the quote.
#[derive(Debug)]
struct QuotedJob<'a, C: ?Sized> {
    device: &'a C,
    job: &'a Job,
    quote: Quote,
}

impl<C: Coprocessor + ?Sized> PreparedJob for QuotedJob<'_, C> {
    fn quote(&self) -> Quote {
        self.quote
    }

    fn run(self: Box<Self>) -> Result<Outcome, PortError> {
        self.device.run(self.job)
    }
}

impl<C: Coprocessor + ?Sized> Coprocessor for Arc<C> {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        (**self).reading_work(job)
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        (**self).quote(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        (**self).run(job)
    }

    fn prepare<'a>(&'a self, job: &'a Job) -> Result<Box<dyn PreparedJob + 'a>, PortError> {
        (**self).prepare(job)
    }
}
