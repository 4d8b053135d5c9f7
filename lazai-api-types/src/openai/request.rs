use serde::de::DeserializeOwned;

use super::{Capabilities, RequestError, limits::MAX_BODY_BYTES};

/// The body of a request.
pub trait Request: DeserializeOwned {
    /// Checks that every value is within the [`limits`](super::limits), no two contradict each
    /// other, and no field is there that would change the answer and that this type does not have.
    ///
    /// # Errors
    /// The first fault found.
    fn validate(&self) -> Result<(), RequestError>;

    /// Checks that `server` can do all that the request asks for, so that nothing which changes the
    /// answer is passed over.
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] names the first parameter that it cannot honour.
    fn check(&self, server: &Capabilities) -> Result<(), RequestError>;

    /// Reads and validates a body.
    ///
    /// Bounds: at most [`MAX_BODY_BYTES`], checked before parsing, and 128 levels of nesting. What
    /// is allocated is proportional to what was sent.
    ///
    /// # Errors
    /// [`RequestError::BodyTooLarge`], [`RequestError::Json`], or what [`validate`](Self::validate)
    /// finds.
    fn from_json(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(RequestError::BodyTooLarge {
                got: body.len() as u64,
                max: MAX_BODY_BYTES as u64,
            });
        }
        let request: Self = serde_json::from_slice(body).map_err(RequestError::from_json)?;
        request.validate()?;
        Ok(request)
    }
}
