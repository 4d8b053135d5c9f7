//! Reads hostile bytes as every request type and as headers; what can be read can be written and
//! read again.

#![no_main]

use core::fmt::Debug;

use lazai_api_types::{
    authorization::{LazaiFields, LazaiHeaders, WalletSignature},
    openai::{
        ChatCompletionRequest, CompletionRequest, EmbeddingRequest, EmbeddingVector,
        FineTuningJobRequest, Request, ResponseRequest,
    },
};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;

fuzz_target!(|bytes: &[u8]| {
    if let Some(request) = round_trip::<ChatCompletionRequest>(bytes) {
        let _ = (request.sampling(), request.token_limit(), request.stop_texts());
    }
    if let Some(request) = round_trip::<CompletionRequest>(bytes) {
        let _ = (request.sampling(), request.token_limit(), request.stop_texts());
    }
    round_trip::<EmbeddingRequest>(bytes);
    round_trip::<FineTuningJobRequest>(bytes);
    if let Some(request) = round_trip::<ResponseRequest>(bytes) {
        let _ = (request.messages(), request.sampling());
    }
    if let Ok(vector) = serde_json::from_slice::<EmbeddingVector>(bytes) {
        let _ = vector.values();
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        headers(text);
    }
    if let Some(bytes) = bytes.first_chunk() {
        let _ = WalletSignature::from_bytes(bytes);
    }
});

fn round_trip<T: Request + Serialize + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let request = T::from_json(bytes).ok()?;
    let written = serde_json::to_vec(&request).expect("a request can be written");
    let read = T::from_json(&written).expect("what was written can be read");
    assert_eq!(request, read);
    Some(request)
}

/// One header a line.
fn headers(text: &str) {
    let headers = text.lines().filter_map(|line| line.split_once(':'));
    let Ok(headers) = LazaiHeaders::parse(headers) else { return };
    let _ = headers.terms();
    let fields = LazaiFields::default().merge(&headers).expect("an empty body agrees");
    assert_eq!(fields.merge(&headers), Ok(fields));
    let _ = fields.credentials();
}
