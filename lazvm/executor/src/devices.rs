use std::sync::Arc;

use lazai_api_types::{Coprocessor, ProofVerifier};

/// What the AI precompiles of a chain run on. Validators may have different ones, as long as their
/// answers are the same.
#[derive(Clone, Debug)]
pub struct Devices {
    /// Device that runs models.
    pub coprocessor: Arc<dyn Coprocessor>,
    /// Verifiers of the chain's proof systems; their ids must differ.
    pub verifiers: Vec<Arc<dyn ProofVerifier>>,
}

impl Devices {
    /// Creates devices with `coprocessor` and without proof systems.
    #[must_use]
    pub fn new(coprocessor: Arc<dyn Coprocessor>) -> Self {
        Self { coprocessor, verifiers: Vec::new() }
    }
}
