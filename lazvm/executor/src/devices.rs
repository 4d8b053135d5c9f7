use std::sync::Arc;

use lazai_api_types::{Coprocessor, ProofVerifier};

/// What the AI precompiles of a chain run on. Validators may have different ones, as long as their answers are the same.
#[derive(Clone, Debug)]
pub struct Devices {
    /// What runs models.
    pub coprocessor: Arc<dyn Coprocessor>,
    /// The proof systems of the chain, with an id of its own each.
    pub verifiers: Vec<Arc<dyn ProofVerifier>>,
}

impl Devices {
    /// A device that runs models, and no proof system.
    #[must_use]
    pub fn new(coprocessor: Arc<dyn Coprocessor>) -> Self {
        Self { coprocessor, verifiers: Vec::new() }
    }
}
