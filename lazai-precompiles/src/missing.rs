//! What a chain lists and this machine lacks, and how it says so.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use core::fmt;

use lazai_api_types::{
    Coprocessor, Job, ModelId, PortError, ProofSystemId, ProofVerifiers, Rejection, Task,
};

use crate::{Listing, Settings};

/// What a chain lists and a machine lacks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Missing {
    /// Models that the device does not have, in ascending order.
    pub models: Vec<ModelId>,
    /// Proof systems without a verifier, in ascending order.
    pub proof_systems: Vec<ProofSystemId>,
}

impl Missing {
    /// Compares what `settings` list with what is there.
    pub(crate) fn new(
        settings: &Settings,
        device: &dyn Coprocessor,
        verifiers: &ProofVerifiers,
    ) -> Self {
        Self {
            models: models(settings, device),
            proof_systems: match &settings.proof_systems {
                Listing::Local => Vec::new(),
                Listing::Only(listed) => {
                    let missing = listed.iter().filter(|system| verifiers.find(**system).is_none());
                    missing.copied().collect()
                }
            },
        }
    }

    /// Tells whether the machine has all that the chain lists.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.models.is_empty() && self.proof_systems.is_empty()
    }
}

/// Tells what is missing, line by line, and what to do about it.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models = self.models.iter().map(|model| lacks("model", model));
        let systems = self.proof_systems.iter().map(|system| lacks("proof system", &system.0));
        for (index, line) in models.chain(systems).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&line)?;
        }
        Ok(())
    }
}

/// Tells that something with a `name` is missing, and what to do about it.
pub(crate) fn lacks(what: &str, name: &dyn fmt::Display) -> String {
    format!("the {what} {name} is on the list of the chain and not on this machine: install it")
}

fn models(settings: &Settings, device: &dyn Coprocessor) -> Vec<ModelId> {
    let Listing::Only(listed) = &settings.models else { return Vec::new() };
    let all: BTreeSet<_> = listed.iter().copied().chain(settings.default_model).collect();
    let is_missing = |model: &ModelId| {
        let job = Job { model: *model, task: Task::Count { text: String::new() } };
        let unknown = Rejection::UnknownModel { model: *model };
        device.quote(&job) == Err(PortError::Rejected(unknown))
    };
    all.into_iter().filter(is_missing).collect()
}
