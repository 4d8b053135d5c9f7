use alloy_primitives::{Address, U256};
use lazai_api_types::{
    Fault, FaultKind, ModelId, PortError, Rejection,
    authorization::AuthorizationError,
    openai::{ApiError, ErrorBody, RequestError},
};
use serde_json::json;

use crate::bodies::both_ways;

#[test]
fn every_body_has_all_four_fields_and_no_number() {
    let errors = [
        (400, "invalid_request_error", ApiError::bad_request("m", Some("n"))),
        (401, "authentication_error", ApiError::unauthorized("m", "invalid_signature")),
        (402, "payment_required", ApiError::payment_required("m")),
        (403, "permission_error", ApiError::forbidden("m")),
        (404, "invalid_request_error", ApiError::not_found("m", None, "dat_not_found")),
        (409, "conflict_error", ApiError::conflict("m", "nonce_too_low")),
        (413, "invalid_request_error", ApiError::payload_too_large("m")),
        (422, "invalid_request_error", ApiError::unprocessable("m", None)),
        (429, "rate_limit_error", ApiError::rate_limited("m")),
        (429, "insufficient_quota", ApiError::insufficient_quota("m")),
        (500, "server_error", ApiError::internal("m")),
        (503, "server_error", ApiError::unavailable("m")),
    ];
    for (status, kind, error) in errors {
        assert_eq!(error.status, status);
        assert_eq!(error.body.error.kind, kind);
        let json = serde_json::to_value(&error.body).unwrap();
        let detail = json["error"].as_object().unwrap();
        let mut fields: Vec<_> = detail.keys().map(String::as_str).collect();
        fields.sort_unstable(); // a feature of the JSON crate decides their order
        assert_eq!(fields, ["code", "message", "param", "type"]);
        assert!(detail.values().all(|value| value.is_string() || value.is_null()));
        assert_eq!(both_ways::<ErrorBody>(&json), error.body);
    }
}

#[test]
fn a_body_is_written_in_the_documented_order() {
    let body = ApiError::bad_request("n is 0", Some("n")).body;
    assert_eq!(
        serde_json::to_string(&body).unwrap(),
        r#"{"error":{"message":"n is 0","type":"invalid_request_error","param":"n","code":null}}"#
    );
    let short: ErrorBody =
        serde_json::from_value(json!({"error": {"message": "m", "type": "t"}})).unwrap();
    assert_eq!((short.error.param, short.error.code), (None, None));
}

#[test]
fn request_errors_become_answers() {
    let error = RequestError::OutOfRange { parameter: "n", got: 0, min: 1, max: 128 };
    let answer = ApiError::from(&error);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body.error.param.as_deref(), Some("n"));
    assert_eq!(answer.body.error.message, "n is 0, but must be from 1 to 128");
    let error = RequestError::BodyTooLarge { got: 2, max: 1 };
    assert_eq!(ApiError::from(&error).status, 413);
}

#[test]
fn authorization_errors_become_answers() {
    let nonce = AuthorizationError::NonceTooLow { got: U256::from(1), last: U256::from(1) };
    let fee = AuthorizationError::FeeAboveMaximum { fee: U256::from(2), maximum: U256::from(1) };
    let signer = AuthorizationError::SignerMismatch { expected: Address::ZERO, got: Address::ZERO };
    for (error, status, code) in [
        (nonce, 409, "nonce_too_low"),
        (fee, 402, "insufficient_balance"),
        (signer, 401, "invalid_signature"),
        (AuthorizationError::HighS, 401, "invalid_signature"),
        (AuthorizationError::Expired { deadline: 1, now: 2 }, 401, "authorization_expired"),
        (AuthorizationError::Missing { field: "nonce" }, 401, "missing_authorization"),
    ] {
        let answer = ApiError::from(&error);
        assert_eq!((answer.status, answer.body.error.code.as_deref()), (status, Some(code)));
    }
}

#[test]
fn port_errors_become_answers_without_the_operators_message() {
    let unknown = Rejection::UnknownModel { model: ModelId::default() };
    let answer = ApiError::from(&PortError::from(unknown));
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body.error.code.as_deref(), Some("model_not_found"));
    assert_eq!(ApiError::from(&PortError::from(Rejection::EmptyPrompt)).status, 400);
    for (kind, status) in [
        (FaultKind::Device, 500),
        (FaultKind::Internal, 500),
        (FaultKind::ModelUnavailable, 503),
        (FaultKind::Resources, 503),
    ] {
        let fault = PortError::from(Fault { kind, message: "/secret/path".into() });
        let answer = ApiError::from(&fault);
        assert_eq!(answer.status, status);
        assert!(!answer.body.error.message.contains("secret"));
    }
}
