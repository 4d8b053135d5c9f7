mod behaviour;
mod encode;
mod hostile;
mod jinja;
mod templates;

use lazai_api_types::openai::ChatMessage;

use super::*;

/// The rendered chat, without a prompt for the model.
fn render(source: &str, messages: &[ChatMessage]) -> Result<String, ChatError> {
    ChatTemplate::new(source, Some("<s>"), Some("</s>"))?.render_text(messages, false)
}

/// What a template without a chat writes.
fn write(source: &str) -> Result<String, ChatError> {
    render(source, &[])
}
