use std::borrow::Cow;

use crate::reference::ReferenceError;

/// Returns the error that refuses the value of a key.
pub(in crate::reference) fn refused(
    key: &str,
    expected: impl Into<Cow<'static, str>>,
    got: &dyn ToString,
) -> ReferenceError {
    let got = got.to_string().chars().take(64).collect();
    ReferenceError::Key { key: key.to_owned(), expected: expected.into(), got }
}
