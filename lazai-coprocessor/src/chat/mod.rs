//! Chats as prompts: the Jinja template of a checkpoint turns messages into the text that the model
//! was trained on.
//!
//! ```
//! use lazai_api_types::openai::ChatMessage;
//! use lazai_coprocessor::chat::ChatTemplate;
//!
//! # fn main() -> Result<(), lazai_coprocessor::chat::ChatError> {
//! let source = concat!(
//!     "{% for message in messages %}",
//!     "<|{{ message.role }}|>{{ message.content }}\n",
//!     "{% endfor %}"
//! );
//! let template = ChatTemplate::new(source, None, None)?;
//! let text = template.render_text(&[ChatMessage::user("Hello")], false)?;
//! assert_eq!(text, "<|user|>Hello\n");
//! # Ok(())
//! # }
//! ```
//!
//! # What a template sees
//!
//! The environment of Hugging Face's `apply_chat_template`: blocks trimmed, `break` and `continue`,
//! `raise_exception`, `tojson` that does not escape HTML, the methods of Python's strings and
//! dictionaries, `namespace`, `loop.previtem`, slices. `messages`, `add_generation_prompt`, the
//! special tokens of the configuration, `tools` and `documents`, which are none. Texts in parts are
//! joined; other parts are refused. `developer` is written `system`, and `function` is written
//! `tool`, where the template does not speak of them. A call's arguments are the object that their
//! JSON says, if it says one.
//!
//! # Determinism
//!
//! The clock never reaches a prompt: `strftime_now` is undefined until [`ChatTemplate::with_date`]
//! fixes the day. There is no loader, so a template reads no other, and no random filter.
//!
//! # Special tokens
//!
//! [`ChatTemplate::render`] renders twice: once with a sentinel inserted into every special token
//! found in user content, once with a sentinel after every character of it. [`Rendered::encode`]
//! reads the first text without the sentinels, and checks that it has the special tokens of the
//! second, in which no content can spell one.
//!
//! # Limits
//!
//! A template has at most 64 KiB and 2,000 tokens in a tag, a chat 1,024 messages and 1 MiB of
//! text, a rendered chat 1 MiB. The engine's fuel, which grows with the chat, bounds steps and
//! memory of a run; values nest at most 64 levels, and a namespace holds no other.
//! Tools are not passed to templates.
//!
//! What Python has and the engine lacks fails with the line of the template. What would silently
//! mean something else is refused: `self`, `lipsum`, `cycler`, `joiner`, `attr`, `pprint`,
//! `autoescape`, the question whether a method is defined, the escapes `\N` and `\U`, a default of
//! a macro that reads another parameter, a variable that is set in a block of `set` or `filter` and
//! read outside of it, markup beside `+`, and an iterator that is read twice.

mod config;
mod date;
mod environment;
mod error;
mod iterators;
mod json;
mod lists;
mod markup;
mod message;
mod python_methods;
mod python_text;
mod recursion;
mod rendered;
mod repr;
mod sentinel;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod value_guard;

pub use date::Date;
pub use error::ChatError;
pub use rendered::Rendered;
pub use template::ChatTemplate;
