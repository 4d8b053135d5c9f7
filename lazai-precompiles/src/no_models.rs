use lazai_api_types::{Coprocessor, Job, Outcome, PortError, Quote, Rejection, Work};

/// The device of a chain that runs no models and only checks proofs: it knows none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Coprocessor for NoModels {
    fn reading_work(&self, job: &Job) -> Result<Work, PortError> {
        Err(unknown(job))
    }

    fn quote(&self, job: &Job) -> Result<Quote, PortError> {
        Err(unknown(job))
    }

    fn run(&self, job: &Job) -> Result<Outcome, PortError> {
        Err(unknown(job))
    }
}

fn unknown(job: &Job) -> PortError {
    Rejection::UnknownModel { model: job.model }.into()
}
