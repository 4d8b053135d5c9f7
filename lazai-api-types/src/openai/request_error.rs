use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
};

use super::limits;

/// Why a request was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The body is larger than a server reads.
    #[error("the body has {got} bytes, above the limit {max}")]
    BodyTooLarge {
        /// Bytes of the body.
        got: u64,
        /// Most bytes read.
        max: u64,
    },
    /// Two parameters contradict each other.
    #[error("{parameter} contradicts {other}")]
    Conflict {
        /// Name of the parameter in the body.
        parameter: &'static str,
        /// The one that it contradicts.
        other: &'static str,
    },
    /// A parameter needs at least one item or character.
    #[error("{parameter} must not be empty")]
    Empty {
        /// Name of the parameter in the body.
        parameter: &'static str,
    },
    /// The body is not the JSON of such a request.
    #[error("{message}")]
    Json {
        /// What was expected, what was found, and where.
        message: String,
    },
    /// A parameter has a meaning only together with another one.
    #[error("{parameter} needs {other}")]
    Needs {
        /// Name of the parameter in the body.
        parameter: &'static str,
        /// The one that it needs.
        other: &'static str,
    },
    /// A parameter is infinite or not a number.
    #[error("{parameter} is not a finite number")]
    NotFinite {
        /// Name of the parameter in the body.
        parameter: &'static str,
    },
    /// A parameter must be above 0.
    #[error("{parameter} must be above 0")]
    NotPositive {
        /// Name of the parameter in the body.
        parameter: &'static str,
    },
    /// A parameter is out of range.
    #[error("{parameter} is {got}, but must be from {min} to {max}")]
    OutOfRange {
        /// Name of the parameter in the body.
        parameter: &'static str,
        /// Value of the parameter.
        got: i64,
        /// Least value allowed.
        min: i64,
        /// Largest value allowed.
        max: i64,
    },
    /// A parameter with a fraction is out of range.
    #[error("{parameter} is {got_milli} thousandths, but must be from {min_milli} to {max_milli}")]
    OutOfRangeMilli {
        /// Name of the parameter in the body.
        parameter: &'static str,
        /// Its value in thousandths, rounded away from the range.
        got_milli: i64,
        /// Its least value in thousandths.
        min_milli: i64,
        /// Its largest value in thousandths.
        max_milli: i64,
    },
    /// A text is too long.
    #[error("{parameter} has {got} bytes, above the limit {max}")]
    TooLong {
        /// Name of the parameter in the body.
        parameter: &'static str,
        /// Bytes of the text.
        got: u64,
        /// Most bytes read.
        max: u64,
    },
    /// A list is too long.
    #[error("{parameter} has {got} items, above the limit {max}")]
    TooMany {
        /// Name of the parameter in the body.
        parameter: &'static str,
        /// Items of the list.
        got: u64,
        /// Most items read.
        max: u64,
    },
    /// A field is none that is known, so nobody can tell whether ignoring it changes the answer.
    #[error("{parameter} is not known, and would not be honoured")]
    Unknown {
        /// Name of the field in the body, cut if it is long.
        parameter: String,
    },
    /// A parameter would change the result, but nobody here honours it.
    #[error("{parameter} is not supported")]
    Unsupported {
        /// Name of the parameter in the body.
        parameter: &'static str,
    },
}

impl RequestError {
    /// Returns the parameter at fault, where one is.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::BodyTooLarge { .. } | Self::Json { .. } => None,
            Self::Conflict { parameter, .. }
            | Self::Empty { parameter }
            | Self::Needs { parameter, .. }
            | Self::NotFinite { parameter }
            | Self::NotPositive { parameter }
            | Self::OutOfRange { parameter, .. }
            | Self::OutOfRangeMilli { parameter, .. }
            | Self::TooLong { parameter, .. }
            | Self::TooMany { parameter, .. }
            | Self::Unsupported { parameter } => Some(parameter),
            Self::Unknown { parameter } => Some(parameter),
        }
    }

    pub(super) const fn too_long(parameter: &'static str, got: usize, max: usize) -> Self {
        Self::TooLong { parameter, got: got as u64, max: max as u64 }
    }

    // Takes the error by value so that it can be passed to `map_err`.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn from_json(error: serde_json::Error) -> Self {
        let mut message = error.to_string();
        // The text repeats names from the body, which can be as long as the body.
        if message.len() > MAX_MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
            message.push_str("...");
        }
        Self::Json { message }
    }
}

/// Checks the length of a list.
pub(super) const fn bound(
    parameter: &'static str,
    got: usize,
    max: usize,
) -> Result<(), RequestError> {
    if got > max {
        return Err(RequestError::TooMany { parameter, got: got as u64, max: max as u64 });
    }
    Ok(())
}

/// Checks a text that must say something.
pub(super) const fn bound_text(
    parameter: &'static str,
    text: &str,
    max: usize,
) -> Result<(), RequestError> {
    if text.is_empty() {
        return Err(RequestError::Empty { parameter });
    }
    if text.len() > max {
        return Err(RequestError::too_long(parameter, text.len(), max));
    }
    Ok(())
}

/// Checks an optional number.
pub(super) fn bound_number(
    parameter: &'static str,
    got: Option<u32>,
    min: u32,
    max: u32,
) -> Result<(), RequestError> {
    match got {
        Some(got) if got < min || got > max => Err(RequestError::OutOfRange {
            parameter,
            got: got.into(),
            min: min.into(),
            max: max.into(),
        }),
        _ => Ok(()),
    }
}

/// Checks the free-form notes of a client.
pub(super) fn bound_metadata(
    metadata: Option<&BTreeMap<String, String>>,
) -> Result<(), RequestError> {
    let Some(metadata) = metadata else { return Ok(()) };
    bound("metadata", metadata.len(), limits::MAX_METADATA)?;
    for (key, value) in metadata {
        if key.len() > limits::MAX_METADATA_KEY_BYTES {
            let max = limits::MAX_METADATA_KEY_BYTES;
            return Err(RequestError::too_long("metadata", key.len(), max));
        }
        if value.len() > limits::MAX_METADATA_VALUE_BYTES {
            let max = limits::MAX_METADATA_VALUE_BYTES;
            return Err(RequestError::too_long("metadata", value.len(), max));
        }
    }
    Ok(())
}

/// Most bytes of a parser's message that are passed on.
const MAX_MESSAGE_BYTES: usize = 256;
