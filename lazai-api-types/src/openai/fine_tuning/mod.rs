//! Fine-tuning jobs.

mod event;
mod job;
mod method;

pub use event::{EventLevel, EventType, FineTuningCheckpoint, FineTuningEvent, FineTuningMetrics};
pub use job::{FineTuningJob, FineTuningJobRequest, JobError, JobStatus};
pub use method::{
    DirectPreference, Hyperparameters, Method, PreferenceHyperparameters, Reinforcement, Supervised,
};
