use lazai_api_types::{
    Sampling,
    openai::{
        Capabilities, ChatCompletion, ChatCompletionRequest, ChatMessage, Content, ContentPart,
        Request, RequestError, ResponseFormat, Role, Stop, StopReason, Tool, ToolCall, ToolChoice,
        ToolChoiceMode, limits,
    },
};
use serde_json::{Value, json};

use crate::bodies::both_ways;

fn minimal() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
}

fn read(json: &Value) -> Result<ChatCompletionRequest, RequestError> {
    ChatCompletionRequest::from_json(json.to_string().as_bytes())
}

fn with(field: &str, value: impl Into<Value>) -> Result<ChatCompletionRequest, RequestError> {
    let mut body = minimal();
    body[field] = value.into();
    read(&body)
}

#[test]
fn the_published_client_is_understood() {
    let body = br#"{"model":"m1","messages":[{"role":"system","content":"sys"},{"role":"user","content":"What is Alith?"}],"max_tokens":4076,"temperature":1.0,"presence_penalty":0.0}"#;
    let request = ChatCompletionRequest::from_json(body).unwrap();
    assert_eq!(request.messages, [ChatMessage::system("sys"), ChatMessage::user("What is Alith?")]);
    assert_eq!(request.token_limit(), Some(4_076));
    assert_eq!(
        request.sampling(),
        Ok(Sampling { temperature_milli: 1_000, ..Sampling::default() })
    );
    assert_eq!(serde_json::to_string(&request).unwrap().len(), body.len());
}

#[test]
fn every_role_goes_both_ways() {
    let request: ChatCompletionRequest = both_ways(&json!({
        "model": "m",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "system", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]},
            {"role": "user", "name": "ada", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ]},
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "1+1"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "function", "name": "look", "content": "a cat"},
        ],
    }));
    assert_eq!(request.validate(), Ok(()));
    let roles: Vec<_> = request.messages.iter().map(ChatMessage::role).collect();
    let expected = [
        Role::Developer,
        Role::System,
        Role::User,
        Role::Assistant,
        Role::Tool,
        Role::Assistant,
        Role::Function,
    ];
    assert_eq!(roles, expected);
    let ChatMessage::System { content, .. } = &request.messages[1] else { panic!() };
    assert_eq!(content.text().as_deref(), Some("Be kind."));
    let ChatMessage::User { content, .. } = &request.messages[2] else { panic!() };
    assert_eq!(content.text(), None, "an image has no text");
    assert!(matches!(
        content,
        Content::Parts(parts) if matches!(parts[1], ContentPart::ImageUrl { .. })
    ));
}

#[test]
fn an_assistant_without_content_may_say_null() {
    let body = json!({"model": "m", "messages": [
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]},
    ]});
    let ChatMessage::Assistant(message) = &read(&body).unwrap().messages[0] else { panic!() };
    assert_eq!(message.content, None);
    assert!(matches!(&message.tool_calls.as_ref().unwrap()[0], ToolCall::Function { .. }));
}

#[test]
fn every_parameter_goes_both_ways() {
    let request: ChatCompletionRequest = both_ways(&json!({
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "frequency_penalty": -0.5,
        "function_call": {"name": "f"},
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "logit_bias": {"50256": -100},
        "logprobs": true,
        "max_completion_tokens": 12,
        "max_tokens": 12,
        "metadata": {"k": "v"},
        "n": 2,
        "parallel_tool_calls": false,
        "presence_penalty": 0.25,
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "answer", "strict": true, "schema": {"type": "object", "properties": {}},
        }},
        "safety_identifier": "s",
        "seed": -42,
        "service_tier": "auto",
        "stop": ["\n", "END"],
        "store": false,
        "stream": true,
        "stream_options": {"include_usage": true},
        "temperature": 0.5,
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "tools": [
            {"type": "function", "function": {
                "name": "f", "description": "d", "strict": true,
                "parameters": {"type": "object", "properties": {"x": {"type": "number"}}},
            }},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        ],
        "top_k": 40,
        "top_logprobs": 3,
        "top_p": 0.75,
        "user": "u",
    }));
    assert_eq!(request.validate(), Ok(()));
    assert_eq!(request.stop_texts(), ["\n", "END"]);
    assert!(matches!(request.response_format, Some(ResponseFormat::JsonSchema { .. })));
    assert!(matches!(request.tools.as_ref().unwrap()[1], Tool::Custom { .. }));
    assert!(matches!(request.tool_choice, Some(ToolChoice::Named(_))));
}

#[test]
fn choices_may_be_words_or_objects() {
    for (word, mode) in [
        ("none", ToolChoiceMode::None),
        ("auto", ToolChoiceMode::Auto),
        ("required", ToolChoiceMode::Required),
    ] {
        let request = with("tool_choice", word).unwrap();
        assert_eq!(request.tool_choice, Some(ToolChoice::Mode(mode)));
    }
    let error = with("tool_choice", "maybe").unwrap_err().to_string();
    assert!(error.starts_with("tool_choice must be none, auto, required"), "{error}");
    assert!(with("function_call", "auto").is_ok());
    assert_eq!(with("stop", "x").unwrap().stop, Some(Stop::Text("x".into())));
    assert_eq!(with("stop", Value::Null).unwrap().stop, None);
    assert!(with("response_format", json!({"type": "text"})).is_ok());
    assert!(with("response_format", json!({"type": "json_object"})).is_ok());
    assert!(with("response_format", json!({"type": "xml"})).is_err());
}

#[test]
fn nulls_and_fields_that_change_nothing_are_passed_over() {
    let body = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "hi", "mood": "good"}],
        "web_search_options": null,
        "modalities": ["text"],
        "min_p": 0, "repetition_penalty": 1.0, "stop_token_ids": [], "ignore_eos": false,
        "cache_salt": "s", "priority": 3, "future_option": null,
        "temperature": null, "tools": null, "stream_options": null, "logit_bias": null,
    });
    assert_eq!(read(&body), read(&minimal()));
}

#[test]
fn fields_that_change_the_answer_are_refused_by_name() {
    for (field, value) in [
        ("audio", json!({"voice": "alloy", "format": "wav"})),
        ("chat_template_kwargs", json!({"enable_thinking": false})),
        ("grammar", json!("root ::= \"a\"")),
        ("guided_json", json!({"type": "object"})),
        ("ignore_eos", json!(true)),
        ("min_p", json!(0.05)),
        ("modalities", json!(["text", "audio"])),
        ("n_predict", json!(5)),
        ("prediction", json!({"type": "content", "content": "x"})),
        ("repetition_penalty", json!(1.1)),
        ("stop_token_ids", json!([2])),
        ("verbosity", json!("low")),
        ("web_search_options", json!({})),
    ] {
        assert_eq!(with(field, value), Err(RequestError::Unsupported { parameter: field }));
    }
    let unknown = RequestError::Unknown { parameter: "mood".into() };
    assert_eq!(with("mood", "good"), Err(unknown.clone()));
    assert_eq!(unknown.parameter(), Some("mood"));
    assert_eq!(unknown.to_string(), "mood is not known, and would not be honoured");
    let mut streamed = minimal();
    streamed["stream"] = json!(true);
    streamed["stream_options"] = json!({"continuous_usage_stats": true});
    let parameter = "stream_options.continuous_usage_stats";
    assert_eq!(read(&streamed), Err(RequestError::Unsupported { parameter }));
    let prefix = json!([{"role": "assistant", "content": "a", "prefix": true}]);
    let parameter = "messages.prefix";
    assert_eq!(with("messages", prefix), Err(RequestError::Unsupported { parameter }));
}

#[test]
fn what_a_server_cannot_do_is_refused_by_name() {
    let image = json!([{"role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": "video_url", "video_url": {"url": "u"}},
    ]}]);
    let tool = json!({"type": "function", "function": {"name": "f"}});
    for (field, value) in [
        ("function_call", json!("auto")),
        ("functions", json!([{"name": "f"}])),
        ("logprobs", json!(true)),
        ("messages", image),
        ("n", json!(2)),
        ("reasoning_effort", json!("low")),
        ("response_format", json!({"type": "json_object", "schema": {"type": "object"}})),
        ("response_format", json!({"type": "structural_tag", "structures": [], "triggers": []})),
        ("tool_choice", json!("required")),
        ("tools", json!([tool])),
        ("presence_penalty", json!(0.5)),
        ("logit_bias", json!({"1": 1})),
    ] {
        let request = with(field, value).unwrap();
        let Err(RequestError::Unsupported { parameter }) = request.check(&Capabilities::default())
        else {
            panic!("{field} is passed over");
        };
        assert!(parameter.starts_with(field), "{parameter}");
        let can = request.check(&Capabilities::ALL);
        assert_eq!(can.is_ok(), !matches!(field, "presence_penalty" | "logit_bias"), "{field}");
    }
    for (field, value) in [
        ("logprobs", json!(false)),
        ("n", json!(1)),
        ("response_format", json!({"type": "text"})),
        ("tool_choice", json!("none")),
        ("tools", json!([])),
    ] {
        assert_eq!(with(field, value).unwrap().check(&Capabilities::default()), Ok(()), "{field}");
    }
}

#[test]
fn what_real_clients_send_is_read() {
    for (field, value) in [
        ("max_tokens", json!(-1)),
        ("max_completion_tokens", json!(-1)),
        ("max_tokens", json!(-1.0)),
    ] {
        assert_eq!(with(field, value).unwrap().token_limit(), None);
    }
    assert_eq!(with("max_tokens", json!(5.0)).unwrap().token_limit(), Some(5));
    assert_eq!(with("n", json!(2.0)).unwrap().n, Some(2));
    assert_eq!(with("seed", json!(-7.0)).unwrap().seed, Some(-7));
    assert_eq!(with("logit_bias", json!({"5": -3.0})).unwrap().logit_bias.unwrap()["5"], -3);
    assert_eq!(with("top_k", json!(-1)).unwrap().sampling().unwrap().top_k, 0);
    let stops = json!(["a", "b", "c", "d", "e", "f"]);
    assert_eq!(with("stop", stops).unwrap().stop_texts().len(), 6);
    assert_eq!(with("prompt_cache_key", "k").unwrap().prompt_cache_key.as_deref(), Some("k"));

    let request = with(
        "messages",
        json!([
            {"role": "user", "content": "hi", "name": ""},
            {"role": "assistant", "content": null, "annotations": [], "reasoning_content": "hm",
             "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": null},
            {"role": "assistant", "reasoning": "and", "audio": {"id": "a"}},
        ]),
    )
    .unwrap();
    let [_, ChatMessage::Assistant(asks), result, ChatMessage::Assistant(last)] =
        &request.messages[..]
    else {
        panic!()
    };
    assert_eq!(asks.thoughts(), Some("hm"));
    assert!(
        matches!(&asks.tool_calls.as_ref().unwrap()[0], ToolCall::Function { id, .. } if id == "c")
    );
    assert!(matches!(result, ChatMessage::Tool { content, .. } if *content == Content::default()));
    assert_eq!(last.thoughts(), Some("and"));
    assert!(last.audio.is_some());
    for call in [
        json!({"id": "c"}),
        json!({"id": "c", "type": "function", "custom": {"name": "f", "input": ""}}),
        json!({"id": "c", "type": "custom"}),
        json!({"id": "c", "function": {"name": "f", "arguments": ""}, "custom": {"name": "f", "input": ""}}),
    ] {
        let messages = json!([{"role": "assistant", "tool_calls": [call]}]);
        assert!(matches!(with("messages", messages), Err(RequestError::Json { .. })));
    }
}

#[test]
fn limits_are_kept_and_named() {
    let max = |parameter, got, max| RequestError::TooMany { parameter, got, max };
    let range = |parameter, got, min, max| RequestError::OutOfRange { parameter, got, min, max };
    let empty = |parameter| RequestError::Empty { parameter };
    let message = json!({"role": "user", "content": "hi"});
    let part = json!({"type": "text", "text": "x"});
    let parts = json!([{"role": "user", "content": vec![part; limits::MAX_PARTS + 1]}]);
    let too_long = |parameter, got, max| RequestError::TooLong { parameter, got, max };
    let tool = json!({"type": "function", "function": {"name": "f"}});
    let metadata: serde_json::Map<_, _> = (0..17).map(|i| (i.to_string(), json!(""))).collect();
    for (field, value, error) in [
        ("model", json!(""), empty("model")),
        ("model", json!("m".repeat(513)), too_long("model", 513, 512)),
        ("messages", json!([]), empty("messages")),
        ("messages", json!(vec![message; 1_025]), max("messages", 1_025, 1_024)),
        ("messages", parts, max("messages.content", 257, 256)),
        ("n", json!(0), range("n", 0, 1, 128)),
        ("n", json!(129), range("n", 129, 1, 128)),
        ("max_tokens", json!(0), range("max_tokens", 0, 1, u32::MAX.into())),
        ("max_completion_tokens", json!(0), range("max_completion_tokens", 0, 1, u32::MAX.into())),
        ("stop", json!(vec!["a"; 65]), max("stop", 65, 64)),
        ("stop", json!(""), empty("stop")),
        ("stop", json!("x".repeat(257)), too_long("stop", 257, 256)),
        ("tools", json!(vec![tool; 129]), max("tools", 129, 128)),
        ("tools", json!([{"type": "custom", "custom": {"name": ""}}]), empty("tools.name")),
        ("functions", json!([{"name": "f".repeat(65)}]), too_long("functions.name", 65, 64)),
        (
            "top_logprobs",
            json!(1),
            RequestError::Needs { parameter: "top_logprobs", other: "logprobs" },
        ),
        ("top_logprobs", json!(21), range("top_logprobs", 21, 0, 20)),
        (
            "stream_options",
            json!({}),
            RequestError::Needs { parameter: "stream_options", other: "stream" },
        ),
        ("metadata", metadata.into(), max("metadata", 17, 16)),
        ("metadata", json!({"k": "v".repeat(513)}), too_long("metadata", 513, 512)),
        (
            "temperature",
            json!(2.1),
            RequestError::OutOfRangeMilli {
                parameter: "temperature",
                got_milli: 2_100,
                min_milli: 0,
                max_milli: 2_000,
            },
        ),
        ("temperature", json!(1e39), RequestError::NotFinite { parameter: "temperature" }),
        ("logit_bias", json!({"1": 101}), range("logit_bias", 101, -100, 100)),
    ] {
        assert_eq!(with(field, value), Err(error.clone()), "{field}");
        assert!(error.parameter().is_some_and(|parameter| parameter.starts_with(field)));
    }
    let mut both = minimal();
    both["max_tokens"] = json!(1);
    both["max_completion_tokens"] = json!(2);
    let error = RequestError::Conflict { parameter: "max_tokens", other: "max_completion_tokens" };
    assert_eq!(read(&both), Err(error));
}

#[test]
fn numbers_that_fit_no_integer_name_what_was_expected() {
    for number in [
        "-2",
        "4294967296",
        "1.5",
        "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    ] {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"max_tokens":{number}}}"#
        );
        let error = ChatCompletionRequest::from_json(body.as_bytes()).unwrap_err();
        let RequestError::Json { message } = error else { panic!("{error}") };
        assert!(message.contains("expected u32"), "{message}");
    }
}

#[test]
fn a_body_is_bounded_before_it_is_read() {
    let body = vec![b' '; limits::MAX_BODY_BYTES + 1];
    let error = RequestError::BodyTooLarge { got: 8_388_609, max: 8_388_608 };
    assert_eq!(ChatCompletionRequest::from_json(&body), Err(error));
    // A parser's message may quote the body, and is cut.
    let error = with("tool_choice", Value::Null).and(read(&json!({"model": {}}))).unwrap_err();
    assert!(error.to_string().len() < 300);
    let error = read(&json!({"model": "m", "messages": [{"role": "é".repeat(10_000)}]}));
    assert!(error.unwrap_err().to_string().len() < 300);
}

#[test]
fn the_documented_answer_goes_both_ways() {
    let answer: ChatCompletion = both_ways(&json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1_741_569_952,
        "model": "gpt-4.1-2025-04-14",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello! How can I assist you today?",
                "refusal": null,
            },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    }));
    assert_eq!(answer.choices[0].finish_reason, Some(StopReason::Stop));
}

#[test]
fn tool_calls_and_logprobs_go_both_ways() {
    let answer: ChatCompletion = both_ways(&json!({
        "id": "chatcmpl-abc123",
        "object": "chat.completion",
        "created": 1_699_896_916,
        "model": "gpt-4o-mini",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": null,
                "refusal": null,
                "tool_calls": [{
                    "id": "call_abc123",
                    "type": "function",
                    "function": {
                        "name": "get_current_weather",
                        "arguments": "{\n\"location\": \"Boston, MA\"\n}",
                    },
                }],
            },
            "logprobs": {
                "content": [{
                    "token": "Hello", "logprob": -0.25, "bytes": [72, 101, 108, 108, 111],
                    "top_logprobs": [{"token": "Hi", "logprob": -9999.0, "bytes": null}],
                }],
                "refusal": null,
            },
            "finish_reason": "tool_calls",
        }],
    }));
    assert_eq!(answer.choices[0].finish_reason, Some(StopReason::ToolCalls));
    assert!(answer.usage.is_none());
}

#[test]
fn an_answer_of_another_kind_is_refused() {
    let chunk =
        r#"{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}"#;
    let error = serde_json::from_str::<ChatCompletion>(chunk).unwrap_err().to_string();
    assert!(error.contains("`chat.completion.chunk`, expected `chat.completion`"), "{error}");
    let late = r#"{"id":"x","created":4294967296,"model":"m","choices":[]}"#;
    assert!(serde_json::from_str::<ChatCompletion>(late).is_err(), "created fits 32 bits");
}
