use std::sync::Arc;

use lazai_api_types::{Coprocessor, ProofVerifier};

/// What the AI precompiles of a chain run on. Validators may have different ones, as long as their
/// answers are the same.
#[derive(Clone, Debug)]
pub struct Devices {
    /// Device that runs models in blocks.
    pub coprocessor: Arc<dyn Coprocessor>,
    /// Device that runs models in [calls](crate::LazVmExecutor::call) that change nothing; that of
    /// blocks, if absent. Where it has threads of its own, no number of calls delays a block.
    pub queries: Option<Arc<dyn Coprocessor>>,
    /// Verifiers of the chain's proof systems; their ids must differ.
    pub verifiers: Vec<Arc<dyn ProofVerifier>>,
}

impl Devices {
    /// Creates devices with `coprocessor` for everything and without proof systems.
    #[must_use]
    pub fn new(coprocessor: Arc<dyn Coprocessor>) -> Self {
        Self { coprocessor, queries: None, verifiers: Vec::new() }
    }
}
