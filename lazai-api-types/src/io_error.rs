use alloc::sync::Arc;
use core::{
    error::Error,
    fmt::{self, Display, Formatter},
};
use std::io;

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
    use std::string::ToString;

    use super::*;

    #[test]
    fn two_errors_of_one_kind_are_equal_and_keep_their_texts() {
        let missing = IoError::from(io::Error::new(io::ErrorKind::NotFound, "no such disk"));
        assert_eq!(missing, io::ErrorKind::NotFound.into());
        assert_ne!(missing, io::ErrorKind::PermissionDenied.into());
        assert_eq!(missing.to_string(), "no such disk");
    }
}
