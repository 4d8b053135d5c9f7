use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};

use serde::{Deserialize, Serialize};

use super::RequestError;
use crate::{FaultKind, PortError, Rejection, authorization::AuthorizationError};

/// The body of every answer that is not a success.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ErrorBody {
    /// What went wrong, and whose fault it is.
    pub error: ErrorDetail,
}

/// The description of an error.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ErrorDetail {
    /// What went wrong, for a person to read.
    pub message: String,
    /// The class of error.
    #[serde(rename = "type")]
    pub kind: String,
    /// The parameter at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// For a program. A text or `null`: clients fail to read a number.
    #[serde(default)]
    pub code: Option<String>,
}

/// An HTTP status with its body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiError {
    /// The HTTP status code.
    pub status: u16,
    /// The JSON body of the answer.
    pub body: ErrorBody,
}

impl ApiError {
    /// Makes status 400: the request is at fault.
    #[must_use]
    pub fn bad_request(message: impl Into<String>, param: Option<&str>) -> Self {
        Self::new(400, "invalid_request_error", message, param, None)
    }

    /// Makes status 401: nobody known signed the request.
    #[must_use]
    pub fn unauthorized(message: impl Into<String>, code: &str) -> Self {
        Self::new(401, "authentication_error", message, None, Some(code))
    }

    /// Makes status 402: the account does not hold the fee.
    #[must_use]
    pub fn payment_required(message: impl Into<String>) -> Self {
        Self::new(402, "payment_required", message, None, Some("insufficient_balance"))
    }

    /// Makes status 403: the account may not do this.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "permission_error", message, None, Some("permission_denied"))
    }

    /// Makes status 404: no such thing; `code` says which kind of thing, such as `model_not_found`
    /// or `dat_not_found`.
    #[must_use]
    pub fn not_found(message: impl Into<String>, param: Option<&str>, code: &str) -> Self {
        Self::new(404, "invalid_request_error", message, param, Some(code))
    }

    /// Makes status 409: the request contradicts an earlier one.
    #[must_use]
    pub fn conflict(message: impl Into<String>, code: &str) -> Self {
        Self::new(409, "conflict_error", message, None, Some(code))
    }

    /// Makes status 413: the body is too large.
    #[must_use]
    pub fn payload_too_large(message: impl Into<String>) -> Self {
        Self::new(413, "invalid_request_error", message, None, Some("request_too_large"))
    }

    /// Makes status 422: the request can be read but not done.
    #[must_use]
    pub fn unprocessable(message: impl Into<String>, param: Option<&str>) -> Self {
        Self::new(422, "invalid_request_error", message, param, Some("unprocessable"))
    }

    /// Makes status 429: too many requests; clients repeat it later by themselves.
    #[must_use]
    pub fn rate_limited(message: impl Into<String>) -> Self {
        Self::new(429, "rate_limit_error", message, None, Some("rate_limit_exceeded"))
    }

    /// Makes status 429 for requests that clients do not repeat: the account has used up what it
    /// may.
    #[must_use]
    pub fn insufficient_quota(message: impl Into<String>) -> Self {
        Self::new(429, "insufficient_quota", message, None, Some("insufficient_quota"))
    }

    /// Makes status 500: the server is at fault.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "server_error", message, None, Some("internal_error"))
    }

    /// Makes status 503: the server cannot do this now; clients repeat it later by themselves.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "server_error", message, None, Some("service_unavailable"))
    }

    fn new(
        status: u16,
        kind: &str,
        message: impl Into<String>,
        param: Option<&str>,
        code: Option<&str>,
    ) -> Self {
        let error = ErrorDetail {
            message: message.into(),
            kind: kind.to_owned(),
            param: param.map(str::to_owned),
            code: code.map(str::to_owned),
        };
        Self { status, body: ErrorBody { error } }
    }
}

impl From<&RequestError> for ApiError {
    fn from(error: &RequestError) -> Self {
        match error {
            RequestError::BodyTooLarge { .. } => Self::payload_too_large(error.to_string()),
            _ => Self::bad_request(error.to_string(), error.parameter()),
        }
    }
}

impl From<&AuthorizationError> for ApiError {
    fn from(error: &AuthorizationError) -> Self {
        let message = error.to_string();
        match error {
            AuthorizationError::FeeAboveMaximum { .. } => Self::payment_required(message),
            AuthorizationError::NonceTooLow { .. } => Self::conflict(message, "nonce_too_low"),
            _ => Self::unauthorized(message, error.code()),
        }
    }
}

impl From<&PortError> for ApiError {
    /// Hides the message of a fault, which is meant for the operator, from the client.
    fn from(error: &PortError) -> Self {
        match error {
            PortError::Rejected(rejection @ Rejection::UnknownModel { .. }) => {
                Self::not_found(rejection.to_string(), Some("model"), "model_not_found")
            }
            PortError::Rejected(rejection) => Self::bad_request(rejection.to_string(), None),
            PortError::Fault(fault) => match fault.kind {
                FaultKind::ModelUnavailable => {
                    Self::unavailable("the model is not available on this server")
                }
                FaultKind::Resources => Self::unavailable("the server has run out of resources"),
                _ => Self::internal("the server failed"),
            },
        }
    }
}
