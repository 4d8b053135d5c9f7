use serde_json::{Map, Value};

use crate::reference::ReferenceError;

/// The fields of a configuration, with refusals that name them.
pub(in crate::reference) struct Fields<'a>(pub(in crate::reference) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Returns the field, unless it is absent or null.
    pub(in crate::reference) fn present(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// Returns the error that refuses the value of a field.
    pub(in crate::reference) fn refused(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> ReferenceError {
        refused(field, expected, self.0.get(field))
    }

    /// Requires a value that fits.
    pub(in crate::reference) fn only(
        &self,
        field: &'static str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ReferenceError> {
        match self.0.get(field) {
            Some(value) if fits(value) => Ok(()),
            _ => Err(self.refused(field, expected)),
        }
    }

    /// Requires a value that fits unless the field is absent or null.
    pub(in crate::reference) fn neutral(
        &self,
        field: &'static str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ReferenceError> {
        if self.present(field).is_some() { self.only(field, expected, fits) } else { Ok(()) }
    }

    /// Reads a positive integer up to `max`.
    pub(in crate::reference) fn integer(
        &self,
        field: &'static str,
        default: Option<u32>,
        max: u32,
    ) -> Result<u32, ReferenceError> {
        let got = match (self.present(field), default) {
            (Some(value), _) => value.as_u64().and_then(|value| u32::try_from(value).ok()),
            (None, default) => default,
        };
        got.filter(|got| (1..=max).contains(got))
            .ok_or_else(|| self.refused(field, "a positive integer that this version can hold"))
    }

    /// Reads a number from 0 to 1.
    pub(in crate::reference) fn epsilon(
        &self,
        field: &'static str,
        default: Option<f64>,
    ) -> Result<f64, ReferenceError> {
        let got = self.present(field).map_or(default, Value::as_f64);
        got.filter(|got| (0.0..=1.0).contains(got))
            .ok_or_else(|| self.refused(field, "a number from 0 to 1"))
    }

    /// Reads a boolean; `default` if the field is absent or null.
    pub(in crate::reference) fn flag(
        &self,
        field: &'static str,
        default: bool,
    ) -> Result<bool, ReferenceError> {
        self.present(field).map_or(Ok(default), |value| {
            value.as_bool().ok_or_else(|| self.refused(field, "true or false"))
        })
    }

    /// Reads the tokens that end a text: one, a list, or none.
    pub(in crate::reference) fn end_tokens(
        &self,
        vocabulary: u32,
    ) -> Result<Vec<u32>, ReferenceError> {
        let field = "eos_token_id";
        let values = match self.present(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) if values.len() <= MAX_END_TOKENS => values.as_slice(),
            Some(value) => core::slice::from_ref(value),
        };
        let token = |value: &Value| {
            let token = value.as_u64().and_then(|token| u32::try_from(token).ok());
            token
                .filter(|token| *token < vocabulary)
                .ok_or_else(|| self.refused(field, "tokens of the vocabulary, at most 64"))
        };
        values.iter().map(token).collect()
    }
}

pub(super) fn refused(
    field: &'static str,
    expected: &'static str,
    got: Option<&Value>,
) -> ReferenceError {
    let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
    ReferenceError::Field { field, expected, got: got.chars().take(64).collect() }
}

const MAX_END_TOKENS: usize = 64;
