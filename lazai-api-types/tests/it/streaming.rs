use lazai_api_types::{
    FinishReason, Usage,
    openai::{
        ApiError, ChatCompletionChunk, ChatCompletionRequest, ChatStream, CompletionChoice,
        CompletionChunk, Request, StopReason, sse,
    },
};
use serde_json::{Value, json};

const CHAT: &str = concat!(
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"m","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"m","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":"Hello\n\"you\""},"logprobs":null,"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"m","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"#,
    "\n\n",
    "data: [DONE]\n\n",
);

const TOOLS_WITH_USAGE: &str = concat!(
    r#"data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"look","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}"#,
    "\n\n",
    "data: [DONE]\n\n",
);

fn request(options: &Value) -> ChatCompletionRequest {
    let mut body = json!({
        "model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true,
    });
    body["stream_options"] = options.clone();
    ChatCompletionRequest::from_json(body.to_string().as_bytes()).unwrap()
}

fn transcript(chunks: &[ChatCompletionChunk]) -> String {
    let mut transcript: String = chunks.iter().map(|chunk| sse::event(chunk).unwrap()).collect();
    transcript.push_str(sse::DONE);
    transcript
}

fn chunks(transcript: &str) -> Vec<ChatCompletionChunk> {
    transcript
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").unwrap())
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[test]
fn a_chat_is_streamed_byte_for_byte() {
    let fingerprint = Some("fp_1".into());
    let stream =
        ChatStream::new(&request(&json!(null)), "chatcmpl-1".into(), 1_694_268_190, fingerprint);
    let sent = [
        stream.begin(0),
        stream.text(0, "Hello\n\"you\"".into()),
        stream.end(0, FinishReason::Stop.into()),
    ];
    assert_eq!(stream.usage(Usage::default().into()), None, "nobody asked for it");
    assert_eq!(transcript(&sent), CHAT);
    assert_eq!(chunks(CHAT), sent);
}

#[test]
fn tool_calls_and_usage_are_streamed_byte_for_byte() {
    let request = request(&json!({"include_usage": true, "include_obfuscation": false}));
    let stream = ChatStream::new(&request, "chatcmpl-2".into(), 1, None);
    let usage = Usage { prompt_tokens: 7, completion_tokens: 5 };
    let sent = [
        stream.begin(0),
        stream.begin_call(0, 0, "call_1".into(), "look".into()),
        stream.arguments(0, 0, r#"{"x":1}"#.into()),
        stream.end(0, StopReason::ToolCalls),
        stream.usage(usage.into()).unwrap(),
    ];
    assert_eq!(transcript(&sent), TOOLS_WITH_USAGE);
    assert_eq!(chunks(TOOLS_WITH_USAGE), sent);
}

#[test]
fn completions_are_streamed_byte_for_byte() {
    let chunk = CompletionChunk {
        id: "cmpl-1".into(),
        created: 1,
        model: "m".into(),
        choices: vec![CompletionChoice { text: "Hi".into(), ..CompletionChoice::default() }],
        usage: Some(None),
        ..CompletionChunk::default()
    };
    let event = sse::event(&chunk).unwrap();
    assert_eq!(
        event,
        concat!(
            r#"data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"Hi","index":0,"logprobs":null,"finish_reason":null}],"usage":null}"#,
            "\n\n"
        )
    );
    let read: CompletionChunk = serde_json::from_str(&event["data: ".len()..]).unwrap();
    assert_eq!(read, chunk);
}

#[test]
fn a_failure_in_the_middle_is_an_event() {
    let event = sse::event(&ApiError::internal("the server failed").body).unwrap();
    assert_eq!(
        event,
        concat!(
            r#"data: {"error":{"message":"the server failed","type":"server_error","param":null,"code":"internal_error"}}"#,
            "\n\n"
        )
    );
}

#[test]
fn an_event_is_always_one_line() {
    let stream = ChatStream::new(&request(&json!(null)), "x".into(), 1, None);
    let text = "a\r\nb\rc\nd\u{85}e\u{2028}f\0";
    let event = sse::event(&stream.text(0, text.into())).unwrap();
    let body = event.strip_suffix("\n\n").unwrap();
    assert!(!body.contains(['\r', '\n']));
    assert_eq!(chunks(&event)[0].choices[0].delta.content.as_deref(), Some(text));
}
