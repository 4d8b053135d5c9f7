use lazai_api_types::{Coprocessor, Fault, Job, Outcome, PortError, Quote, Work};

/// A device that is not asked any more: every job ends in the fault of one before.
#[derive(Clone, Debug)]
pub(crate) struct Suspended(pub(crate) Fault);

impl Coprocessor for Suspended {
    fn reading_work(&self, _: &Job) -> Result<Work, PortError> {
        Err(self.0.clone().into())
    }

    fn quote(&self, _: &Job) -> Result<Quote, PortError> {
        Err(self.0.clone().into())
    }

    fn run(&self, _: &Job) -> Result<Outcome, PortError> {
        Err(self.0.clone().into())
    }
}
