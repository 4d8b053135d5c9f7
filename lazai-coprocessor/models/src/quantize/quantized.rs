use lazai_coprocessor::artifact::ArtifactBuilder;

use super::QuantizeReport;

/// A quantized model, ready to be written.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The artifact, not yet written.
    pub artifact: ArtifactBuilder,
    /// The scales that were chosen, and the errors they cause.
    pub report: QuantizeReport,
}
