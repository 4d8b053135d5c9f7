//! What is written here is read by `async-openai`, a client that many Rust programs use, and the
//! other way round.

use core::fmt::Debug;

use async_openai::types::{chat, completions, embeddings, finetuning, models};
use lazai_api_types::openai::{
    ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, Completion, CompletionRequest,
    EmbeddingRequest, EmbeddingResponse, FineTuningCheckpoint, FineTuningEvent, FineTuningJob,
    FineTuningJobRequest, List, Model, ModelDeleted,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Ours, then the peer, then ours again: nothing may change.
#[track_caller]
fn through_peer<Ours, Peer>(json: &Value)
where
    Ours: Serialize + DeserializeOwned + PartialEq + Debug,
    Peer: Serialize + DeserializeOwned,
{
    let ours: Ours = serde_json::from_str(&json.to_string()).unwrap();
    let written = serde_json::to_string(&ours).unwrap();
    let peer: Peer = serde_json::from_str(&written).unwrap();
    let back = serde_json::to_string(&peer).unwrap();
    assert_eq!(serde_json::from_str::<Ours>(&back).unwrap(), ours);
}

/// Without calls of custom tools, which the peer names `custom_tool` against the documentation.
#[test]
fn chat_requests() {
    through_peer::<ChatCompletionRequest, chat::CreateChatCompletionRequest>(&json!({
        "model": "m",
        "messages": [
            {"role": "developer", "content": "d"},
            {"role": "system", "content": [{"type": "text", "text": "s"}]},
            {"role": "user", "name": "ada", "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
            ]},
            {"role": "assistant", "content": "a", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "r"},
            {"role": "function", "name": "f", "content": "r"},
        ],
        "frequency_penalty": 0.5, "presence_penalty": -0.5, "logit_bias": {"5": -7},
        "logprobs": true, "top_logprobs": 2, "max_completion_tokens": 5, "n": 2, "seed": -3,
        "metadata": {"k": "v"}, "parallel_tool_calls": true, "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        "service_tier": "auto", "stop": ["a", "b"], "store": true, "stream": true,
        "stream_options": {"include_usage": true}, "temperature": 0.7, "top_p": 0.9,
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "user": "u",
    }));
    for choice in ["none", "auto", "required"] {
        through_peer::<ChatCompletionRequest, chat::CreateChatCompletionRequest>(&json!({
            "model": "m", "messages": [{"role": "user", "content": "hi"}], "tool_choice": choice,
            "stop": "x", "response_format": {"type": "json_object"}, "function_call": {"name": "f"},
            "functions": [{"name": "f", "description": "d", "parameters": {"type": "object"}}],
        }));
    }
}

#[test]
fn chat_answers() {
    through_peer::<ChatCompletion, chat::CreateChatCompletionResponse>(&json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 4_294_967_295_u32, "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi", "refusal": null},
             "finish_reason": "stop", "logprobs": {"content": [
                {"token": "hi", "logprob": -0.1, "bytes": [104, 105], "top_logprobs": [
                    {"token": "ho", "logprob": -9999.0, "bytes": null},
                ]},
             ], "refusal": null}},
            {"index": 1, "message": {"role": "assistant", "content": null, "refusal": null,
                "tool_calls": [{"id": "c", "type": "function",
                    "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
             "finish_reason": "tool_calls", "logprobs": null},
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
            "completion_tokens_details": {"reasoning_tokens": 1}},
        "service_tier": "default", "system_fingerprint": "fp",
    }));
}

#[test]
fn chat_chunks() {
    for choices in [
        json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]),
        json!([{"index": 0, "delta": {"tool_calls": [
            {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}},
        ]}, "finish_reason": null}]),
        json!([{"index": 0, "delta": {"tool_calls": [
            {"index": 0, "function": {"arguments": "{}"}},
        ]}, "finish_reason": null}]),
        json!([{"index": 0, "delta": {}, "finish_reason": "length"}]),
        json!([]),
    ] {
        through_peer::<ChatCompletionChunk, chat::CreateChatCompletionStreamResponse>(&json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "system_fingerprint": "fp", "choices": choices,
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        }));
    }
}

#[test]
fn completion_requests_and_answers() {
    for prompt in [json!("a"), json!(["a", "b"]), json!([1, 2]), json!([[1], [2, 3]])] {
        through_peer::<CompletionRequest, completions::CreateCompletionRequest>(&json!({
            "model": "m", "prompt": prompt, "best_of": 2, "echo": true, "logprobs": 5,
            "logit_bias": {"5": 7}, "max_tokens": 3, "n": 1, "seed": 9, "stop": ["a"],
            "stream": false, "suffix": "s", "temperature": 0.1, "top_p": 0.3, "user": "u",
        }));
    }
    through_peer::<Completion, completions::CreateCompletionResponse>(&json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "system_fingerprint": "fp",
        "choices": [{"text": "a", "index": 0, "finish_reason": "length", "logprobs": {
            "tokens": ["a"], "token_logprobs": [null], "top_logprobs": [{"a": -0.5}],
            "text_offset": [0],
        }}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }));
}

#[test]
fn embedding_requests_and_answers() {
    for input in [json!("a"), json!(["a", "b"]), json!([1, 2]), json!([[1], [2, 3]])] {
        through_peer::<EmbeddingRequest, embeddings::CreateEmbeddingRequest>(&json!({
            "model": "m", "input": input, "encoding_format": "base64", "dimensions": 3, "user": "u",
        }));
    }
    let answer = |embedding: Value| {
        json!({
            "object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1},
            "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        })
    };
    through_peer::<EmbeddingResponse, embeddings::CreateEmbeddingResponse>(&answer(json!([
        0.1, -0.7
    ])));
    through_peer::<EmbeddingResponse, embeddings::CreateBase64EmbeddingResponse>(&answer(json!(
        "AAAAPwAAgL4="
    )));
}

#[test]
fn models() {
    through_peer::<List<Model>, models::ListModelResponse>(&json!({
        "object": "list",
        "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "lazai"}],
    }));
    through_peer::<ModelDeleted, models::DeleteModelResponse>(
        &json!({"id": "m", "object": "model", "deleted": true}),
    );
}

#[test]
fn fine_tuning() {
    let hyperparameters =
        json!({"batch_size": "auto", "learning_rate_multiplier": 0.1, "n_epochs": 3});
    through_peer::<FineTuningJobRequest, finetuning::CreateFineTuningJobRequest>(&json!({
        "model": "m", "training_file": "f", "validation_file": "g", "seed": 1, "suffix": "s",
        "metadata": {"k": "v"}, "integrations": [{"type": "wandb", "wandb": {"project": "p"}}],
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    }));
    let mut preference = hyperparameters.clone();
    preference["beta"] = json!(0.5);
    through_peer::<FineTuningJobRequest, finetuning::CreateFineTuningJobRequest>(&json!({
        "model": "m", "training_file": "f",
        "method": {"type": "dpo", "dpo": {"hyperparameters": preference}},
    }));
    through_peer::<List<FineTuningJob>, finetuning::ListPaginatedFineTuningJobsResponse>(&json!({
        "object": "list", "has_more": false,
        "data": [{
            "id": "j", "object": "fine_tuning.job", "created_at": 1, "error": null,
            "fine_tuned_model": null, "finished_at": null, "hyperparameters": hyperparameters,
            "model": "m", "organization_id": "o", "result_files": [], "status": "paused",
            "trained_tokens": 5, "training_file": "f", "validation_file": null, "seed": 3,
        }],
    }));
    // The peer reads no `has_more` of events.
    through_peer::<List<FineTuningEvent>, finetuning::ListFineTuningJobEventsResponse>(&json!({
        "object": "list",
        "data": [{
            "id": "e", "object": "fine_tuning.job.event", "created_at": 1, "level": "warn",
            "message": "m", "type": "metrics", "data": {"loss": 0.5},
        }],
    }));
    type Checkpoints = finetuning::ListFineTuningJobCheckpointsResponse;
    through_peer::<List<FineTuningCheckpoint>, Checkpoints>(&json!({
        "object": "list", "has_more": true, "first_id": "a", "last_id": "b",
        "data": [{
            "id": "a", "object": "fine_tuning.job.checkpoint", "created_at": 1, "step_number": 2,
            "fine_tuned_model_checkpoint": "m", "fine_tuning_job_id": "j",
            "metrics": {
                "step": 2, "train_loss": 0.1, "train_mean_token_accuracy": 0.2, "valid_loss": 0.3,
                "valid_mean_token_accuracy": 0.4, "full_valid_loss": 0.5,
                "full_valid_mean_token_accuracy": 0.6,
            },
        }],
    }));
}
