use alloc::string::String;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::openai::{RequestError, limits, request_error::bound_text};

/// Something that a model may call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// A tool whose input is free text.
    Custom {
        /// The tool.
        custom: CustomTool,
    },
    /// A function whose arguments are JSON.
    Function {
        /// The function.
        function: FunctionDefinition,
    },
}

impl Tool {
    pub(super) fn validate(&self) -> Result<(), RequestError> {
        let name = match self {
            Self::Custom { custom } => &custom.name,
            Self::Function { function } => &function.name,
        };
        bound_text("tools.name", name, limits::MAX_TOOL_NAME_BYTES)
    }
}

/// A tool whose input is free text.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CustomTool {
    /// The name that a call uses.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The grammar of its input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Value>,
}

/// A function whose arguments are JSON.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FunctionDefinition {
    /// The name that a call uses.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Whether the arguments must obey the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// A call of a tool by the model.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToolCall {
    /// A call with free text.
    Custom {
        /// Identifies the call.
        id: String,
        /// The call.
        custom: CustomCall,
    },
    /// A call with JSON.
    Function {
        /// Identifies the call.
        id: String,
        /// The call.
        function: FunctionCall,
    },
}

/// A call with free text.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CustomCall {
    /// The tool.
    pub name: String,
    /// Its input.
    pub input: String,
}

/// A call with JSON.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionCall {
    /// The function.
    pub name: String,
    /// Its arguments, as the model wrote them: JSON as a rule, but nobody has checked it.
    pub arguments: String,
}

/// Which tools the model may call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "tool_choice must be none, auto, required, or an object that names a tool"
)]
pub enum ToolChoice {
    /// Any or none.
    Mode(ToolChoiceMode),
    /// This one.
    Named(NamedTool),
}

/// Whether the model calls tools.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoiceMode {
    /// It may.
    Auto,
    /// It does not.
    None,
    /// It must.
    Required,
}

/// The tool to call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NamedTool {
    /// One of these, by a `mode` and a list of `tools`.
    AllowedTools {
        /// The mode and the tools.
        allowed_tools: Value,
    },
    /// A tool whose input is free text.
    Custom {
        /// The tool.
        custom: FunctionName,
    },
    /// A function.
    Function {
        /// The function.
        function: FunctionName,
    },
}

/// The name of a function or a tool.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionName {
    /// The name.
    pub name: String,
}

/// Which function the model may call, in the older spelling of [`ToolChoice`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "function_call must be none, auto, or an object that names a function"
)]
pub enum FunctionChoice {
    /// Any or none.
    Mode(ToolChoiceMode),
    /// This one.
    Named(FunctionName),
}
