use serde::{Deserialize, Serialize};

/// A value, or `"auto"`, which leaves it to the trainer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Auto<T> {
    /// Left to the trainer.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Chosen by the client.
    #[serde(untagged)]
    Value(T),
}

impl<T: Copy> Auto<T> {
    /// Returns the chosen value, or `default`.
    pub const fn value_or(self, default: T) -> T {
        match self {
            Self::Auto => default,
            Self::Value(value) => value,
        }
    }
}
