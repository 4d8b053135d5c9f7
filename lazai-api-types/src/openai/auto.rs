use serde::{Deserialize, Serialize};

/// A value, or `"auto"`, which leaves it to the trainer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Auto<T> {
    /// The trainer chooses.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// The client chose.
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
