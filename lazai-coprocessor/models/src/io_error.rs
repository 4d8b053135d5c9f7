//! The errors of the file system inside the errors of this crate.

use core::{
    error::Error,
    fmt::{self, Display, Formatter},
};
use std::{io, sync::Arc};

/// An error of the file system, shared so that an error that holds it can be cloned.
///
/// Two are equal if they are of one kind.
#[derive(Clone, Debug)]
pub struct IoError(Arc<io::Error>);

impl IoError {
    /// Returns the general category of the error.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }
}

impl Display for IoError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, formatter)
    }
}

impl Eq for IoError {}

impl Error for IoError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<io::Error> for IoError {
    fn from(error: io::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<io::ErrorKind> for IoError {
    fn from(kind: io::ErrorKind) -> Self {
        io::Error::from(kind).into()
    }
}

impl PartialEq for IoError {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::{Gguf, GgufError};

    #[test]
    fn the_error_of_the_system_stays_within_reach() {
        let error = Gguf::open("nowhere/model.gguf".as_ref()).unwrap_err();
        assert_eq!(error, GgufError::Io { source: io::ErrorKind::NotFound.into() });
        assert_eq!(error.to_string(), "the GGUF file cannot be read: entity not found");
        let system = error.source().unwrap().to_string();
        assert!(system.contains("os error"), "{system}");
    }
}
