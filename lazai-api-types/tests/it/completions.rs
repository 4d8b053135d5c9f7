use lazai_api_types::{
    Prompt, TokenId,
    openai::{
        Capabilities, Completion, CompletionRequest, EmbeddingRequest, EmbeddingResponse,
        EmbeddingVector, EncodingFormat, Input, List, Model, ModelDeleted, Request, RequestError,
        limits,
    },
};
use serde_json::{Value, json};

use crate::bodies::both_ways;

fn completion(field: &str, value: Value) -> Result<CompletionRequest, RequestError> {
    let mut body = json!({"model": "m", "prompt": "Once"});
    body[field] = value;
    CompletionRequest::from_json(body.to_string().as_bytes())
}

fn embedding(input: Value) -> Result<EmbeddingRequest, RequestError> {
    EmbeddingRequest::from_json(json!({"model": "m", "input": input}).to_string().as_bytes())
}

#[test]
fn every_form_of_prompt_is_read() {
    let text = |text: &str| Prompt::Text(text.into());
    let tokens = |tokens: &[u32]| Prompt::Tokens(tokens.iter().copied().map(TokenId).collect());
    for (json, prompts) in [
        (json!("Once"), vec![text("Once")]),
        (json!(["Once", "upon"]), vec![text("Once"), text("upon")]),
        (json!([1, 4_294_967_295_u32]), vec![tokens(&[1, u32::MAX])]),
        (json!([[1, 2], [3]]), vec![tokens(&[1, 2]), tokens(&[3])]),
    ] {
        let request = completion("prompt", json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&request.prompt).unwrap(), json);
        assert_eq!(request.prompt.prompts(), prompts);
        let request = embedding(json.clone()).unwrap();
        assert_eq!(request.input.is_tokens(), !json.to_string().contains('O'));
        assert_eq!(request.input.prompts(), prompts);
    }
}

#[test]
fn broken_prompts_are_refused() {
    for json in [json!(""), json!([]), json!([""]), json!(["a", ""]), json!([[]]), json!([[1], []])]
    {
        assert_eq!(embedding(json), Err(RequestError::Empty { parameter: "input" }));
    }
    for json in [
        json!(null),
        json!(1),
        json!({"text": "a"}),
        json!([1, "a"]),
        json!(["a", 1]),
        json!([[1], 2]),
        json!([-1]),
        json!([4_294_967_296_u64]),
        json!([1.5]),
        json!([["a"]]),
        json!([[[1]]]),
        json!([null]),
    ] {
        assert!(matches!(embedding(json.clone()), Err(RequestError::Json { .. })), "{json}");
    }
    let many = json!(vec!["a"; limits::MAX_INPUTS + 1]);
    let error = RequestError::TooMany { parameter: "prompt", got: 2_049, max: 2_048 };
    assert_eq!(completion("prompt", many), Err(error));
}

#[test]
fn every_parameter_goes_both_ways() {
    let request: CompletionRequest = both_ways(&json!({
        "model": "m", "prompt": "Once", "best_of": 3, "echo": true, "frequency_penalty": 0.5,
        "logit_bias": {"1": 5}, "logprobs": 5, "max_tokens": 7, "n": 2, "presence_penalty": -1.0,
        "seed": 1, "stop": "\n", "stream": false, "suffix": ".", "temperature": 0.0,
        "top_k": 3, "top_p": 0.5, "user": "u", "dat_id": "3",
    }));
    assert_eq!(request.validate(), Ok(()));
    assert_eq!(request.token_limit(), 7);
    assert_eq!(completion("echo", json!(null)).unwrap().token_limit(), 16);
}

#[test]
fn limits_are_kept_and_named() {
    let range = |parameter, got, min, max| RequestError::OutOfRange { parameter, got, min, max };
    for (field, value, error) in [
        ("max_tokens", json!(0), range("max_tokens", 0, 1, u32::MAX.into())),
        ("n", json!(0), range("n", 0, 1, 128)),
        ("best_of", json!(21), range("best_of", 21, 1, 20)),
        ("best_of", json!(0), range("best_of", 0, 1, 20)),
        ("logprobs", json!(6), range("logprobs", 6, 0, 5)),
        (
            "stream_options",
            json!({"include_usage": true}),
            RequestError::Needs { parameter: "stream_options", other: "stream" },
        ),
        ("top_p", json!(-1e39), RequestError::NotFinite { parameter: "top_p" }),
    ] {
        assert_eq!(completion(field, value), Err(error));
    }
    let echo = br#"{"model":"m","prompt":"x","max_tokens":0,"echo":true,"logprobs":1}"#;
    assert_eq!(CompletionRequest::from_json(echo).unwrap().token_limit(), 0);
    assert_eq!(completion("max_tokens", json!(-1)).unwrap().max_tokens, None);
    let body = br#"{"model":"m","prompt":"x","n":3,"best_of":2}"#;
    let error = RequestError::Conflict { parameter: "best_of", other: "n" };
    assert_eq!(CompletionRequest::from_json(body), Err(error));
    let body = br#"{"model":"m","prompt":"x","stream":true,"best_of":2}"#;
    let error = RequestError::Conflict { parameter: "best_of", other: "stream" };
    assert_eq!(CompletionRequest::from_json(body), Err(error));
}

#[test]
fn what_would_be_passed_over_is_refused_by_name() {
    for (field, value) in [
        ("best_of", json!(2)),
        ("echo", json!(true)),
        ("logprobs", json!(0)),
        ("n", json!(2)),
        ("suffix", json!(".")),
        ("frequency_penalty", json!(1)),
    ] {
        let mut body = json!({"model": "m", "prompt": "Once", "best_of": 2});
        body[field] = value;
        if field != "best_of" && field != "n" {
            body["best_of"] = json!(null);
        }
        let request = CompletionRequest::from_json(body.to_string().as_bytes()).unwrap();
        let refused =
            request.check(&Capabilities { best_of: field == "n", ..Capabilities::default() });
        assert_eq!(refused, Err(RequestError::Unsupported { parameter: field }));
    }
    let refused = completion("use_beam_search", json!(true));
    assert_eq!(refused, Err(RequestError::Unsupported { parameter: "use_beam_search" }));
    let body = br#"{"model":"m","input":"a","truncate_prompt_tokens":5}"#;
    let parameter = "truncate_prompt_tokens";
    assert_eq!(EmbeddingRequest::from_json(body), Err(RequestError::Unsupported { parameter }));
    let short = EmbeddingRequest::from_json(br#"{"model":"m","input":"a","dimensions":8.0}"#);
    let refused = short.unwrap().check(&Capabilities::default());
    assert_eq!(refused, Err(RequestError::Unsupported { parameter: "dimensions" }));
}

#[test]
fn the_documented_answer_goes_both_ways() {
    let answer: Completion = both_ways(&json!({
        "id": "cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7",
        "object": "text_completion",
        "created": 1_589_478_378,
        "model": "gpt-3.5-turbo-instruct",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{
            "text": "\n\nThis is indeed a test",
            "index": 0,
            "logprobs": {
                "tokens": ["\n", "\n"],
                "token_logprobs": [null, -0.5],
                "top_logprobs": [null, {"\n": -0.5, " ": -1.5}],
                "text_offset": [0, 1],
            },
            "finish_reason": "length",
        }],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }));
    assert_eq!(answer.choices[0].logprobs.as_ref().unwrap().tokens.len(), 2);
    let logprobs = r#"{"tokens":[],"token_logprobs":[],"top_logprobs":null,"text_offset":[]}"#;
    let read: lazai_api_types::openai::CompletionLogprobs = serde_json::from_str(logprobs).unwrap();
    assert!(read.top_logprobs.is_empty());
}

#[test]
fn embeddings_go_both_ways_in_both_encodings() {
    let float: EmbeddingResponse = both_ways(&json!({
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}],
        "model": "text-embedding-ada-002",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }));
    let base64: EmbeddingResponse = both_ways(&json!({
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": "AAAAPwAAgL4="}],
        "model": "text-embedding-ada-002",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }));
    assert_eq!(float.data[0].embedding.values(), base64.data[0].embedding.values());
    let vector = EmbeddingVector::new(vec![0.5, -0.25], EncodingFormat::Base64);
    assert_eq!(vector, base64.data[0].embedding);
}

#[test]
fn embedding_requests_go_both_ways() {
    let request: EmbeddingRequest = both_ways(&json!({
        "model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 8, "user": "u",
    }));
    assert_eq!(request.encoding_format, Some(EncodingFormat::Base64));
    assert_eq!(request.validate(), Ok(()));
    let request = EmbeddingRequest::from_json(br#"{"model":"m","input":"a"}"#).unwrap();
    assert_eq!(request.encoding_format.unwrap_or_default(), EncodingFormat::Float);
    assert_eq!(request.input, Input::from("a"));
    let zero = br#"{"model":"m","input":"a","dimensions":0}"#;
    let error = RequestError::OutOfRange { parameter: "dimensions", got: 0, min: 1, max: 65_536 };
    assert_eq!(EmbeddingRequest::from_json(zero), Err(error));
    assert!(
        EmbeddingRequest::from_json(br#"{"model":"m","input":"a","encoding_format":"f64"}"#)
            .is_err()
    );
}

#[test]
fn models_go_both_ways() {
    let models: List<Model> = both_ways(&json!({
        "object": "list",
        "data": [{"id": "m", "object": "model", "created": 1_686_935_002, "owned_by": "lazai"}],
    }));
    assert_eq!(models, List::new(models.data.clone()));
    let deleted: ModelDeleted = both_ways(&json!({"id": "m", "object": "model", "deleted": true}));
    assert!(deleted.deleted);
}
