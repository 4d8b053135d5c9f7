use alloy_primitives::{B256, keccak256};

use crate::{Job, ModelId, Outcome, Work, codec::Encoder};

/// The one public input of every proof: this model turned this input into this output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct InferenceStatement {
    /// The model that ran.
    pub model: ModelId,
    /// The hash of the job, [`Job::hash`](crate::Job::hash).
    pub input: B256,
    /// The hash of the result, [`Output::hash`](crate::Output::hash).
    pub output: B256,
    /// The work of the run.
    pub work: Work,
    /// What the proof is bound to besides: chain, requester and request; a proof holds in this
    /// context alone.
    pub context: B256,
}

impl InferenceStatement {
    /// Returns the statement of a run: `outcome` is what a [`Coprocessor`](crate::Coprocessor)
    /// answered to `job`.
    ///
    /// Every system that certifies the run certifies this statement.
    #[must_use]
    pub fn of_run(job: &Job, outcome: &Outcome, context: B256) -> Self {
        Self {
            model: job.model,
            input: job.hash(),
            output: outcome.output.hash(),
            work: outcome.work,
            context,
        }
    }

    /// Returns the hash that a proof commits to.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut encoder = Encoder::new("lazvm/statement/1");
        encoder.fixed(self.model.0.as_slice());
        encoder.fixed(self.input.as_slice());
        encoder.fixed(self.output.as_slice());
        encoder.word(self.work.flops);
        encoder.word(self.work.peak_bytes);
        encoder.fixed(self.context.as_slice());
        keccak256(encoder.finish())
    }
}
