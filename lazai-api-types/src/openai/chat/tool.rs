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
        /// Name, description and input format of the tool.
        custom: CustomTool,
    },
    /// A function whose arguments are JSON.
    Function {
        /// Name, description and parameters of the function.
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
    /// What it does, for the model to read.
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
    /// What it does, for the model to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Whether the arguments must obey the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// A call of a tool by the model. Where a client leaves its `type` out, the field beside tells.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "UntypedCall")]
pub enum ToolCall {
    /// A call with free text.
    Custom {
        /// Identifies the call; the message with its result repeats it.
        id: String,
        /// The tool and its input.
        custom: CustomCall,
    },
    /// A call with JSON.
    Function {
        /// Identifies the call; the message with its result repeats it.
        id: String,
        /// The function and its arguments.
        function: FunctionCall,
    },
}

/// A call as clients write it.
#[derive(Deserialize)]
struct UntypedCall {
    id: String,
    #[serde(default, rename = "type")]
    kind: Option<ToolCallType>,
    #[serde(default)]
    custom: Option<CustomCall>,
    #[serde(default)]
    function: Option<FunctionCall>,
}

impl TryFrom<UntypedCall> for ToolCall {
    type Error = &'static str;

    fn try_from(call: UntypedCall) -> Result<Self, Self::Error> {
        let UntypedCall { id, kind, custom, function } = call;
        match (kind, custom, function) {
            (None | Some(ToolCallType::Function), None, Some(function)) => {
                Ok(Self::Function { id, function })
            }
            (None | Some(ToolCallType::Custom), Some(custom), None) => {
                Ok(Self::Custom { id, custom })
            }
            (Some(ToolCallType::Function), _, None) => Err("missing field `function`"),
            (Some(ToolCallType::Custom), None, _) => Err("missing field `custom`"),
            (None, None, None) => Err("a tool call needs `function` or `custom`"),
            _ => Err("a tool call has either `function` or `custom`, by its `type`"),
        }
    }
}

/// The kind of a call.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolCallType {
    /// A tool whose input is free text.
    Custom,
    /// A function that the client defines.
    #[default]
    Function,
}

/// A call with free text.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CustomCall {
    /// Name, as the request defined it.
    pub name: String,
    /// Free text that the model passes to the tool.
    pub input: String,
}

/// A call with JSON.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionCall {
    /// Name, as the request defined it.
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
    /// Any tool, some tool or none.
    Mode(ToolChoiceMode),
    /// The tool of this name.
    Named(NamedTool),
}

/// Whether the model calls tools.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoiceMode {
    /// The model may call a tool.
    Auto,
    /// The model calls no tool.
    None,
    /// The model must call a tool.
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
        /// Name of the tool.
        custom: FunctionName,
    },
    /// A function that the client defined.
    Function {
        /// Name of the function.
        function: FunctionName,
    },
}

/// The name of a function or a tool.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionName {
    /// Name, as the request defined it.
    pub name: String,
}

/// Which function the model may call, in the older spelling of [`ToolChoice`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "function_call must be none, auto, or an object that names a function"
)]
pub enum FunctionChoice {
    /// Any tool, some tool or none.
    Mode(ToolChoiceMode),
    /// The function of this name.
    Named(FunctionName),
}
