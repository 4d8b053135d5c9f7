use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::ModelObject;

/// A model that can be asked for.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Model {
    /// The name that requests use.
    pub id: String,
    /// Always `model`.
    #[serde(default)]
    pub object: ModelObject,
    /// When the model was made, in Unix seconds.
    #[serde(default)]
    pub created: u32,
    /// The organization that owns the model.
    #[serde(default)]
    pub owned_by: String,
}

/// The answer to deleting a model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModelDeleted {
    /// The name of the model.
    pub id: String,
    /// Always `model`.
    #[serde(default)]
    pub object: ModelObject,
    /// Whether it was deleted.
    pub deleted: bool,
}
