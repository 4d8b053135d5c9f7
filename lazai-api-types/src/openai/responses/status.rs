use serde::{Deserialize, Serialize};

/// How far a response or one of its items is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// Its client ended it.
    Cancelled,
    /// It is whole.
    #[default]
    Completed,
    /// There is no answer.
    Failed,
    /// It is being written.
    InProgress,
    /// It was cut.
    Incomplete,
    /// It waits for its turn.
    Queued,
}
