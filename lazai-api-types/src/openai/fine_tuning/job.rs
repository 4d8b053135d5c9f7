use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Hyperparameters, Method};
use crate::{
    authorization::LazaiFields,
    openai::{
        Capabilities, FineTuningJobObject, OtherFields, Request, RequestError, limits,
        number::whole,
        request_error::{bound, bound_metadata, bound_number, bound_text},
    },
};

/// Asks for a model to be trained further: the body of `POST /v1/fine_tuning/jobs`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FineTuningJobRequest {
    /// The model to start from.
    pub model: String,
    /// The id of the file with the examples.
    pub training_file: String,
    /// The parameters, in the older spelling of `method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameters: Option<Hyperparameters>,
    /// Where else to report, passed on as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrations: Option<Vec<Value>>,
    /// Notes of the client, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// How the model is trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Chooses among the possible results.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// A part of the new model's name, at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// The id of the file with the examples to measure by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_file: Option<String>,
    /// Who pays, and which data may be used.
    #[serde(flatten)]
    pub lazai: LazaiFields,
    /// Fields that this type does not have; refused if they would change the answer.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Request for FineTuningJobRequest {
    fn validate(&self) -> Result<(), RequestError> {
        bound_text("model", &self.model, limits::MAX_NAME_BYTES)?;
        bound_text("training_file", &self.training_file, limits::MAX_NAME_BYTES)?;
        if let Some(file) = &self.validation_file {
            bound_text("validation_file", file, limits::MAX_NAME_BYTES)?;
        }
        if let Some(suffix) = &self.suffix {
            bound_text("suffix", suffix, limits::MAX_SUFFIX_BYTES)?;
        }
        let integrations = self.integrations.as_ref().map_or(0, Vec::len);
        bound("integrations", integrations, limits::MAX_INTEGRATIONS)?;
        bound_number("seed", self.seed, 0, limits::MAX_FINE_TUNING_SEED)?;
        bound_metadata(self.metadata.as_ref())?;
        if self.hyperparameters.is_some() && self.method.is_some() {
            return Err(RequestError::Conflict { parameter: "hyperparameters", other: "method" });
        }
        self.hyperparameters.as_ref().map_or(Ok(()), Hyperparameters::validate)?;
        self.method.as_ref().map_or(Ok(()), Method::validate)?;
        self.other.validate()
    }

    /// A trainer passes everything on.
    fn check(&self, _: &Capabilities) -> Result<(), RequestError> {
        Ok(())
    }
}

/// A job that trains a model on data of the client.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FineTuningJob {
    /// Identifies the job among those of the server.
    pub id: String,
    /// Always `fine_tuning.job`.
    #[serde(default)]
    pub object: FineTuningJobObject,
    /// When the job was made, in Unix seconds.
    pub created_at: u32,
    /// Why the job failed.
    pub error: Option<JobError>,
    /// When the job will end, in Unix seconds, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_finish: Option<u32>,
    /// The name of the new model, once it exists.
    pub fine_tuned_model: Option<String>,
    /// When the job ended, in Unix seconds.
    pub finished_at: Option<u32>,
    /// The parameters; the trainer has replaced each `auto` once the job has begun.
    pub hyperparameters: Option<Hyperparameters>,
    /// Where else it reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrations: Option<Vec<Value>>,
    /// Notes of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// How the model is trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// The model that it started from.
    pub model: String,
    /// Whose job it is.
    pub organization_id: String,
    /// The ids of the files with its results.
    pub result_files: Vec<String>,
    /// Chose among the possible results.
    pub seed: Option<u32>,
    /// How far it is.
    pub status: JobStatus,
    /// Tokens trained on, once it is done.
    pub trained_tokens: Option<u64>,
    /// The id of the file with the examples.
    pub training_file: String,
    /// The id of the file with the examples to measure by.
    pub validation_file: Option<String>,
}

/// Why a job failed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct JobError {
    /// A code for programs.
    pub code: String,
    /// What went wrong, for a person to read.
    pub message: String,
    /// The parameter at fault.
    pub param: Option<String>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Its client ended it.
    Cancelled,
    /// It could not be done.
    Failed,
    /// It stands still until it is resumed.
    Paused,
    /// It will stand still soon.
    Pausing,
    /// It waits for its turn.
    Queued,
    /// The model is being trained.
    Running,
    /// The trained model can be used.
    Succeeded,
    /// Its files are being checked.
    #[default]
    ValidatingFiles,
}
