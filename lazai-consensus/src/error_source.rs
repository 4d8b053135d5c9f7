use alloc::{boxed::Box, string::ToString, sync::Arc};
use core::{error::Error, fmt};

/// The cause of an error, such as what an operating system said: shared, so that the error can be
/// cloned, and compared by its text, so that the error can be compared.
///
/// It must not reach consensus, because the text may differ from machine to machine.
#[derive(Clone, Debug)]
pub struct ErrorSource(Arc<dyn Error + Send + Sync>);

impl ErrorSource {
    /// Takes any error, or a text, as the cause.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// Returns the error, to be downcast.
    #[must_use]
    pub fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl Eq for ErrorSource {}

impl Error for ErrorSource {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // It stands for the error, so what caused that comes next.
        self.0.source()
    }
}

impl fmt::Display for ErrorSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl PartialEq for ErrorSource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.to_string() == other.to_string()
    }
}

#[cfg(test)]
#[cfg(feature = "std")]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_source_can_be_compared_and_downcast() {
        let denied = || ErrorSource::new(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied(), denied());
        assert_ne!(denied(), ErrorSource::new("another process holds it"));
        let error = denied().as_error().downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!(error, Some(io::ErrorKind::PermissionDenied));
    }
}
