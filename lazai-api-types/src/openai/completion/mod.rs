//! Completions, the older form in which a prompt is continued as it is.

mod request;
mod response;

pub use request::CompletionRequest;
pub use response::{Completion, CompletionChoice, CompletionChunk, CompletionLogprobs};
