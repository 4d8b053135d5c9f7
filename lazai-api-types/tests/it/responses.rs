//! `/v1/responses`.

use lazai_api_types::{
    FinishReason, Usage,
    openai::{
        Capabilities, ChatMessage, Content, ContentPart, Request, RequestError, Response,
        ResponseError, ResponseEvent, ResponseInput, ResponseItem, ResponseRequest, ResponseStatus,
        ResponseStream, Role, ToolCall,
    },
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::bodies::both_ways;

fn read(body: &Value) -> Result<ResponseRequest, RequestError> {
    ResponseRequest::from_json(body.to_string().as_bytes())
}

fn with(field: &str, value: Value) -> Result<ResponseRequest, RequestError> {
    let mut body = json!({"model": "m", "input": "hi"});
    body[field] = value;
    read(&body)
}

#[test]
fn the_documented_response_goes_both_ways() {
    let response: Response = both_ways(&json!({
        "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "object": "response",
        "created_at": 1_741_476_542,
        "status": "completed",
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "model": "gpt-4.1-2025-04-14",
        "output": [{
            "type": "message",
            "id": "msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b",
            "status": "completed",
            "role": "assistant",
            "content": [{
                "type": "output_text",
                "text": "In a peaceful grove beneath a silver moon, a unicorn named Lumina discovered a hidden pool.",
                "annotations": [],
            }],
        }],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "store": true,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 36,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 87,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 123,
        },
        "user": null,
        "metadata": {},
    }));
    assert_eq!(response.status, ResponseStatus::Completed);
    let ResponseItem::Message { content, .. } = &response.output[0] else { panic!() };
    assert!(content.text().unwrap().starts_with("In a peaceful grove"));
}

#[test]
fn the_documented_requests_go_both_ways() {
    let text: ResponseRequest = both_ways(&json!({
        "model": "gpt-4.1",
        "input": "Tell me a three sentence bedtime story about a unicorn.",
    }));
    assert_eq!(text.validate(), Ok(()));
    let image = json!({
        "model": "gpt-4.1",
        "input": [{"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "what is in this image?"},
            {"type": "input_image", "image_url": "https://example.com/boardwalk.jpg"},
        ]}],
    });
    let image: ResponseRequest = both_ways(&image);
    let parameter = "input.content";
    let refused = image.check(&Capabilities::default());
    assert_eq!(refused, Err(RequestError::Unsupported { parameter }));
    let Content::Parts(parts) = (match &image.messages().unwrap()[0] {
        ChatMessage::User { content, .. } => content.clone(),
        _ => panic!(),
    }) else {
        panic!()
    };
    assert!(
        matches!(&parts[1], ContentPart::ImageUrl { image_url } if image_url.url.ends_with("jpg"))
    );
    let functions: ResponseRequest = both_ways(&json!({
        "model": "gpt-4.1",
        "instructions": "You are a helpful assistant.",
        "input": "What is the weather like in Boston today?",
        "tools": [{
            "type": "function",
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
        }],
        "tool_choice": "auto",
        "stream": true,
        "dat_id": "7",
    }));
    let refused = functions.check(&Capabilities::default());
    assert_eq!(refused, Err(RequestError::Unsupported { parameter: "tools" }));
    assert_eq!(functions.check(&Capabilities::ALL), Ok(()));
}

#[test]
fn a_conversation_is_a_chat() {
    let request = read(&json!({
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "What is this?"}]},
            {"type": "function_call", "id": "fc", "call_id": "c", "name": "look", "arguments": "{}", "status": "completed"},
            {"type": "function_call_output", "call_id": "c", "output": "a cat"},
            {"type": "message", "id": "msg", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "A cat.", "annotations": []},
            ]},
        ],
    }))
    .unwrap();
    let messages = request.messages().unwrap();
    let roles: Vec<_> = messages.iter().map(ChatMessage::role).collect();
    let expected =
        [Role::System, Role::Developer, Role::User, Role::Assistant, Role::Tool, Role::Assistant];
    assert_eq!(roles, expected);
    let ChatMessage::Assistant(asks) = &messages[3] else { panic!() };
    assert!(
        matches!(&asks.tool_calls.as_ref().unwrap()[0], ToolCall::Function { id, .. } if id == "c")
    );
    let ChatMessage::Assistant(says) = &messages[5] else { panic!() };
    assert_eq!(says.content.as_ref().unwrap().text().as_deref(), Some("A cat."));
    let thought = with("input", json!([{"type": "reasoning", "id": "r", "summary": []}])).unwrap();
    let parameter = "input.reasoning";
    assert_eq!(thought.messages(), Err(RequestError::Unsupported { parameter }));
}

#[test]
fn what_would_be_passed_over_is_refused_by_name() {
    for (field, value) in [
        ("background", json!(true)),
        ("conversation", json!("conv_1")),
        ("include", json!(["reasoning.encrypted_content"])),
        ("max_tool_calls", json!(3)),
        ("prompt", json!({"id": "p"})),
        ("truncation", json!("auto")),
    ] {
        assert_eq!(with(field, value), Err(RequestError::Unsupported { parameter: field }));
    }
    let parameter = "text.verbosity";
    let refused = with("text", json!({"verbosity": "high"}));
    assert_eq!(refused, Err(RequestError::Unsupported { parameter }));
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("reasoning", json!({"effort": "low"})),
        ("text", json!({"format": {"type": "json_object"}})),
        ("top_logprobs", json!(2)),
    ] {
        let refused = with(field, value).unwrap().check(&Capabilities::default());
        let Err(RequestError::Unsupported { parameter }) = refused else {
            panic!("{field} is passed over");
        };
        assert!(parameter.starts_with(field), "{parameter}");
    }
    for (field, value) in [
        ("background", json!(false)),
        ("include", json!([])),
        ("truncation", json!("disabled")),
        ("reasoning", json!({"effort": null})),
        ("text", json!({"format": {"type": "text"}, "verbosity": "medium"})),
        ("prompt_cache_key", json!("k")),
        ("max_output_tokens", json!(-1)),
        ("top_k", json!(-1)),
    ] {
        assert_eq!(with(field, value).unwrap().check(&Capabilities::default()), Ok(()), "{field}");
    }
    assert_eq!(with("input", json!([])), Err(RequestError::Empty { parameter: "input" }));
    for input in
        [json!(null), json!([{"type": "computer_call"}]), json!([{"content": "a"}]), json!([1])]
    {
        assert!(matches!(with("input", input), Err(RequestError::Json { .. })));
    }
}

#[test]
fn a_response_is_streamed_in_order() {
    let request = with("max_output_tokens", json!(5)).unwrap();
    let mut stream =
        ResponseStream::new(Response::new(&request, "resp_1".into(), 9), "msg_1".into());
    let mut events = stream.begin();
    events.push(stream.text("Once ".into()));
    events.push(stream.text("upon".into()));
    let usage = Usage { prompt_tokens: 3, completion_tokens: 5 };
    events.extend(stream.end(FinishReason::Length, usage.into()));
    let names: Vec<_> = events.iter().map(ResponseEvent::name).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ];
    assert_eq!(names, expected);
    for (number, event) in events.iter().enumerate() {
        let sent = ResponseStream::write(event).unwrap();
        let (name, data) = sent.split_once('\n').unwrap();
        assert_eq!(name, format!("event: {}", event.name()));
        let json: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(json["sequence_number"], number);
        assert_eq!(json["type"], event.name());
        assert_eq!(&both_ways::<ResponseEvent>(&json), event);
    }
    assert_eq!(
        ResponseStream::write(&events[4]).unwrap(),
        concat!(
            "event: response.output_text.delta\n",
            r#"data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Once "}"#,
            "\n\n"
        )
    );
    let ResponseEvent::Incomplete { response, .. } = events.last().unwrap() else { panic!() };
    assert_eq!(response.incomplete_details.as_ref().unwrap().reason, "max_output_tokens");
    assert_eq!(response.usage.unwrap().total_tokens, 8);
    let ResponseItem::Message { content, .. } = &response.output[0] else { panic!() };
    assert_eq!(content.text().as_deref(), Some("Once upon"));

    let mut broken = ResponseStream::new(response.clone(), "msg_1".into());
    let error = ResponseError { code: "server_error".into(), message: "the server failed".into() };
    assert_eq!(broken.fail(error).name(), "response.failed");
}

#[test]
fn documented_events_go_both_ways() {
    for event in [
        json!({"type": "response.output_text.delta", "item_id": "msg_123", "output_index": 0,
            "content_index": 0, "delta": "In", "sequence_number": 1}),
        json!({"type": "response.output_text.done", "item_id": "msg_123", "output_index": 0,
            "content_index": 0, "text": "In the shimmering forest.", "sequence_number": 1}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "item-abc",
            "output_index": 0, "delta": "{ \"arg\":", "sequence_number": 1}),
        json!({"type": "response.content_part.done", "item_id": "msg_123", "output_index": 0,
            "content_index": 0, "sequence_number": 1,
            "part": {"type": "output_text", "text": "In the forest.", "annotations": []}}),
        json!({"type": "error", "code": "ERR_SOMETHING", "message": "Something went wrong",
            "param": null, "sequence_number": 1}),
    ] {
        both_ways::<ResponseEvent>(&event);
    }
}

proptest! {
    #[test]
    fn texts_survive(texts in vec((any::<bool>(), any::<String>()), 1..6), instructions in any::<String>()) {
        let items: Vec<_> = texts
            .iter()
            .map(|(is_user, text)| json!({"role": if *is_user { "user" } else { "assistant" }, "content": text}))
            .collect();
        let request = read(&json!({"model": "m", "input": items, "instructions": instructions})).unwrap();
        let written = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(&ResponseRequest::from_json(&written).unwrap(), &request);
        let mut expected = vec![ChatMessage::system(instructions)];
        expected.extend(texts.into_iter().map(|(is_user, text)| {
            if is_user { ChatMessage::user(text) } else { ChatMessage::assistant(text) }
        }));
        prop_assert_eq!(request.messages().unwrap(), expected);
        prop_assert!(matches!(request.input, ResponseInput::Items(_)));
    }

    /// Whatever a client adds changes nothing, is refused by its name, or belongs to the type.
    #[test]
    fn no_field_is_passed_over(
        name in prop_oneof![
            "[a-z_]{1,12}".boxed(),
            prop::sample::select(NAMES.to_vec()).prop_map(String::from).boxed(),
        ],
        number in -3..3_i8,
    ) {
        let with = |value: Value| {
            let mut body = json!({"model": "m", "input": "hi"});
            body[&name] = value;
            read(&body)
        };
        match with(json!(number)) {
            Err(RequestError::Unsupported { parameter }) => prop_assert_eq!(parameter, &name),
            Err(RequestError::Unknown { parameter }) => prop_assert_eq!(parameter, name),
            Err(_) => {}
            Ok(request) => {
                let written = serde_json::to_value(&request).unwrap();
                let is_ignored = lazai_api_types::openai::OtherFields::is_ignored(&name);
                let is_neutral = with(json!(number + 1)).is_err();
                prop_assert!(written.get(&name).is_some() || is_ignored || is_neutral, "{}", name);
            }
        }
    }
}

const NAMES: [&str; 12] = [
    "background",
    "max_output_tokens",
    "min_p",
    "mirostat",
    "n_predict",
    "repetition_penalty",
    "seed",
    "stop_token_ids",
    "temperature",
    "top_k",
    "top_n_sigma",
    "truncation",
];
