//! Whatever arrives, the answer is a value or an error.

use lazai_api_types::{
    authorization::{LazaiFields, LazaiHeaders, WalletSignature},
    openai::{
        ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, Completion, CompletionRequest,
        EmbeddingRequest, EmbeddingResponse, ErrorBody, FineTuningJob, FineTuningJobRequest,
        Request, RequestError, Response, ResponseEvent, ResponseRequest,
    },
};
use proptest::{collection::vec, prelude::*};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"system","content":"é"},{"role":"user","content":[{"type":"text","text":"\ud83d\ude00"},{"type":"image_url","image_url":{"url":"u"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}],"temperature":0.5,"stop":["a"],"tools":[{"type":"function","function":{"name":"f","parameters":{"a":[1,2.5,null]}}}],"tool_choice":"auto","response_format":{"type":"text"},"logit_bias":{"1":2},"stream":true,"stream_options":{"include_usage":true},"dat_id":"1","nonce":2,"wallet":"0x2c7536e3605d9c16a7a3d7b1898e529396a65c23","signature":"0x5f2d6480211538815b58684dad067feceac9e0d80de79c53cf64344a9ab81a2c37144506bde99d4b482111e6198fdc832ab6035bbdbe9118e9874521bc8fa4dc1b"}"#;
const COMPLETION: &str = r#"{"model":"m","prompt":[[1,2],[3]],"max_tokens":3,"n":2}"#;
const EMBEDDING: &str = r#"{"model":"m","input":["a","b"],"encoding_format":"base64"}"#;
const RESPONSE: &str = r#"{"model":"m","instructions":"i","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"r"}],"text":{"format":{"type":"json_schema","name":"n","schema":{"a":[1,2.5,null]}}},"top_k":-1}"#;
const TUNING: &str = r#"{"model":"m","training_file":"f","method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.5,"n_epochs":"auto"}}}}"#;

/// Reads `body` as every type that a server or a client reads.
fn read_all(body: &[u8]) {
    let _ = ChatCompletionRequest::from_json(body).map(|request| request.sampling());
    let _ = CompletionRequest::from_json(body).map(|request| request.sampling());
    let _ = EmbeddingRequest::from_json(body).map(|request| request.input.prompts());
    let _ = FineTuningJobRequest::from_json(body);
    let _ = ResponseRequest::from_json(body).map(|request| request.messages());
    let _ = serde_json::from_slice::<Response>(body);
    let _ = serde_json::from_slice::<ResponseEvent>(body);
    let _ = serde_json::from_slice::<ChatCompletion>(body);
    let _ = serde_json::from_slice::<ChatCompletionChunk>(body);
    let _ = serde_json::from_slice::<Completion>(body);
    let _ = serde_json::from_slice::<FineTuningJob>(body);
    let _ = serde_json::from_slice::<ErrorBody>(body);
    if let Ok(answer) = serde_json::from_slice::<EmbeddingResponse>(body) {
        for embedding in answer.data {
            let _ = embedding.embedding.values();
        }
    }
}

#[test]
fn every_sample_is_whole_and_no_part_of_it_is() {
    fn truncate<T: Request>(body: &str) {
        assert!(T::from_json(body.as_bytes()).is_ok());
        for end in 0..body.len() {
            let error = T::from_json(&body.as_bytes()[..end]).err();
            assert!(matches!(error, Some(RequestError::Json { .. })), "{end}");
        }
        assert!(T::from_json(format!("{body} x").as_bytes()).is_err(), "trailing bytes");
    }
    truncate::<ChatCompletionRequest>(CHAT);
    truncate::<CompletionRequest>(COMPLETION);
    truncate::<EmbeddingRequest>(EMBEDDING);
    truncate::<FineTuningJobRequest>(TUNING);
    truncate::<ResponseRequest>(RESPONSE);
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for field in ["messages", "tools", "metadata", "unknown", "response_format"] {
            let body = format!(r#"{{"model":"m","{field}":{nested}}}"#);
            let error = ChatCompletionRequest::from_json(body.as_bytes());
            assert!(matches!(error, Err(RequestError::Json { .. })));
        }
        read_all(format!(r#"{{"model":"m","input":{nested}}}"#).as_bytes());
    }
}

#[test]
fn odd_bodies_are_refused() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "\"a\"",
        "\u{feff}{}",
        "{\"model\":\"\\ud800\",\"messages\":[]}",
        "{\"model\":\"m\",\"messages\":{}}",
        "{\"model\":\"m\",\"messages\":[null]}",
        "{\"model\":\"m\",\"messages\":[{\"content\":\"no role\"}]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"admin\",\"content\":\"\"}]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":null}]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}]}",
        "{\"model\":\"m\",\"model\":\"n\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"temperature\":NaN}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"temperature\":1e999}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"temperature\":\"1\"}",
    ] {
        let error = ChatCompletionRequest::from_json(body.as_bytes());
        assert!(matches!(error, Err(RequestError::Json { .. })), "{body}: {error:?}");
    }
    assert!(ChatCompletionRequest::from_json(b"{\"model\":\"\xff\"}").is_err());
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn garbage_of_the_right_alphabet_never_panics(text in r#"[\[\]{}":,0-9a-z\\.e+-]{0,80}"#) {
        read_all(text.as_bytes());
    }

    #[test]
    fn altered_samples_never_panic(
        sample in prop::sample::select(vec![CHAT, COMPLETION, EMBEDDING, RESPONSE, TUNING]),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut body = sample.as_bytes().to_vec();
        for (index, byte) in changes {
            let index = index.index(body.len());
            body[index] = byte;
        }
        read_all(&body);
    }

    #[test]
    fn odd_headers_never_panic(
        headers in vec((prop::sample::select(vec![
            "x-lazai-user", "X-LazAI-Nonce", "X-LAZAI-SIGNATURE", "x-lazai-file-id",
            "x-lazai-token-id", "x-lazai-max-fee", "x-lazai-deadline", "host",
        ]), "(0x)?[0-9a-fA-F]{0,140}|.{0,20}"), 0..8),
    ) {
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        if let Ok(headers) = LazaiHeaders::parse(headers) {
            let _ = headers.terms();
            let _ = LazaiFields::default().merge(&headers).map(|fields| fields.credentials());
        }
    }

    #[test]
    fn odd_signatures_never_panic(bytes in vec(any::<u8>(), 65), digest in any::<[u8; 32]>()) {
        let mut bytes: [u8; 65] = bytes.try_into().unwrap();
        bytes[64] &= 1;
        bytes[32] &= 0x7f;
        if let Ok(signature) = WalletSignature::from_bytes(&bytes) {
            prop_assert_eq!(signature.to_string().parse(), Ok(signature));
            let _ = signature.recover(&digest.into());
        }
    }
}
