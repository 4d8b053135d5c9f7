use lazai_api_types::openai::{
    Auto, FineTuningCheckpoint, FineTuningEvent, FineTuningJob, FineTuningJobRequest, JobStatus,
    List, Method, Request, RequestError,
};
use serde_json::{Value, json};

use crate::bodies::both_ways;

fn create(field: &str, value: Value) -> Result<FineTuningJobRequest, RequestError> {
    let mut body = json!({"model": "m", "training_file": "file-abc123"});
    body[field] = value;
    FineTuningJobRequest::from_json(body.to_string().as_bytes())
}

#[test]
fn requests_go_both_ways() {
    let request: FineTuningJobRequest = both_ways(&json!({
        "model": "gpt-4o-mini",
        "training_file": "file-abc123",
        "validation_file": "file-abc124",
        "suffix": "stories",
        "seed": 7,
        "metadata": {"k": "v"},
        "integrations": [{"type": "wandb", "wandb": {"project": "p"}}],
        "method": {"type": "dpo", "dpo": {"hyperparameters": {
            "batch_size": "auto", "learning_rate_multiplier": 0.5, "n_epochs": 3, "beta": "auto",
        }}},
        "dat_id": "9",
    }));
    assert_eq!(request.validate(), Ok(()));
    let Some(Method::Dpo { dpo }) = request.method else { panic!() };
    assert_eq!(dpo.hyperparameters.common.n_epochs, Auto::Value(3));
    assert_eq!(dpo.hyperparameters.common.batch_size.value_or(8), 8);
}

#[test]
fn what_a_client_leaves_out_is_auto() {
    let request = create("hyperparameters", json!({"n_epochs": 2})).unwrap();
    let hyperparameters = request.hyperparameters.unwrap();
    assert_eq!(hyperparameters.n_epochs, Auto::Value(2));
    assert_eq!(hyperparameters.batch_size, Auto::Auto);
    assert_eq!(hyperparameters.learning_rate_multiplier, Auto::Auto);
    for method in [
        json!({"type": "supervised"}),
        json!({"type": "supervised", "supervised": {}}),
        json!({"type": "dpo", "dpo": {"hyperparameters": {}}}),
        json!({"type": "reinforcement", "reinforcement": {"grader": {"type": "python"}}}),
    ] {
        assert!(create("method", method.clone()).is_ok(), "{method}");
    }
}

#[test]
fn limits_are_kept_and_named() {
    let range = |parameter, got, min, max| RequestError::OutOfRange { parameter, got, min, max };
    let seed = 2_147_483_648_i64;
    for (field, value, error) in [
        ("training_file", json!(""), RequestError::Empty { parameter: "training_file" }),
        (
            "suffix",
            json!("s".repeat(65)),
            RequestError::TooLong { parameter: "suffix", got: 65, max: 64 },
        ),
        ("seed", json!(seed), range("seed", seed, 0, seed - 1)),
        ("hyperparameters", json!({"n_epochs": 0}), range("n_epochs", 0, 1, u32::MAX.into())),
        (
            "hyperparameters",
            json!({"learning_rate_multiplier": -0.5}),
            RequestError::NotPositive { parameter: "learning_rate_multiplier" },
        ),
        (
            "method",
            json!({"type": "dpo", "dpo": {"hyperparameters": {"beta": 1e39}}}),
            RequestError::NotFinite { parameter: "beta" },
        ),
        (
            "integrations",
            json!([1, 2, 3, 4, 5, 6]),
            RequestError::TooMany { parameter: "integrations", got: 6, max: 5 },
        ),
    ] {
        assert_eq!(create(field, value), Err(error));
    }
    for hyperparameters in [json!({"n_epochs": "many"}), json!({"batch_size": 1.5})] {
        assert!(create("hyperparameters", hyperparameters).is_err());
    }
    let both = json!({
        "model": "m", "training_file": "f", "hyperparameters": {}, "method": {"type": "supervised"},
    });
    let error = RequestError::Conflict { parameter: "hyperparameters", other: "method" };
    assert_eq!(FineTuningJobRequest::from_json(both.to_string().as_bytes()), Err(error));
}

#[test]
fn jobs_go_both_ways() {
    let jobs: List<FineTuningJob> = both_ways(&json!({
        "object": "list",
        "data": [{
            "object": "fine_tuning.job",
            "id": "ftjob-abc123",
            "model": "davinci-002",
            "created_at": 1_692_661_014,
            "error": {"code": "invalid_training_file", "message": "too short", "param": null},
            "finished_at": 1_692_661_190,
            "fine_tuned_model": "ft:davinci-002:my-org:custom_suffix:7q8mpxmy",
            "organization_id": "org-123",
            "result_files": ["file-abc123"],
            "status": "succeeded",
            "validation_file": null,
            "training_file": "file-abc123",
            "hyperparameters": {
                "n_epochs": 4, "batch_size": 1, "learning_rate_multiplier": 1.0,
            },
            "trained_tokens": 5768,
            "integrations": [],
            "seed": 0,
            "estimated_finish": 0,
            "method": {"type": "supervised", "supervised": {"hyperparameters": {
                "n_epochs": 4, "batch_size": 1, "learning_rate_multiplier": 1.0,
            }}},
            "metadata": {"key": "value"},
        }],
        "has_more": true,
    }));
    assert_eq!(jobs, List::page(jobs.data.clone(), true));
    assert_eq!(jobs.data[0].status, JobStatus::Succeeded);
}

#[test]
fn a_fresh_job_says_null_for_what_it_does_not_know() {
    let job = serde_json::to_value(FineTuningJob::default()).unwrap();
    for field in
        ["error", "fine_tuned_model", "finished_at", "trained_tokens", "validation_file", "seed"]
    {
        assert_eq!(job.get(field), Some(&Value::Null), "{field}");
    }
    assert_eq!(job["status"], "validating_files");
    for status in ["queued", "running", "failed", "cancelled", "paused", "pausing"] {
        let read: JobStatus = serde_json::from_value(json!(status)).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), status);
    }
}

#[test]
fn events_and_checkpoints_go_both_ways() {
    let events: List<FineTuningEvent> = both_ways(&json!({
        "object": "list",
        "data": [{
            "object": "fine_tuning.job.event",
            "id": "ft-event-ddTJfwuMVpfLXseO0Am0Gqjm",
            "created_at": 1_721_764_800,
            "level": "info",
            "message": "Fine tuning job successfully completed",
            "data": {"step": 88, "train_loss": 0.5},
            "type": "metrics",
        }],
        "has_more": true,
    }));
    assert_eq!(events.data.len(), 1);
    let checkpoints: List<FineTuningCheckpoint> = both_ways(&json!({
        "object": "list",
        "data": [{
            "object": "fine_tuning.job.checkpoint",
            "id": "ftckpt_zc4Q7MP6XxulcVzj4MZdwsAB",
            "created_at": 1_721_764_867,
            "fine_tuned_model_checkpoint": "ft:m:ckpt-step-2000",
            "metrics": {"step": 2000, "full_valid_loss": 0.125, "full_valid_mean_token_accuracy": 0.875},
            "fine_tuning_job_id": "ftjob-abc123",
            "step_number": 2000,
        }],
        "first_id": "ftckpt_zc4Q7MP6XxulcVzj4MZdwsAB",
        "last_id": "ftckpt_enQCFmOTGj3syEpYVhBRLTSy",
        "has_more": true,
    }));
    assert_eq!(checkpoints.data[0].metrics.step, Some(2_000));
}
