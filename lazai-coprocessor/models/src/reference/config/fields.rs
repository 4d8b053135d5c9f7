use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::reference::ReferenceError;

/// The fields of a configuration, with refusals that name them.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    file: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(in crate::reference) const fn new(file: &'a str, map: &'a Map<String, Value>) -> Self {
        Self { file, map }
    }

    /// Returns the field, unless it is absent or null.
    #[must_use]
    pub fn present(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// Returns whether the field is there and null.
    #[must_use]
    pub fn is_null(&self, field: &str) -> bool {
        self.map.get(field).is_some_and(Value::is_null)
    }

    /// Returns the error that refuses the value of a field.
    #[must_use]
    pub fn refused(&self, field: &str, expected: impl Into<Cow<'static, str>>) -> ReferenceError {
        self.refused_value(field, expected, self.map.get(field))
    }

    /// Returns the error that refuses a value that stands somewhere inside a field.
    pub(in crate::reference) fn refused_value(
        &self,
        field: &str,
        expected: impl Into<Cow<'static, str>>,
        got: Option<&Value>,
    ) -> ReferenceError {
        let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
        ReferenceError::Field {
            file: self.file.to_owned(),
            field: field.to_owned(),
            expected: expected.into(),
            got: got.chars().take(64).collect(),
        }
    }

    /// Requires a value that fits.
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn only(
        &self,
        field: &str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ReferenceError> {
        match self.map.get(field) {
            Some(value) if fits(value) => Ok(()),
            _ => Err(self.refused(field, expected)),
        }
    }

    /// Requires a value that fits unless the field is absent or null.
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn neutral(
        &self,
        field: &str,
        expected: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ReferenceError> {
        if self.present(field).is_some() { self.only(field, expected, fits) } else { Ok(()) }
    }

    /// Reads a positive integer up to `max`.
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn integer(
        &self,
        field: &str,
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
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn epsilon(&self, field: &str, default: Option<f64>) -> Result<f64, ReferenceError> {
        let got = self.present(field).map_or(default, Value::as_f64);
        got.filter(|got| (0.0..=1.0).contains(got))
            .ok_or_else(|| self.refused(field, "a number from 0 to 1"))
    }

    /// Reads a boolean; `default` if the field is absent or null.
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn flag(&self, field: &str, default: bool) -> Result<bool, ReferenceError> {
        self.present(field).map_or(Ok(default), |value| {
            value.as_bool().ok_or_else(|| self.refused(field, "true or false"))
        })
    }

    /// Reads the tokens that end a text, as [`end_tokens`](Self::end_tokens) does; an absent field
    /// means `default`, if the vocabulary has that token.
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn end_tokens_or(&self, vocabulary: u32, default: u32) -> Result<Vec<u32>, ReferenceError> {
        if self.map.contains_key("eos_token_id") {
            return self.end_tokens(vocabulary);
        }
        Ok(Some(default).filter(|token| *token < vocabulary).into_iter().collect())
    }

    /// Reads the tokens that end a text: one, a list, or none.
    ///
    /// # Errors
    /// [`ReferenceError::Field`] otherwise.
    pub fn end_tokens(&self, vocabulary: u32) -> Result<Vec<u32>, ReferenceError> {
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

const MAX_END_TOKENS: usize = 64;

/// The name of the file that describes a network.
pub(in crate::reference) const FILE: &str = "config.json";
