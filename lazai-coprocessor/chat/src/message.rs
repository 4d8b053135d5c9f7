//! Messages as values of a template.

use lazai_api_types::openai::{
    AssistantMessage, ChatMessage, Content, ContentPart, FunctionCall, ToolCall,
};
use minijinja::{Value, value::ValueKind};

use super::ChatError;

/// What is done to each text before a template sees it.
pub(super) type Rewrite<'a> = dyn FnMut(&str) -> Result<String, ChatError> + 'a;

/// Builds the list of messages, for a template that `knows_developers` or calls them `system`.
pub(super) fn values(
    messages: &[ChatMessage],
    knows_developers: bool,
    rewrite: &mut Rewrite<'_>,
) -> Result<Value, ChatError> {
    let mut values = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        values.push(value(message, index, knows_developers, rewrite)?);
    }
    Ok(Value::from(values))
}

fn value(
    message: &ChatMessage,
    index: usize,
    knows_developers: bool,
    rewrite: &mut Rewrite<'_>,
) -> Result<Value, ChatError> {
    let (role, content, name) = match message {
        ChatMessage::Assistant(message) => return assistant(message, index, rewrite),
        ChatMessage::Developer { content, name } => {
            (if knows_developers { "developer" } else { "system" }, text(content, index)?, name)
        }
        ChatMessage::Function { content, name } => {
            let content = rewrite(content.as_deref().unwrap_or_default())?;
            let fields =
                [("role", "tool".to_owned()), ("content", content), ("name", rewrite(name)?)];
            return Ok(Value::from_pairs(fields));
        }
        ChatMessage::System { content, name } => ("system", text(content, index)?, name),
        ChatMessage::Tool { content, tool_call_id } => {
            let content = rewrite(&text(content, index)?)?;
            let id = rewrite(tool_call_id)?;
            let fields = [("role", "tool".to_owned()), ("content", content), ("tool_call_id", id)];
            return Ok(Value::from_pairs(fields));
        }
        ChatMessage::User { content, name } => ("user", text(content, index)?, name),
    };
    let mut fields = vec![("role", role.to_owned()), ("content", rewrite(&content)?)];
    if let Some(name) = name {
        fields.push(("name", rewrite(name)?));
    }
    Ok(Value::from_pairs(fields))
}

/// What an assistant said; a refusal stands for an absent content.
fn assistant(
    message: &AssistantMessage,
    index: usize,
    rewrite: &mut Rewrite<'_>,
) -> Result<Value, ChatError> {
    let content = match (&message.content, &message.refusal) {
        (Some(content), _) => Some(text(content, index)?),
        (None, refusal) => refusal.clone(),
    };
    if message.audio.is_some() {
        return Err(ChatError::Part { index });
    }
    let calls = message.tool_calls.as_deref().unwrap_or_default();
    let mut fields = vec![("role", Value::from("assistant"))];
    match content {
        Some(content) => fields.push(("content", rewrite(&content)?.into())),
        None if calls.is_empty() => fields.push(("content", Value::from(""))),
        // As in `transformers`, what is null is not there.
        None => {}
    }
    if let Some(name) = &message.name {
        fields.push(("name", rewrite(name)?.into()));
    }
    if let Some(thoughts) = message.thoughts() {
        let thoughts = Value::from(rewrite(thoughts)?);
        // The second name is that of some templates.
        fields.push(("reasoning_content", thoughts.clone()));
        fields.push(("thinking", thoughts));
    }
    if !calls.is_empty() {
        let calls =
            calls.iter().map(|call| tool_call(call, rewrite)).collect::<Result<Vec<_>, _>>()?;
        fields.push(("tool_calls", calls.into()));
    }
    if let Some(call) = &message.function_call {
        fields.push(("function_call", function(call, rewrite)?));
    }
    Ok(Value::from_pairs(fields))
}

fn tool_call(call: &ToolCall, rewrite: &mut Rewrite<'_>) -> Result<Value, ChatError> {
    let (kind, id, call) = match call {
        ToolCall::Custom { id, custom } => {
            let fields = [("name", rewrite(&custom.name)?), ("input", rewrite(&custom.input)?)];
            ("custom", id, Value::from_pairs(fields))
        }
        ToolCall::Function { id, function: call } => ("function", id, function(call, rewrite)?),
    };
    let fields = [("id", rewrite(id)?.into()), ("type", Value::from(kind)), (kind, call)];
    Ok(Value::from_pairs(fields))
}

/// A call, with its arguments as the object that they spell, because templates write objects as
/// JSON again.
fn function(call: &FunctionCall, rewrite: &mut Rewrite<'_>) -> Result<Value, ChatError> {
    let parsed: Option<Value> = serde_json::from_str(&call.arguments).ok();
    let arguments = match parsed.filter(|value| value.kind() == ValueKind::Map) {
        Some(arguments) => rewrite_json(&arguments, rewrite)?,
        None => rewrite(&call.arguments)?.into(),
    };
    Ok(Value::from_pairs([("name", rewrite(&call.name)?.into()), ("arguments", arguments)]))
}

/// Every text of a value that was JSON, keys included. The parser bounds the nesting.
fn rewrite_json(value: &Value, rewrite: &mut Rewrite<'_>) -> Result<Value, ChatError> {
    if let Some(text) = value.as_str() {
        return Ok(rewrite(text)?.into());
    }
    let items = value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Map => {
            let mut fields = Vec::new();
            for key in items {
                let item = value.get_item(&key).unwrap_or_default();
                fields.push((rewrite_json(&key, rewrite)?, rewrite_json(&item, rewrite)?));
            }
            Ok(Value::from_pairs(fields))
        }
        ValueKind::Seq => {
            let items = items.map(|item| rewrite_json(&item, rewrite));
            Ok(Value::from(items.collect::<Result<Vec<_>, _>>()?))
        }
        _ => Ok(value.clone()),
    }
}

/// The text of a content, with the texts of its parts joined.
fn text(content: &Content, index: usize) -> Result<String, ChatError> {
    let parts = match content {
        Content::Text(text) => return Ok(text.clone()),
        Content::Parts(parts) => parts,
    };
    let text = |part: &ContentPart| match part {
        ContentPart::Refusal { refusal } => Ok(refusal.clone()),
        ContentPart::Text { text } => Ok(text.clone()),
        _ => Err(ChatError::Part { index }),
    };
    parts.iter().map(text).collect()
}
